"""Runs every check whose sections are sound, so that one broken section hides no other problem."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from canary.policy.checks import (
    anti_flapping,
    bandits,
    calendar,
    evaluation,
    gates,
    intents,
    ledger,
    metrics,
    ramp,
    regions,
    statistics,
)
from canary.policy.problem import Problem

__all__ = ["run_checks"]

_CHECKS: tuple[Callable[..., Iterator[Problem]], ...] = (
    regions.check_regions,
    ramp.check_rates,
    ramp.check_durations,
    ramp.check_sizes,
    intents.check_intents,
    intents.check_weights,
    intents.check_rate_tiers,
    intents.check_experiment_tiers,
    metrics.check_metrics,
    gates.check_metric_gates,
    gates.check_region_gates,
    gates.check_offline_gates,
    gates.check_detector_limits,
    evaluation.check_evaluation,
    statistics.check_primary,
    statistics.check_alphas,
    statistics.check_looks,
    statistics.check_sampling,
    calendar.check_calendar,
    ledger.check_ledger,
    anti_flapping.check_cooldown,
    anti_flapping.check_hold_after_rollback,
    bandits.check_exploration,
    bandits.check_bandits,
)
"""Each takes the sections it reads as parameters of the same name."""


def run_checks(sections: Mapping[str, Any]) -> Iterator[Problem]:
    """Problems between the keys of `sections`, which are well-formed each for itself.

    An array may hold None where an entry is not well-formed: then only the checks of single
    entries see the others.
    """
    whole = {
        name: value
        for name, value in sections.items()
        if value is not None and not (isinstance(value, tuple) and None in value)
    }
    for check in _CHECKS:
        names = inspect.signature(check).parameters
        if all(name in whole for name in names):
            yield from check(**{name: whole[name] for name in names})
    for index, metric in enumerate(sections.get("metrics", ())):
        if metric is not None:
            yield from metrics.check_metric(f"metrics[{index}]", metric)
