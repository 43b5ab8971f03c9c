"""What the status page shows of a release: one plain document, built from the record and facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from canary.decision.facts import Draws
from canary.policy.compiled import CompiledPolicy
from canary.release.model import ReleaseState
from canary.routing.rates import asked_share

__all__ = ["POINTS_KEPT", "idle_view", "release_view"]

POINTS_KEPT = 2016
"""Seven days of one point every five minutes."""
LINES_KEPT = 200


def release_view(
    state: ReleaseState,
    policy: CompiledPolicy,
    *,
    now: float,
    counters: Mapping[str, Mapping[str, float]],
    draws: Sequence[Draws],
    alarms: Mapping[str, str],
    raised: Mapping[str, float],
    before: Mapping[str, Any],
) -> dict[str, Any]:
    """The document for an active release; `counters` are sums since the last document.

    `before` is the last document: its series and timeline go on when it is of the same release.
    """
    minute = _minute(state, now)
    same = before.get("release_id") == state.release_id
    arms = {arm: _arm(arm, counters, before if same else {}) for arm in ("control", "canary")}
    asked = 0.0 if state.revoked else asked_share(policy, state.stage)
    observed = _observed(draws, state.stage)
    point = {
        "minute": minute,
        "asked": asked,
        "observed": observed,
        **{f"{arm}_error": values["error_rate"] for arm, values in arms.items()},
        **{f"{arm}_slow": values["slow_rate"] for arm, values in arms.items()},
    }
    series = [*(before.get("series", []) if same else []), point]
    return {
        "release_id": state.release_id,
        "title": f"{state.candidate} in {state.region}",
        "updated_at": now,
        "phase": state.phase.value,
        "finished": state.terminal,
        "outcome": state.phase.value if state.terminal else None,
        "hold": _hold(state),
        "stages": [round(100 * stage.rate) for stage in policy.stages],
        "stage_percent": round(100 * policy.stages[state.stage].rate),
        "asked_share": asked,
        "observed_share": observed,
        "arms": arms,
        "series": series[-POINTS_KEPT:],
        "alarms": [_alarm(state, name, value, raised) for name, value in alarms.items()],
        "decisions": [_decision(state, item) for item in state.decisions],
        "timeline": _timeline(state, policy, minute, before if same else {}),
        "policy_changes": list(policy.changes),
    }


def idle_view(before: Mapping[str, Any], last: ReleaseState | None, now: float) -> dict[str, Any]:
    """The document while no release is active: the last one, at its end; empty if none was."""
    if last is None:
        return {}
    timeline = list(before.get("timeline", []))
    if before.get("phase") != last.phase.value:
        timeline.append({"minute": _minute(last, now), "text": _ended(last)})
    return dict(before) | {
        "updated_at": now,
        "phase": last.phase.value,
        "finished": True,
        "outcome": last.phase.value,
        "hold": None,
        "decisions": [_decision(last, item) for item in last.decisions],
        "timeline": timeline[-LINES_KEPT:],
    }


def _minute(state: ReleaseState, at: float) -> float:
    """Minutes since the release was admitted."""
    return round((at - state.admitted_at) / 60, 2)


def _arm(
    arm: str, counters: Mapping[str, Mapping[str, float]], before: Mapping[str, Any]
) -> dict[str, Any]:
    """Totals so far, and rates since the last document (None without requests)."""
    old = before.get("arms", {}).get(arm, {})
    requests = counters["Requests"][arm]
    errors = counters["Errors"][arm]
    return {
        "requests": int(old.get("requests", 0) + requests),
        "errors": int(old.get("errors", 0) + errors),
        "error_rate": errors / requests if requests else None,
        "slow_rate": counters["SlowRequests"][arm] / requests if requests else None,
    }


def _observed(draws: Sequence[Draws], stage: int) -> float | None:
    """The share of arms drawn at the stage in force that fell to the canary."""
    here = [item for item in draws if item.stage == stage]
    total = sum(item.control + item.canary for item in here)
    return sum(item.canary for item in here) / total if total else None


def _hold(state: ReleaseState) -> str | None:
    if state.hold is None:
        return None
    why = state.hold.detail or ", ".join(state.hold.alarms)
    return f"{state.hold.cause.value}: {why}" if why else state.hold.cause.value


def _alarm(
    state: ReleaseState, name: str, value: str, raised: Mapping[str, float]
) -> dict[str, Any]:
    since = raised.get(name)
    return {
        "name": name,
        "state": value,
        "since_minute": None if since is None else _minute(state, since),
    }


def _decision(state: ReleaseState, item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "minute": _minute(state, float(item.get("at", state.admitted_at))),
        "kind": item.get("decision", ""),
        "reason": item.get("reason", ""),
    }


def _timeline(
    state: ReleaseState, policy: CompiledPolicy, minute: float, before: Mapping[str, Any]
) -> list[dict[str, Any]]:
    lines = list(before.get("timeline", []))
    percent = round(100 * policy.stages[state.stage].rate)
    if (before.get("phase"), before.get("stage_percent")) != (state.phase.value, percent):
        lines.append({"minute": minute, "text": f"{state.phase.value} at {percent}%"})
    return lines[-LINES_KEPT:]


def _ended(state: ReleaseState) -> str:
    return f"{state.phase.value}: {state.cause.value}" if state.cause else state.phase.value
