"""Which weights a release's record allows the listener rules to carry."""

from __future__ import annotations

from canary.policy.compiled import CompiledPolicy
from canary.release.drill import PINNED_FORM
from canary.release.model import Phase, ReleaseState
from canary.routing.weights import (
    ALL_ON_CANARY,
    ALL_ON_PRIMARY,
    TrafficForm,
    safe_form,
    traffic_form,
)

__all__ = ["allowed_forms", "stage_form"]


def stage_form(state: ReleaseState, stage: int) -> TrafficForm:
    """The rules' weights at a stage of the release's own policy; the last stage is a promotion."""
    policy = CompiledPolicy.from_json(state.policy)
    last = len(policy.stages) - 1
    return traffic_form(policy.routing, policy.stages[stage].rate, promotion=stage == last)


def allowed_forms(state: ReleaseState) -> tuple[TrafficForm, ...]:
    """The forms that the live rules may have now; the first is the one to repair them to.

    While a shift is under way both its ends are allowed. Once revoked or over, and past the point
    of no return, only the safe arm is. A drill may open the canary's own rule, and no other.
    """
    if state.revoked or state.terminal or state.phase is Phase.PROMOTING:
        return (safe_form(state.safe_arm),)
    if state.drill is not None:
        return (ALL_ON_PRIMARY, PINNED_FORM)
    now = ALL_ON_PRIMARY if state.stage == 0 else stage_form(state, state.stage)
    if state.target_stage is None or state.target_stage == state.stage:
        return (now,)
    towards = (
        ALL_ON_CANARY if state.control_header_on_canary else stage_form(state, state.target_stage)
    )
    return (now,) if towards == now else (now, towards)
