"""Adjusted p-values for families of tests known together: false discovery or family-wise error.

Each returns, in the order given, the smallest level at which a test is rejected; reject those
at most q. The last axis holds the family; empty families stay empty.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canary.statistics.validation import Values, fraction, probabilities

__all__ = ["benjamini_hochberg", "benjamini_yekutieli", "bonferroni", "holm", "rejected"]


def benjamini_hochberg(p_values: ArrayLike) -> Values:
    """Step-up: min over j >= i of p_(j) * m / j (Benjamini and Hochberg 1995).

    Controls the false discovery rate of independent or positively dependent tests. Comparing
    each p-value with its own rank's threshold is something else. Raises `ValueError` for a
    p-value that is not within 0 to 1.
    """
    return _step_up(probabilities("p_values", p_values), 1.0)


def benjamini_yekutieli(p_values: ArrayLike) -> Values:
    """As Benjamini-Hochberg times sum(1 / j): for any dependence (2001). Raises `ValueError`."""
    p = probabilities("p_values", p_values)
    return _step_up(p, float(np.sum(1 / np.arange(1, p.shape[-1] + 1))))


def holm(p_values: ArrayLike) -> Values:
    """Step-down: max over j <= i of (m - j + 1) * p_(j) (Holm 1979), family-wise, any dependence.

    Raises `ValueError`.
    """
    p = probabilities("p_values", p_values)
    order = np.argsort(p, axis=-1, kind="stable")
    ranked = np.take_along_axis(p, order, axis=-1)
    scaled = ranked * np.arange(p.shape[-1], 0, -1)
    return _unsorted(np.minimum(np.maximum.accumulate(scaled, axis=-1), 1.0), order)


def bonferroni(p_values: ArrayLike) -> Values:
    """The p-values times the family's size, at most 1. Raises `ValueError`."""
    p = probabilities("p_values", p_values)
    return np.asarray(np.minimum(p * p.shape[-1], 1.0))


def rejected(adjusted: ArrayLike, level: float) -> NDArray[np.bool_]:
    """Which adjusted p-values are at most `level`; equal but for rounding counts as equal.

    Raises `ValueError` for a level that is not between 0 and 1.
    """
    limit = float(fraction("q", level)) * (1 + 1e-12)
    return np.asarray(probabilities("p_values", adjusted) <= limit)


def _step_up(p: Values, factor: float) -> Values:
    size = p.shape[-1]
    order = np.argsort(p, axis=-1, kind="stable")[..., ::-1]
    ranked = np.take_along_axis(p, order, axis=-1)
    scaled = ranked * (factor * size) / np.arange(size, 0, -1)
    return _unsorted(np.minimum(np.minimum.accumulate(scaled, axis=-1), 1.0), order)


def _unsorted(values: Values, order: np.ndarray[tuple[int, ...], np.dtype[np.intp]]) -> Values:
    out = np.empty_like(values)
    np.put_along_axis(out, order, values, axis=-1)
    return out
