"""What must hold of the bandits: low-risk intents only, and arms that differ."""

from __future__ import annotations

from collections.abc import Iterator

from canary.policy.bandits import BanditsRule
from canary.policy.checks.common import one_of, repeated
from canary.policy.model import ExperimentTier, IntentRule
from canary.policy.problem import Problem

__all__ = ["check_bandits", "check_exploration"]

_AB_TEST = 1
_PARTS = 10_000


def check_exploration(bandits: BanditsRule) -> Iterator[Problem]:
    """Probabilities are served in whole ten-thousandths, so the least of them is one."""
    parts = bandits.exploration * _PARTS
    if abs(parts - round(parts)) > 1e-6:  # noqa: PLR2004 - a rounding error
        expected = f"whole ten-thousandths, as {round(parts) / _PARTS:g}"
        yield Problem("bandits.exploration", bandits.exploration, expected)


def check_bandits(
    bandits: BanditsRule,
    intents: tuple[IntentRule, ...],
    experiment_tiers: tuple[ExperimentTier, ...],
) -> Iterator[Problem]:
    """Each intent once, of tier 2 or 3, without revenue at stake; its arms differ in every way."""
    critical = {intent.name for intent in intents if intent.revenue_critical}
    tested = {name for tier in experiment_tiers if tier.tier == _AB_TEST for name in tier.intents}
    allowed = {intent.name for intent in intents} - critical - tested
    yield from repeated("bandits.intents", "intent", [each.intent for each in bandits.intents])
    for index, bandit in enumerate(bandits.intents):
        path = f"bandits.intents[{index}]"
        if bandit.intent not in allowed:
            expected = (
                "an intent of experiment tier 2 or 3 that is not revenue-critical: "
                f"{one_of(allowed)}"
            )
            yield Problem(f"{path}.intent", bandit.intent, expected)
        yield from repeated(f"{path}.arms", "name", [arm.name for arm in bandit.arms])
        yield from repeated(f"{path}.arms", "prompt", [arm.prompt.strip() for arm in bandit.arms])
