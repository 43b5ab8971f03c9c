"""The bootstrap of a paired difference: two models' scores on the same prompts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from canary.statistics.validation import Values, finite, require_fraction

__all__ = ["PairedBootstrap", "paired_bootstrap"]

_BLOCK = 4_000_000
"""Draws held in memory at a time."""
_FEWEST = 2
_FEWEST_RESAMPLES = 100


@dataclass(frozen=True)
class PairedBootstrap:
    """Canary's mean minus control's in the score's unit, its standard error and bounds.

    `informative` is False where every unit has the same difference: the interval is then a point.
    """

    difference: float
    standard_error: float
    lower: float
    upper: float
    informative: bool


def paired_bootstrap(
    control: ArrayLike,
    canary: ArrayLike,
    rng: np.random.Generator,
    *,
    units: ArrayLike | None = None,
    resamples: int = 5000,
    confidence: float = 0.95,
) -> PairedBootstrap:
    """A two-sided BCa interval of the mean difference (Efron 1987), resampling pairs.

    `units` names what each pair belongs to, such as a conversation with several prompts: whole
    units are then drawn, for their pairs are not independent (Davison and Hinkley 1997, 3.8).
    Raises `ValueError` for lists of unequal length, fewer than two units, scores that are not
    finite, fewer than 100 resamples, and a confidence outside 0 to 1.
    """
    require_fraction(confidence=confidence)
    if resamples < _FEWEST_RESAMPLES:
        raise ValueError(f"resamples: {resamples} is below {_FEWEST_RESAMPLES}")
    sums, sizes = _by_unit(finite("control", control), finite("canary", canary), units)
    estimate = float(sums.sum() / sizes.sum())
    left_out = (sums.sum() - sums) / (sizes.sum() - sizes)
    if np.ptp(left_out) == 0:
        return PairedBootstrap(estimate, 0.0, estimate, estimate, informative=False)
    means = _resampled(sums, sizes, resamples, rng)
    lower, upper = np.quantile(means, _levels(means, estimate, left_out, confidence))
    return PairedBootstrap(
        estimate, float(means.std(ddof=1)), float(lower), float(upper), informative=True
    )


def _by_unit(control: Values, canary: Values, units: ArrayLike | None) -> tuple[Values, Values]:
    """Each unit's sum of differences and its number of pairs."""
    if control.shape != canary.shape or control.ndim != 1:
        raise ValueError(f"control, canary: need one score each a prompt ({control.shape})")
    difference: Values = canary - control
    sums, sizes = difference, np.ones_like(difference)
    if units is not None:
        names = np.asarray(units)
        if names.shape != difference.shape:
            raise ValueError(f"units: needs one name a pair ({names.shape})")
        _, index = np.unique(names, return_inverse=True)
        sums = np.bincount(index, weights=difference).astype(np.float64)
        sizes = np.bincount(index).astype(np.float64)
    if sums.size < _FEWEST:
        raise ValueError(f"control, canary: {sums.size} units have no spread")
    return sums, sizes


def _resampled(sums: Values, sizes: Values, resamples: int, rng: np.random.Generator) -> Values:
    """The mean difference of each resample, drawn in blocks so that memory stays bounded."""
    n = sums.size
    rows = max(1, _BLOCK // n)
    means = []
    for start in range(0, resamples, rows):
        drawn = rng.integers(0, n, size=(min(rows, resamples - start), n))
        means.append(sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1))
    return np.concatenate(means)


def _levels(means: Values, estimate: float, left_out: Values, confidence: float) -> list[float]:
    """The quantiles of the resamples that BCa takes for its bounds.

    Resamples equal to the estimate count half below it, or scores of few values would shift it.
    """
    normal = NormalDist()
    below = float(np.mean(means < estimate) + np.mean(means == estimate) / 2)
    edge = 0.5 / means.size
    bias = normal.inv_cdf(min(max(below, edge), 1 - edge))
    apart = left_out.mean() - left_out
    acceleration = float((apart**3).sum() / (6 * (apart**2).sum() ** 1.5))
    levels = []
    for tail in ((1 - confidence) / 2, (1 + confidence) / 2):
        shifted = bias + normal.inv_cdf(tail)
        scale = 1 - acceleration * shifted
        level = normal.cdf(bias + shifted / scale) if scale > 0 else float(shifted > 0)
        levels.append(min(max(level, 0.0), 1.0) if math.isfinite(level) else tail)
    return levels
