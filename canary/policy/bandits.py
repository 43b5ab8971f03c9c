"""Table `[bandits]`: which low-risk intents learn which wording answers best, and within what."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from canary.policy.duration import Duration
from canary.policy.part import Fraction, Many, Name, Part, Positive

__all__ = ["MAX_ARMS", "BanditArmRule", "BanditRule", "BanditsRule"]

MAX_ARMS = 4


class BanditArmRule(Part):
    """One wording of an intent's answers."""

    name: Name = Field(description="the arm's name; another prompt needs another name")
    prompt: str = Field(
        max_length=500,
        description='what the model is told besides, at most 500 characters; "" is nothing',
    )


class BanditRule(Part):
    """An intent whose arms a bandit chooses among."""

    intent: str = Field(description="an intent of experiment tier 2 or 3, not revenue-critical")
    arms: Many[BanditArmRule] = Field(
        min_length=2, max_length=MAX_ARMS, description=f"two to {MAX_ARMS} arms"
    )


class BanditsRule(Part):
    """How much is explored, what a reward is, and what no arm may do."""

    exploration: Annotated[float, Field(ge=0.10, le=0.25)] = Field(
        description="the least probability of each arm, in whole ten-thousandths"
    )
    reward_window: Annotated[Duration, Field(ge=60)] = Field(
        description="how long after its first answer a conversation may still be completed"
    )
    quality_floor: Fraction = Field(description="an arm surely below it is removed")
    quality_sampling: Fraction = Field(description="the share of answers that are scored")
    quality_scores: int = Field(ge=30, description="scores before quality is judged")
    shift_errors: Annotated[float, Field(ge=3)] = Field(
        description="standard errors of a week-on-week shift that starts an arm anew"
    )
    shift_size: Fraction = Field(description="and the difference of rates, a fraction of one")
    shift_decisions: int = Field(ge=100, description="decisions of every arm in both weeks")
    review_after: Annotated[Duration, Field(ge=86_400)] = Field(
        description="how long a set of arms has to converge"
    )
    converged_below: Fraction = Field(description="the expected loss of the best arm by then")
    breadth: Positive = Field(description="LinUCB's optimism, in standard deviations")
    intents: Many[BanditRule] = Field(min_length=1, description="the intents that learn")
