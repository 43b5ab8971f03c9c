"""Sample ratio mismatch at one moment, with expected shares that may follow a ramp.

Read once, at an end; read again and again it stops healthy releases. For every moment at once
there is `canary.statistics.srm`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canary.statistics.chi_square import chi_square_upper_tail
from canary.statistics.normal import two_sided
from canary.statistics.validation import Values, finite, fraction, not_negative

__all__ = ["MismatchTest", "chi_square_mismatch", "expected_shares", "ramp_mismatch"]

_LEAST = 2
_ROUNDING = 1e-6
"""By how much shares may miss a sum of 1."""


@dataclass(frozen=True)
class MismatchTest:
    """A statistic against the asked shares, its df, p-value, and whether it is a mismatch."""

    statistic: Values
    df: int
    p_value: Values
    mismatch: NDArray[np.bool_]


def chi_square_mismatch(
    counts: ArrayLike, shares: ArrayLike, threshold: float = 0.0005
) -> MismatchTest:
    """Pearson's chi-square (1900) of counts by arm, the last axis, against expected shares.

    sum((o - N s)^2 / (N s)), df = arms - 1; a mismatch has p < `threshold`. Raises `ValueError`
    for negative counts, no units at all, shares not above 0 or not summing to 1, and fewer than
    two arms.
    """
    observed = not_negative("counts", counts)
    asked = finite("expected_shares", shares)
    level = fraction("threshold", threshold)
    if observed.ndim < 1 or observed.shape[-1] < _LEAST or asked.shape[-1:] != observed.shape[-1:]:
        raise ValueError("expected_shares: as many as counts, for at least two arms")
    total = observed.sum(axis=-1, keepdims=True)
    if np.any(total == 0):
        raise ValueError("counts: no unit has been drawn")
    if np.any(asked <= 0) or np.any(np.abs(asked.sum(axis=-1) - 1) > _ROUNDING):
        raise ValueError(f"expected_shares: {asked} must be above 0 and sum to 1")
    wanted = total * asked
    statistic = ((observed - wanted) ** 2 / wanted).sum(axis=-1)
    df = observed.shape[-1] - 1
    p_value = chi_square_upper_tail(statistic, df)
    return MismatchTest(statistic[()], df, p_value[()], np.asarray(p_value < level)[()])


def ramp_mismatch(
    p_canary: ArrayLike, n_control: ArrayLike, n_canary: ArrayLike, threshold: float = 0.0005
) -> MismatchTest:
    """Units drawn at several rates, the last axis, against the rates then in force.

    z = (sum n1 - sum N p) / sqrt(sum N p (1 - p)), the statistic is z^2 with one df: what a ramp
    asked for, summed over its periods, is never a mismatch. Rates of 0 and 1 leave nothing to
    chance; a unit against them is refused. Raises `ValueError`.
    """
    rate = finite("p_canary", p_canary)
    control, canary = not_negative("n_control", n_control), not_negative("n_canary", n_canary)
    if np.any((rate < 0) | (rate > 1)):
        raise ValueError(f"p_canary: {rate} is outside 0 to 1")
    if np.any((rate == 0) & (canary > 0)) or np.any((rate == 1) & (control > 0)):
        raise ValueError("p_canary: a rate of 0 or 1 cannot have drawn the other arm")
    level = fraction("threshold", threshold)
    total = control + canary
    variance = (total * rate * (1 - rate)).sum(axis=-1)
    if np.any(variance == 0):
        raise ValueError("n_control, n_canary: no unit has been drawn by chance")
    z = (canary - total * rate).sum(axis=-1) / np.sqrt(variance)
    p_value = two_sided(z)
    return MismatchTest((z * z)[()], 1, p_value[()], np.asarray(p_value < level)[()])


def expected_shares(draws: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Control's and canary's share that a ramp asks for: (units, p_canary) of each period.

    Raises `ValueError` without units.
    """
    units = [float(not_negative("units", n)) for n, _ in draws]
    rates = [float(finite("p_canary", p)) for _, p in draws]
    if any(not 0 <= p <= 1 for p in rates):
        raise ValueError(f"p_canary: {rates} are not all within 0 to 1")
    if sum(units) <= 0:
        raise ValueError("units: no unit has been drawn")
    canary = sum(n * p for n, p in zip(units, rates, strict=True)) / sum(units)
    return 1 - canary, canary
