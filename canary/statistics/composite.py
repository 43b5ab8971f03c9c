"""A weighted sum of effects over intents: one number, which alone hides a harmed intent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from canary.statistics.validation import require_finite, require_not_negative

__all__ = ["Composite", "weighted_composite"]

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Composite:
    """The sum in the effects' unit; error, z and p-value are None when no errors were given."""

    effect: float
    standard_error: float | None
    z: float | None
    p_two_sided: float | None


def weighted_composite(
    weights: Mapping[str, float],
    effects: Mapping[str, float],
    errors: Mapping[str, float] | None = None,
) -> Composite:
    """sum(w_i d_i) with se = sqrt(sum(w_i^2 se_i^2)) over independent intents.

    Weights are not negative and sum to 1. With every error 0 the z is 0 and p 1. Raises
    `ValueError` when they do not, when an intent has no effect or no error, and for effects
    without a weight.
    """
    for weight in weights.values():
        require_not_negative(weights=weight)
    share = weights
    if abs(sum(share.values()) - 1) > _ROUNDING:
        raise ValueError(f"weights: sum to {sum(share.values())}, not 1")
    _same_names("diffs", share, effects)
    for each in effects.values():
        require_finite(diffs=each)
    effect = sum(w * effects[name] for name, w in share.items())
    if errors is None:
        return Composite(effect, None, None, None)
    _same_names("se", share, errors)
    for each in errors.values():
        require_not_negative(se=each)
    error = math.sqrt(sum((w * errors[name]) ** 2 for name, w in share.items()))
    z = effect / error if error > 0 else 0.0
    return Composite(effect, error, z, math.erfc(abs(z) / math.sqrt(2)))


def _same_names(name: str, share: Mapping[str, float], given: Mapping[str, float]) -> None:
    missing, unknown = sorted(share.keys() - given.keys()), sorted(given.keys() - share.keys())
    if missing or unknown:
        raise ValueError(f"{name}: missing {missing}, without weight {unknown}")
