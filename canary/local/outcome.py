"""What a scenario's run is told to have shown: the shares drawn at each stage, and why it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from canary.local.result import StageShare
from canary.policy.compiled import CompiledPolicy
from canary.release.model import ReleaseState
from canary.routing.rates import asked_share

__all__ = ["reason_of", "stage_shares"]


def stage_shares(
    policy: CompiledPolicy, draws: Mapping[int, Mapping[str, int]]
) -> tuple[StageShare, ...]:
    """The canary's share of the arms drawn at each stage, beside the share asked for."""
    shares = []
    for stage in policy.stages:
        drawn = draws.get(stage.index, {})
        if count := sum(drawn.values()):
            share = drawn.get("canary", 0) / count
            percent = round(100 * stage.rate, 1)
            asked = asked_share(policy, stage.index)
            shares.append(StageShare(stage.index, percent, asked, share, count))
    return tuple(shares)


def reason_of(state: ReleaseState | None, rang: Sequence[str]) -> str:
    """Why the release stands where it does; `rang` are the alarms raised, in order."""
    if state is None:
        return "the release was not admitted"
    if state.hold:
        return f"held by {state.hold.cause}: {', '.join(state.hold.alarms) or state.hold.detail}"
    if state.cause:
        others = [name for name in dict.fromkeys(rang) if name != "canary-critical"]
        return f"{state.cause} ({', '.join(others)})" if others else str(state.cause)
    for decision in reversed(state.decisions):
        return str(decision["reason"])
    return f"phase {state.phase}"
