"""Fisher's exact test of two rates, for counts too small for a z test."""

from __future__ import annotations

import math

import numpy as np

from canary.statistics.validation import counts

__all__ = ["fisher_two_sided"]

_RELATIVE = 1 + 1e-7
"""Tables as likely as the one seen but for rounding count as such."""
_MOST = 10_000_000


def fisher_two_sided(x_control: float, n_control: float, x_canary: float, n_canary: float) -> float:
    """The probability, margins fixed, of tables at most as likely as this one (Fisher 1935).

    Without events, or with nothing else, there is one table and p is 1. Raises `ValueError` for
    counts that are impossible, not whole, or too many to enumerate.
    """
    x0, n0 = counts("x_control", x_control, "n_control", n_control)
    x1, n1 = counts("x_canary", x_canary, "n_canary", n_canary)
    whole = {"x_control": x0, "n_control": n0, "x_canary": x1, "n_canary": n1}
    for name, value in whole.items():
        if value != np.floor(value):
            raise ValueError(f"{name}: {value} is not whole")
    a, size0, b, size1 = (int(value) for value in whole.values())
    events = a + b
    low, high = max(0, events - size0), min(events, size1)
    if high - low > _MOST:
        raise ValueError(f"n_control, n_canary: {high - low} tables are more than {_MOST}")
    k = np.arange(low, high)
    # Steps of log pmf(k + 1) - log pmf(k), so that no factorial is ever large.
    steps = np.log((size1 - k) * (events - k)) - np.log((k + 1.0) * (size0 - events + k + 1))
    log_pmf = np.concatenate(([0.0], np.cumsum(steps)))
    pmf = np.exp(log_pmf - log_pmf.max())
    total = math.fsum(pmf)
    return min(1.0, math.fsum(pmf[pmf <= pmf[b - low] * _RELATIVE]) / total)
