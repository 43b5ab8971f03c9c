"""What each arm is worth against the first one, from the log: "B is 3% better, 2% to 4%"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from canary.bandits.inference import Estimate, arm_value, difference, evidence_of, lift
from canary.bandits.settle import Outcome

__all__ = ["Effect", "effects"]


@dataclass(frozen=True)
class Effect:
    """One arm's: its reward rate, and how much higher than the first arm's that is.

    `points` is the difference of the rates, `lift` the same relative to the first arm's; both are
    None for the first arm itself.
    """

    arm: str
    decisions: int
    rate: Estimate
    points: Estimate | None
    lift: Estimate | None


def effects(outcomes: Sequence[Outcome], arms: Sequence[str]) -> tuple[Effect, ...]:
    """An effect for each arm that was drawn, in the order of `arms`, the first one compared with.

    Nothing without outcomes. Decisions of arms that are not named are left out.
    """
    known = [each for each in outcomes if each.decision.arm in arms]
    drawn = {each.decision.arm for each in known}
    if not known:
        return ()
    evidence = evidence_of(known, arms)
    first = next(index for index, arm in enumerate(arms) if arm in drawn)
    found = []
    for index, arm in enumerate(arms):
        if arm not in drawn:
            continue
        other = index != first
        found.append(
            Effect(
                arm,
                int((evidence.arms == index).sum()),
                arm_value(evidence, index),
                difference(evidence, index, first) if other else None,
                lift(evidence, index, first) if other else None,
            )
        )
    return tuple(found)
