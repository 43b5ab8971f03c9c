"""How well a P99 is known: the baseline states where it is, this module how the tail falls off.

On the log scale of a lognormal tail. Bounds are the order statistics that a gate takes, which for
few conversations lie farther out on the slow side than a normal approximation has them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from canary.statistics.quantile_ratio import MIN_OBSERVATIONS, quantile_ranks

__all__ = ["LATENCY_SIGMA", "Tail", "tail_of"]

LATENCY_SIGMA = 0.5
"""Assumed deviation of the logarithm of a conversation's slowest turn, lognormal."""
_NORMAL = NormalDist()
_Q = 0.99


@dataclass(frozen=True)
class Tail:
    """One arm's P99 in logarithms: its standard error, and how far its bounds lie from it."""

    error: float
    down: float
    up: float


def tail_of(
    conversations: float, confidence: float, *, sigma: float = LATENCY_SIGMA
) -> Tail | None:
    """What so many conversations tell; None when they are too few to bound a P99.

    The error is sqrt(q (1 - q) / n) over the density of the logarithm at its q-quantile,
    phi(z_q) / sigma (David and Nagaraja 2003, section 10.2): 3.73 sigma / sqrt(n).
    """
    n = int(conversations)
    if n < MIN_OBSERVATIONS:
        return None
    lower, upper = quantile_ranks(n, _Q, confidence)
    if lower < 1 or upper > n:
        return None
    middle = _NORMAL.inv_cdf(_Q)
    down, up = (sigma * (_NORMAL.inv_cdf((rank - 0.5) / n) - middle) for rank in (lower, upper))
    error = math.sqrt(_Q * (1 - _Q) / n) * sigma / _NORMAL.pdf(middle)
    return Tail(error, max(0.0, -down), max(0.0, up))
