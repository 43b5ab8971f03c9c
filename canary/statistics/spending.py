"""Lan-DeMets boundaries for looks at any information, O'Brien-Fleming type."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

__all__ = ["boundaries", "obrien_fleming_spend", "planned_boundaries"]

_NODES = 240
_REACH = 8.5
"""Standard deviations below which no path is followed: less than 1e-16 of probability."""
_TOLERANCE = 1e-9

Array = NDArray[np.float64]


def obrien_fleming_spend(t: float, alpha: float) -> float:
    """One-sided alpha spent at information `t` (Lan and DeMets 1983); all of it from 1 on."""
    if not 0 < alpha < 1:
        raise ValueError(f"alpha: {alpha} is not between 0 and 1")
    if not t > 0:
        raise ValueError(f"t: {t} is not above 0")
    if t >= 1:
        return alpha
    return 2 * (1 - NormalDist().cdf(NormalDist().inv_cdf(1 - alpha / 2) / math.sqrt(t)))


def planned_boundaries(fractions: Sequence[float], alpha: float) -> list[float]:
    """The upper bounds on Z at information fractions of a two-sided test at `alpha`."""
    return boundaries(fractions, [obrien_fleming_spend(t, alpha / 2) for t in fractions])


def boundaries(information: Sequence[float], spent: Sequence[float]) -> list[float]:
    """The upper bound on Z at each look, so that crossing one by look k has probability spent[k].

    `information` is on any scale and rises; `spent` is cumulative, one-sided. A look that spends
    nothing has an infinite bound. The recursion is Armitage, McPherson and Rowe's (1969), by
    Gauss-Legendre quadrature over the paths that have not crossed. Raises `ValueError`.
    """
    if not information or len(information) != len(spent):
        raise ValueError("information, spent: as many of each, and at least one")
    if any(not math.isfinite(t) or t <= 0 for t in information) or any(
        later <= earlier for earlier, later in itertools.pairwise(information)
    ):
        raise ValueError(f"information: {list(information)} does not rise from above 0")
    bounds: list[float] = []
    nodes: Array | None = None
    density: Array = np.empty(0)
    before_t = before_spent = 0.0
    for t, cumulative in zip(information, spent, strict=True):
        step = math.sqrt(t - before_t)
        alpha = cumulative - before_spent
        if nodes is None:
            start, mass = np.zeros(1), np.ones(1)
        else:
            start, mass = nodes, density
        edge = _edge(start, mass, step, alpha, _REACH * math.sqrt(t))
        bounds.append(edge / math.sqrt(t) if alpha > 0 else math.inf)
        nodes, weights = _grid(-_REACH * math.sqrt(t), edge)
        kernel = np.exp(-0.5 * ((nodes[:, None] - start[None, :]) / step) ** 2)
        density = weights * (kernel @ mass) / (step * math.sqrt(2 * math.pi))
        before_t, before_spent = t, max(before_spent, cumulative)
    return bounds


def _edge(start: Array, mass: Array, step: float, alpha: float, reach: float) -> float:
    """Where to stop paths so that `alpha` of probability lies beyond."""
    if alpha <= 0:
        return reach
    low, high = -reach, reach
    while high - low > _TOLERANCE * reach:
        middle = (low + high) / 2
        if float(mass @ _upper_tail((middle - start) / step)) > alpha:
            low = middle
        else:
            high = middle
    return high


def _upper_tail(z: Array) -> Array:
    return np.array([0.5 * math.erfc(value / math.sqrt(2)) for value in z])


def _grid(low: float, high: float) -> tuple[Array, Array]:
    nodes, weights = _legendre()
    half = (high - low) / 2
    return low + half * (nodes + 1), half * weights


@lru_cache(maxsize=1)
def _legendre() -> tuple[Array, Array]:
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return np.asarray(nodes), np.asarray(weights)
