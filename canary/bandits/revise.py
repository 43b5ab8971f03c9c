"""What follows from what was learned: resets, removals, and the next allocation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal

from canary.bandits.guardrails import quality_ceiling, shifts, too_poor
from canary.bandits.linear import LinearSums
from canary.bandits.rules import Rules
from canary.bandits.state import Arm, BanditState, allocate
from canary.bandits.tally import Moments, pooled

__all__ = ["Finding", "Revised", "day_of", "next_midnight", "revise", "stratum"]


@dataclass(frozen=True)
class Finding:
    """What a guardrail did to an arm, or would have done (`kept`), and the figures behind it.

    `value` and `limit`: of a reset, the shift and its limit in rates; of a removal, the upper bound
    of the quality and the least allowed.
    """

    what: Literal["reset", "removed", "kept"]
    arm: str
    at: float
    value: float
    limit: float


@dataclass(frozen=True)
class Revised:
    """The next state, the one given when nothing changed, and what guardrails found."""

    state: BanditState
    findings: tuple[Finding, ...] = ()


def revise(
    state: BanditState, rules: Rules, *, now: float, release_active: bool, zone: tzinfo = UTC
) -> Revised:
    """Judge the weeks that are settled and the quality, then allocate by what is left.

    Outside a release the new allocation is served at once. During one it is served from the next
    midnight of `zone` on, in both arms of the release alike, so that within a day the mix of
    variants is one and the same; removals and resets take effect with it.
    """
    judged, findings = _judge_weeks(state, rules, now)
    judged, poor = _judge_quality(judged, rules, now)
    allocated = _allocated(judged, rules, now, next_midnight(now, zone) if release_active else now)
    if allocated == state:
        return Revised(state, findings + poor)
    return Revised(replace(allocated, revision=state.revision + 1), findings + poor)


def next_midnight(now: float, zone: tzinfo = UTC) -> float:
    """The first instant of the next day, epoch seconds."""
    tomorrow = datetime.fromtimestamp(now, zone).date() + timedelta(days=1)
    return datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=zone).timestamp()


def day_of(at: float, zone: tzinfo = UTC) -> str:
    """The ISO date."""
    return datetime.fromtimestamp(at, zone).date().isoformat()


def stratum(intent: str, at: float, zone: tzinfo = UTC) -> str:
    """Where a release's test puts a conversation of an intent with a bandit: intent and day."""
    return f"{intent}/{day_of(at, zone)}"


def _judge_weeks(
    state: BanditState, rules: Rules, now: float
) -> tuple[BanditState, tuple[Finding, ...]]:
    findings: dict[str, Finding] = {}
    last = state.week_of(state.settled_until) - 1
    for number in range(max(state.judged_week + 1, 1), last + 1):
        served = state.served
        before, after = ([arm.week(week) for arm in served] for week in (number - 1, number))
        for arm, shift in zip(served, shifts(before, after, rules), strict=True):
            if shift is not None and shift.reset:
                limit = max(rules.shift_errors * shift.error, rules.shift_size)
                findings[arm.name] = Finding("reset", arm.name, now, shift.change, limit)
    arms = tuple(_fresh(arm) if arm.name in findings else arm for arm in state.arms)
    judged = replace(
        state,
        arms=arms,
        judged_week=max(state.judged_week, last),
        learning_since=now if findings else state.learning_since,
    )
    return judged, tuple(findings.values())


def _fresh(arm: Arm) -> Arm:
    linear = LinearSums.empty(len(arm.linear.gain)) if arm.linear else None
    return replace(arm, successes=0, failures=0, linear=linear)


def _judge_quality(
    state: BanditState, rules: Rules, now: float
) -> tuple[BanditState, tuple[Finding, ...]]:
    """By the week under way and the one before: an arm that was good once may have fallen."""
    week = state.week_of(state.settled_until)
    scores = {
        arm.name: pooled(arm.week(number).quality for number in (week - 1, week))
        for arm in state.served
    }
    poor = [name for name, each in scores.items() if too_poor(each, rules)]
    kept = _kept(scores, poor)
    findings = tuple(
        Finding(
            "kept" if name == kept else "removed",
            name,
            now,
            quality_ceiling(scores[name], rules),
            rules.least_quality,
        )
        for name in poor
    )
    gone = set(poor) - {kept}
    if not gone:
        return state, findings
    arms = tuple(replace(arm, removed_at=now) if arm.name in gone else arm for arm in state.arms)
    return replace(state, arms=arms, learning_since=now), findings


def _kept(scores: dict[str, Moments], poor: list[str]) -> str | None:
    """Somebody must answer: when every arm is poor the best of them stays, for a person to see."""
    if len(poor) < len(scores):
        return None
    return max(poor, key=lambda name: scores[name].mean)


def _allocated(state: BanditState, rules: Rules, now: float, since: float) -> BanditState:
    current = state.allocation_at(now)
    number = current.number + 1
    wanted = allocate(state.kind, state.arms, number=number, since=since, rules=rules)
    if wanted.same_as(current):
        return replace(state, current=current, upcoming=None)
    if since > now:
        return replace(state, current=current, upcoming=wanted)
    return replace(state, current=wanted, upcoming=None)
