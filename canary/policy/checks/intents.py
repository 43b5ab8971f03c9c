"""What must hold of intents, their tiers and their weights."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from canary.policy.checks.common import one_of, repeated
from canary.policy.model import Composite, ExperimentTier, IntentRule, RateTier
from canary.policy.problem import Problem

__all__ = ["check_experiment_tiers", "check_intents", "check_rate_tiers", "check_weights"]


def check_intents(intents: tuple[IntentRule, ...]) -> Iterator[Problem]:
    """Intents differ."""
    yield from repeated("intents", "name", [intent.name for intent in intents])


def check_weights(intents: tuple[IntentRule, ...], composite: Composite) -> Iterator[Problem]:
    """Stated weights and `composite.others` sum to 1, and somebody shares the others' part."""
    stated = [intent.weight for intent in intents if intent.weight is not None]
    if not math.isclose(sum(stated) + composite.others, 1, abs_tol=1e-9):
        expected = f"{1 - sum(stated):.6g}, so that all weights sum to 1"
        yield Problem("composite.others", composite.others, expected)
    elif composite.others > 0 and len(stated) == len(intents):
        expected = "0: every intent has a weight of its own"
        yield Problem("composite.others", composite.others, expected)
    elif composite.others == 0 and len(stated) < len(intents):
        expected = "above 0: some intents have no weight of their own"
        yield Problem("composite.others", composite.others, expected)


def check_rate_tiers(
    intents: tuple[IntentRule, ...], rate_tiers: tuple[RateTier, ...]
) -> Iterator[Problem]:
    """Each intent has exactly one rate tier."""
    yield from repeated("rate_tiers", "name", [tier.name for tier in rate_tiers])
    yield from _membership("rate_tiers", intents, [tier.intents for tier in rate_tiers])


def check_experiment_tiers(
    intents: tuple[IntentRule, ...], experiment_tiers: tuple[ExperimentTier, ...]
) -> Iterator[Problem]:
    """Each intent has exactly one experiment tier."""
    yield from repeated("experiment_tiers", "tier", [tier.tier for tier in experiment_tiers])
    yield from _membership("experiment_tiers", intents, [tier.intents for tier in experiment_tiers])


def _membership(
    path: str, intents: Sequence[IntentRule], tiers: Sequence[Sequence[str]]
) -> Iterator[Problem]:
    names = {intent.name for intent in intents}
    seen: dict[str, str] = {}
    for tier, members in enumerate(tiers):
        for index, name in enumerate(members):
            here = f"{path}[{tier}].intents[{index}]"
            if name not in names:
                yield Problem(here, name, f"an intent: {one_of(names)}")
            elif name in seen:
                yield Problem(here, name, f"in one tier only; it is already {seen[name]}")
            else:
                seen[name] = here
    for index, intent in enumerate(intents):
        if intent.name not in seen:
            expected = f"in one of {path}; it is in none"
            yield Problem(f"intents[{index}].name", intent.name, expected)
