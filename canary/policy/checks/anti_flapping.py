"""What must hold of the rules after a rollback."""

from __future__ import annotations

from collections.abc import Iterator

from canary.policy.checks.statistics import check_look_times
from canary.policy.duration import duration_text
from canary.policy.model import AntiFlappingRule, StageRule, StatisticsRule
from canary.policy.problem import Problem

__all__ = ["check_cooldown", "check_hold_after_rollback"]


def check_cooldown(anti_flapping: AntiFlappingRule) -> Iterator[Problem]:
    """So many rollbacks fit into the window although each waits for the cooldown before it."""
    waits = (anti_flapping.rollbacks - 1) * anti_flapping.cooldown
    if anti_flapping.window <= waits:
        expected = (
            f"above {duration_text(waits)}: {anti_flapping.rollbacks} rollbacks with a cooldown "
            "between them take that long, and no candidate would ever be rejected"
        )
        yield Problem("anti_flapping.window", duration_text(anti_flapping.window), expected)


def check_hold_after_rollback(
    anti_flapping: AntiFlappingRule,
    stages: tuple[StageRule, ...],
    statistics: StatisticsRule,
) -> Iterator[Problem]:
    """After a rollback the first stage lasts longer, ends in time, and no look comes too early."""
    path, hold = "anti_flapping.hold_after_rollback", anti_flapping.hold_after_rollback
    first = stages[1]
    if not first.minimum <= hold <= first.maximum:
        expected = (
            f"between {duration_text(first.minimum)} and {duration_text(first.maximum)}, "
            "the minimum and the maximum of stages[1]"
        )
        yield Problem(path, duration_text(hold), expected)
        return
    minima = [stage.minimum for stage in stages]
    longer = [minima[0], hold, *minima[2:]]
    if any(check_look_times("", statistics.looks, longer)) and not any(
        check_look_times("", statistics.looks, minima)
    ):
        expected = (
            f"shorter: statistics.looks[0], {duration_text(statistics.looks[0])}, "
            "would come before the test stage"
        )
        yield Problem(path, duration_text(hold), expected)
