"""Who may start after a rollback: the cooldown, root causes, newer offline scores, the override.

A10: nothing starts for 24 hours, three rollbacks of a candidate within 7 days reject it for good,
the next release stays at 5% for 8 hours, and no candidate comes back before its root cause was
filed and reviewed.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from canary.policy.compiled import AntiFlapping, CompiledPolicy
from canary.policy.duration import duration_words
from canary.release.admission import Request
from canary.release.memory import Override, Past, Rollback, striking_out

__all__ = ["Verdict", "after_rollback", "judge_restart", "moment"]


@dataclass(frozen=True)
class Verdict:
    """Why a candidate may not start, and what was waived.

    `waived` are reasons that `override`, a second person's, lifts; `override` is None where there
    is nothing to lift.
    """

    reasons: tuple[str, ...] = ()
    waived: tuple[str, ...] = ()
    override: Override | None = None

    def record(self, request: Request) -> dict[str, Any] | None:
        """The override as the release's record keeps it; None where none was needed."""
        if self.override is None:
            return None
        return {
            "override_id": self.override.override_id,
            "waived": list(self.waived),
            "by": request.override_by,
            "reason": request.override_reason,
            "second": self.override.by,
            "second_reason": self.override.reason,
        }


def judge_restart(request: Request, past: Past, rule: AntiFlapping, now: float) -> Verdict:
    """What the past says to a request at `now`, in epoch seconds.

    Cooldown, root causes and the age of the scores are lifted by an override that someone else
    than who starts has written since the last strike. A rejection for good is not.
    """
    if rejection := _rejection(request, past, rule):
        return Verdict((rejection,))
    reasons = tuple(_liftable(request, past, rule, now))
    if not reasons or not request.override_reason:
        return Verdict(reasons)
    usable = [
        each
        for each in past.overrides
        if not each.used_by and each.at >= past.last_strike_at and each.by != request.override_by
    ]
    if usable and request.override_by:
        return Verdict((), reasons, min(usable, key=lambda each: each.at))
    lacking = (
        f"override: nobody but {request.override_by or 'who starts'} has given leave since the "
        f"last rollback: someone else runs `canary override {request.candidate} --reason TEXT`"
    )
    return Verdict((*reasons, lacking))


def after_rollback(policy: CompiledPolicy, past: Past) -> CompiledPolicy:
    """The policy with a longer first stage, where the release follows a strike.

    It does until a release has left the first stage since the region's last strike; a candidate
    that has struck stays longer each time.
    """
    pending = past.last.release_id and not past.followed_well
    strikes = past.candidate.strikes
    if not (pending or strikes):
        return policy
    cause = strikes[-1].release_id if strikes else past.last.release_id
    first = policy.stages[1]
    longer = policy.anti_flapping.hold_after_rollback_seconds
    if longer <= first.min_seconds:
        return policy
    stages = (policy.stages[0], replace(first, min_seconds=longer), *policy.stages[2:])
    change = (
        f"Stage 1 ({first.rate:.0%}) lasts at least {duration_words(longer)} instead of "
        f"{duration_words(first.min_seconds)}, after the rollback of {cause}."
    )
    return replace(policy, stages=stages, changes=(*policy.changes, change))


def moment(at: float) -> str:
    """An epoch time as people read it, in UTC to the minute, as 2026-12-01 14:00 UTC."""
    return f"{dt.datetime.fromtimestamp(at, tz=dt.UTC):%Y-%m-%d %H:%M} UTC"


def _rejection(request: Request, past: Past, rule: AntiFlapping) -> str:
    final = "no override lifts that; release another model"
    if out := striking_out(past.candidate, rule):
        names = ", ".join(each.release_id for each in out)
        window = duration_words(rule.window_seconds)
        return (
            f"candidate: {request.candidate} was rejected for good: {names} were rolled back "
            f"within {window}; {final}"
        )
    if past.candidate.rejected:
        return f"candidate: {request.candidate} was rejected and is not tried again; {final}"
    return ""


def _liftable(request: Request, past: Past, rule: AntiFlapping, now: float) -> Iterator[str]:
    until = past.last_strike_at + rule.cooldown_seconds
    if past.last_strike_at and now < until:
        yield (
            f"cooldown: until {moment(until)}: {_who(past)} was rolled back at "
            f"{moment(past.last_strike_at)}, and nothing starts in this region for "
            f"{duration_words(rule.cooldown_seconds)} after that"
        )
    for strike in past.candidate.strikes:
        yield from _root_cause(past, strike)
    if past.candidate.strikes:
        last = max(past.candidate.strikes, key=lambda each: each.at)
        yield from _scores(request, last)


def _who(past: Past) -> str:
    """The release of the last strike: the region's item tells, or the candidate's own memory."""
    known = [(past.last.at, past.last.release_id, past.last.candidate)]
    known += [(each.at, each.release_id, "") for each in past.candidate.strikes]
    _, release_id, candidate = max(known, key=lambda each: each[0])
    return f"{release_id} ({candidate})" if candidate else release_id


def _root_cause(past: Past, strike: Rollback) -> Iterator[str]:
    name = strike.release_id
    filed = past.root_cause(name)
    if filed is None:
        yield (
            f"root cause: of {name}'s rollback none is filed: `canary rca file {name} "
            "--document FILE`, and someone else reviews it"
        )
    elif filed.approved is None:
        yield (
            f"root cause: {name}'s was filed by {filed.filed_by} and is not reviewed: someone else "
            f"runs `canary rca review {name} --approve --note TEXT`"
        )
    elif not filed.approved:
        yield (
            f"root cause: {name}'s was declined by {filed.reviewed_by} ({filed.note}): "
            f"`canary rca file {name} --document FILE` with a better one"
        )


def _scores(request: Request, last: Rollback) -> Iterator[str]:
    """The fix was validated offline: scores that are older than the rollback do not show that."""
    at = request.offline_evaluation.get("evaluated_at")
    again = f"`canary evaluate {request.candidate} --output FILE`, and start with that"
    since = f"{last.release_id} was rolled back at {moment(last.at)}"
    if not isinstance(at, int | float) or isinstance(at, bool) or not math.isfinite(at):
        yield (
            "offline evaluation: does not say when it was made (evaluated_at), and "
            f"{since}: {again}"
        )
    elif at <= last.at:
        yield f"offline evaluation: was made at {moment(at)}, and {since}: {again}"
