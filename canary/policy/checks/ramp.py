"""What must hold of the stages."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

from canary.policy.duration import duration_text
from canary.policy.model import IntentRule, RateTier, StageRule, Watch
from canary.policy.problem import Problem

__all__ = ["check_durations", "check_rates", "check_sizes"]


def check_rates(stages: tuple[StageRule, ...]) -> Iterator[Problem]:
    """Rates start at 0, end at 1 and rise; the task set never shrinks and ends at 100%."""
    if stages[0].rate != 0:
        yield Problem("stages[0].rate", stages[0].rate, "0: the first stage takes no traffic")
    for index, (before, stage) in enumerate(pairwise(stages), start=1):
        if stage.rate <= before.rate:
            expected = f"above {before.rate:g}, the rate of stages[{index - 1}]"
            yield Problem(f"stages[{index}].rate", stage.rate, expected)
        if stage.task_percent < before.task_percent:
            expected = f"at least {before.task_percent}, the size of stages[{index - 1}]"
            yield Problem(f"stages[{index}].task_percent", stage.task_percent, expected)
    last = len(stages) - 1
    if stages[last].rate != 1:
        yield Problem(f"stages[{last}].rate", stages[last].rate, "1: the last stage takes all")
    if stages[last].task_percent != 100:  # noqa: PLR2004 - percent
        yield Problem(f"stages[{last}].task_percent", stages[last].task_percent, "100")


def check_durations(stages: tuple[StageRule, ...], watch: Watch) -> Iterator[Problem]:
    """Stages between 0% and 100% last at least `minimum`, which `maximum` does not undercut."""
    for index, stage in enumerate(stages):
        path = f"stages[{index}]"
        if index in (0, len(stages) - 1):
            for key, seconds in (("minimum", stage.minimum), ("maximum", stage.maximum)):
                if seconds:
                    expected = "absent: the first and the last stage have no duration"
                    yield Problem(f"{path}.{key}", duration_text(seconds), expected)
            continue
        if stage.minimum < watch.bake_poll:
            value = duration_text(stage.minimum) if stage.minimum else None
            expected = f"at least watch.bake_poll, {duration_text(watch.bake_poll)}"
            yield Problem(f"{path}.minimum", value, expected)
        if stage.maximum < stage.minimum:
            value = duration_text(stage.maximum) if stage.maximum else None
            expected = f"at least the minimum, {duration_text(stage.minimum)}"
            yield Problem(f"{path}.maximum", value, expected)


def check_sizes(
    stages: tuple[StageRule, ...],
    intents: tuple[IntentRule, ...],
    rate_tiers: tuple[RateTier, ...],
) -> Iterator[Problem]:
    """The canary set is at least as large as the share of traffic that the stage asks for."""
    rates = {name: tier.rate for tier in rate_tiers for name in tier.intents}
    total = sum(intent.daily_volume for intent in intents)
    for index, stage in enumerate(stages[1:-1], start=1):
        asked = sum(
            intent.daily_volume * max(stage.rate, rates.get(intent.name, 0)) for intent in intents
        )
        needed = math.ceil(100 * asked / total - 1e-9)
        if stage.task_percent < needed:
            expected = f"at least {needed}, the share that the stage asks for with its rate tiers"
            yield Problem(f"stages[{index}].task_percent", stage.task_percent, expected)
