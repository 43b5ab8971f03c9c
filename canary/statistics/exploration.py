"""Probabilities with a floor, so that every variant keeps being tried and inference stays possible.

This product serves the mixture; the other two are for comparison with what others do.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from canary.statistics.validation import Values, not_negative, unit_interval

__all__ = ["clip_and_rescale", "floor_mixture", "project_on_floor"]

_ROUNDING = 1e-6


def floor_mixture(p: ArrayLike, floor: float) -> Values:
    """The mixture floor + (1 - K * floor) * p: order and smoothness stay. Raises `ValueError`.

    For probabilities that do not sum to 1, and for a floor that K arms cannot all have.
    """
    shares = _arguments(p, floor)
    return floor + (1 - len(shares) * floor) * shares


def project_on_floor(p: ArrayLike, floor: float) -> Values:
    """The nearest point (Euclid) with every share at least the floor. Raises `ValueError`.

    A shift and a cut, by the sorted shares (Held, Wolfe and Crowder 1974).
    """
    shares = _arguments(p, floor)
    room = 1 - len(shares) * floor
    ranked = np.sort(shares - floor)[::-1]
    shifts = (np.cumsum(ranked) - room) / np.arange(1, len(shares) + 1)
    shift = shifts[np.flatnonzero(ranked - shifts >= 0).max()]
    return np.asarray(np.maximum(shares - floor - shift, 0.0) + floor)


def clip_and_rescale(p: ArrayLike, floor: float) -> Values:
    """Raise shares below the floor to it, rescale the others, until none is below.

    Raises `ValueError`.
    """
    shares = _arguments(p, floor)
    low = np.zeros(len(shares), dtype=bool)
    found = shares
    for _ in shares:
        below = low | (found < floor)
        if np.all(below == low):
            break
        low = below
        rest = shares[~low].sum()
        scale = (1 - low.sum() * floor) / rest if rest > 0 else 0.0
        found = np.where(low, floor, shares * scale)
    return np.asarray(found / found.sum())


def _arguments(p: ArrayLike, floor: float) -> Values:
    shares = unit_interval("p", p)
    if shares.ndim != 1 or len(shares) == 0 or abs(shares.sum() - 1) > _ROUNDING:
        raise ValueError(f"p: {shares} is no list of probabilities that sum to 1")
    least = float(not_negative("floor", floor))
    if least * len(shares) > 1 + 1e-12:
        raise ValueError(f"floor: {len(shares)} arms cannot all have {least}")
    return shares
