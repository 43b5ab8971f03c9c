"""The distribution of a test that stops when its path leaves a corridor (group sequential tests).

The score S at information t is a Brownian motion with drift theta: E[S] = theta * t, Var[S] = t,
Z = S / sqrt(t). The recursion is Armitage, McPherson and Rowe's (1969). Paths are followed without
drift; a drift theta only weighs a path that ends at (t, s) by exp(theta * s - theta^2 * t / 2), so
one recursion serves every theta.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from canary.statistics.normal import upper_tail
from canary.statistics.validation import Values, finite, rising

__all__ = ["REACH", "Paths", "crossing_probabilities", "follow", "looks", "start", "tail"]

REACH = 8.5
"""Standard deviations beyond which no path is followed: less than 1e-16 of probability."""
_PANEL_NODES = 16
_PANEL = 4.0
"""Width of a quadrature panel in standard deviations of the narrowest step beside it."""
_LEAST_PANELS = 8
_CLOSEST = 1e-3
"""Looks nearer than this share of information are taken to be that far apart: grids stay small."""
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(_PANEL_NODES)


@dataclass(frozen=True)
class Paths:
    """Those that go on after a look: where they are (score), and how much probability each has."""

    t: float
    scores: Values
    mass: Values


def start() -> Paths:
    """All paths at score 0 before any information."""
    return Paths(0.0, np.zeros(1), np.ones(1))


def follow(
    paths: Paths,
    t: float,
    lower: float,
    upper: float,
    *,
    next_t: float | None = None,
    reach: float = REACH,
) -> Paths:
    """The paths that lie between two scores at information `t`.

    `next_t` makes the grid fine enough for a next step shorter than this one; `reach` is to be
    raised by the largest Z that a drift asked for later expects.
    """
    step = t - paths.t
    low, high = max(lower, -reach * math.sqrt(t)), min(upper, reach * math.sqrt(t))
    if high <= low:
        return Paths(t, np.zeros(1), np.zeros(1))
    narrow = math.sqrt(min(step, next_t - t) if next_t is not None else step)
    panels = max(_LEAST_PANELS, math.ceil((high - low) / (_PANEL * narrow)))
    edges = np.linspace(low, high, panels + 1)
    half = (edges[1] - edges[0]) / 2
    scores = ((edges[:-1] + half)[:, None] + half * _NODES[None, :]).ravel()
    weights = np.tile(half * _WEIGHTS, panels)
    kernel = np.exp(-0.5 * (scores[:, None] - paths.scores[None, :]) ** 2 / step)
    return Paths(t, scores, weights * (kernel @ paths.mass) / math.sqrt(2 * math.pi * step))


def tail(paths: Paths, t: float, edge: ArrayLike, theta: ArrayLike = 0.0) -> Values:
    """P(the path has gone on until now and its score at `t` is above `edge`), for drift theta.

    `edge` and `theta` broadcast against each other.
    """
    bound, drift = (
        np.asarray(a, dtype=np.float64)[..., None] for a in np.broadcast_arrays(edge, theta)
    )
    step = t - paths.t
    weight = paths.mass * np.exp(drift * paths.scores - drift**2 * paths.t / 2)
    z = (bound - paths.scores - drift * step) / math.sqrt(step)
    return np.asarray((weight * upper_tail(z)).sum(axis=-1))[()]


def looks(information: Sequence[float]) -> list[float]:
    """Rising information with looks that all but coincide moved a thousandth apart.

    The shift is far below what a projection of information is worth, and a bound changes with its
    square root. Raises `ValueError` for information that does not rise from above 0.
    """
    times: list[float] = []
    for t in rising("information", information):
        times.append(max(t, times[-1] * (1 + _CLOSEST)) if times else t)
    return times


def crossing_probabilities(
    information: Sequence[float],
    upper: Sequence[float],
    lower: Sequence[float] | None = None,
    theta: float = 0.0,
) -> tuple[list[float], list[float]]:
    """P(first out above at look k) and P(first out below at look k), for every look.

    Bounds are on Z; `lower` is below everything when None; infinite bounds are never crossed.
    `theta` is the drift: the mean of Z at information 1. Raises `ValueError`.
    """
    times = looks(information)
    down = [-math.inf] * len(times) if lower is None else list(lower)
    if not len(times) == len(upper) == len(down):
        raise ValueError("information, upper, lower: as many of each")
    if any(math.isnan(b) or math.isnan(a) or a > b for a, b in zip(down, upper, strict=True)):
        raise ValueError(f"upper: {list(upper)} must be numbers above lower = {down}")
    drift = float(finite("theta", theta))
    paths, above, below = start(), [], []
    for index, t in enumerate(times):
        root = math.sqrt(t)
        high, low = upper[index] * root, down[index] * root
        above.append(float(tail(paths, t, high, drift)) if math.isfinite(high) else 0.0)
        mirrored = Paths(paths.t, -paths.scores, paths.mass)
        below.append(float(tail(mirrored, t, -low, -drift)) if math.isfinite(low) else 0.0)
        following = times[index + 1] if index + 1 < len(times) else None
        paths = follow(
            paths, t, low, high, next_t=following, reach=REACH + abs(drift) * math.sqrt(times[-1])
        )
    return above, below
