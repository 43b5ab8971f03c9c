"""What must hold of the test, its looks, and the detector's sampling."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from canary.policy.checks.common import one_of
from canary.policy.duration import duration_text
from canary.policy.metric import MetricRule
from canary.policy.model import (
    DetectorRule,
    IntentRule,
    MinimumTest,
    Region,
    StageRule,
    StatisticsRule,
)
from canary.policy.problem import Problem

__all__ = [
    "check_alphas",
    "check_look_times",
    "check_looks",
    "check_primary",
    "check_sampling",
    "minimum_test",
]

HARM_BUDGET = 0.005
"""Half of the one false rollback in a hundred releases belongs to the harm sequence."""
LEAST_SAMPLING = 0.05


def check_primary(statistics: StatisticsRule, metrics: tuple[MetricRule, ...]) -> Iterator[Problem]:
    """The primary metric is a success metric that is measured as a rate on customers."""
    fit = {
        metric.name
        for metric in metrics
        if metric.role == "success" and metric.measure == "rate" and metric.better == "higher"
    }
    if statistics.primary_metric not in fit:
        expected = f"a success metric that is a rate, higher better: {one_of(fit)}"
        yield Problem("statistics.primary_metric", statistics.primary_metric, expected)


def check_alphas(statistics: StatisticsRule) -> Iterator[Problem]:
    """The harm sequence stays within its part of the false rollbacks."""
    spent = statistics.harm_alpha_overall + statistics.harm_alpha_revenue_critical
    if spent > HARM_BUDGET + 1e-12:
        left = HARM_BUDGET - statistics.harm_alpha_overall
        expected = f"at most {left:.6g}: both harm alphas together spend at most {HARM_BUDGET}"
        value = statistics.harm_alpha_revenue_critical
        yield Problem("statistics.harm_alpha_revenue_critical", value, expected)


def check_looks(
    statistics: StatisticsRule,
    stages: tuple[StageRule, ...],
    intents: tuple[IntentRule, ...],
    regions: tuple[Region, ...],
) -> Iterator[Problem]:
    """The last look comes when the longest minimum test is over, not before."""
    looks = statistics.looks
    needed = max(minimum_test(statistics.minimum_test, intents, region) for region in regions)
    if looks[-1] < needed:
        path = f"statistics.looks[{len(looks) - 1}]"
        expected = f"{duration_text(needed)} or later, the minimum test that the intents ask for"
        yield Problem(path, duration_text(looks[-1]), expected)
    minima = [stage.minimum for stage in stages]
    test_stage = len(stages) - 2
    yield from check_look_times("statistics.looks", looks, minima)
    last = max(looks[-1], statistics.minimum_test.promotion)
    if sum(minima[:test_stage]) + stages[test_stage].maximum < last:
        least = duration_text(last - sum(minima[:test_stage]))
        expected = f"at least {least}, so that the last look comes within the stage"
        value = duration_text(stages[test_stage].maximum)
        yield Problem(f"stages[{test_stage}].maximum", value, expected)


def check_look_times(path: str, looks: Sequence[int], minima: Sequence[int]) -> Iterator[Problem]:
    """Looks rise, and none comes before the test stage can have begun.

    `minima` are the stages' minimum durations; the test stage is the last before 100%.
    """
    ramp = sum(minima[:-2])
    for index, look in enumerate(looks):
        if look <= ramp:
            expected = f"after {duration_text(ramp)}, when the test stage starts at the earliest"
            yield Problem(f"{path}[{index}]", duration_text(look), expected)
    for index, (before, look) in enumerate(pairwise(looks), start=1):
        if look <= before:
            expected = f"later than the look before it, {duration_text(before)}"
            yield Problem(f"{path}[{index}]", duration_text(look), expected)


def check_sampling(detector: DetectorRule, stages: tuple[StageRule, ...]) -> Iterator[Problem]:
    """The detector sees every turn of the first stage with traffic, and enough of the others."""
    if len(detector.sampling) != len(stages):
        expected = f"one share a stage: {len(stages)} of them"
        yield Problem("detector.sampling", list(detector.sampling), expected)
        return
    for index, share in enumerate(detector.sampling):
        if index == 1 and share != 1:
            expected = "1: a spike is seen in minutes only if every turn is checked"
            yield Problem("detector.sampling[1]", share, expected)
        elif index > 1 and share < LEAST_SAMPLING:
            yield Problem(f"detector.sampling[{index}]", share, f"at least {LEAST_SAMPLING}")


def minimum_test(rule: MinimumTest, intents: Sequence[IntentRule], region: Region) -> int:
    """Seconds that a test in the region lasts at least: the most demanding intent's."""
    total = sum(intent.daily_volume for intent in intents)
    seconds = [rule.standard]
    for intent in intents:
        if intent.revenue_critical:
            seconds.append(rule.revenue_critical)
        if intent.daily_volume / total * region.daily_conversations < rule.low_traffic_below:
            seconds.append(rule.low_traffic)
    return max(seconds)
