"""The binomial distribution where its mass is, so that n may be in the millions."""

from __future__ import annotations

import math

import numpy as np

from canary.statistics.validation import Values

__all__ = ["binomial_window"]

_DEVIATIONS = 40
"""Farther out a float knows no probability."""


def binomial_window(n: int, p: float, deviations: int = _DEVIATIONS) -> tuple[int, Values]:
    """The first count of a window around the mean, and the probability of each count from it on.

    By ratios from the mode, pmf(k + 1) / pmf(k) = (n - k) / (k + 1) * p / (1 - p), then made to
    sum to 1: outside the window there is nothing. Takes n above 0 and p strictly within 0 to 1.
    Fewer `deviations` leave out what is too seldom for who asks.
    """
    spread = int(deviations * math.sqrt(n * p * (1 - p))) + deviations
    mode = min(n, int((n + 1) * p))
    start, end = max(0, mode - spread), min(n, mode + spread)
    k = np.arange(start, end, dtype=np.float64)
    steps = np.log((n - k) / (k + 1)) + math.log(p / (1 - p))
    log_pmf = np.concatenate(([0.0], np.cumsum(steps)))
    # From the mode, where rounding of the sum matters least.
    pmf = np.exp(log_pmf - log_pmf[mode - start])
    return start, pmf / pmf.sum()
