"""One look: every rule of the progression in order of urgency, and what they decide together.

No data is never a pass: what is not known extends, and in the end waits for a person.
"""

from __future__ import annotations

from dataclasses import replace

from canary.decision.facts import Facts
from canary.decision.look import Look
from canary.decision.outcome import Decision
from canary.decision.progress import progress
from canary.decision.urgent import URGENT
from canary.policy.compiled import CompiledPolicy
from canary.release.model import DecisionKind, ReleaseState

__all__ = ["evaluate"]


def evaluate(
    policy: CompiledPolicy, state: ReleaseState, facts: Facts, *, asked_stage: int | None = None
) -> Decision:
    """Decide on a release by what is known at `facts.as_of`.

    `asked_stage` is the stage that the progression believes it bakes; when the record is at an
    earlier one (a hold came before the shift), the decision asks for the shift first.
    """
    look = Look(policy, state, facts)
    for rule in URGENT:
        if decision := rule(look):
            return decision
    if asked_stage is not None and asked_stage > state.stage:
        waiting = look.decide(DecisionKind.EXTEND, "Traffic is not at the stage yet.", wait=0)
        return replace(waiting, shift_needed=True)
    return progress(look)
