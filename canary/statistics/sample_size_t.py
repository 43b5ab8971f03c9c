"""The sample size of a t test, where the normal approximation is a shade too small."""

from __future__ import annotations

import numpy as np
from scipy.special import nctdtr, stdtrit

from canary.statistics.sample_size import Sides, Sizes, means_size
from canary.statistics.validation import above_zero, fraction

__all__ = ["t_power", "t_size"]

_HALVINGS = 200


def t_power(
    delta: float,
    sd: float,
    n_control: float,
    n_canary: float,
    *,
    alpha: float = 0.05,
    sides: Sides = 2,
) -> float:
    """Power of Student's t test of a difference `delta` with a common deviation `sd`.

    From the noncentral t distribution with n0 + n1 - 2 degrees of freedom, both tails when
    two-sided. Raises `ValueError` for fewer than one degree of freedom and an sd of 0.
    """
    spread = float(above_zero("sd", sd))
    level = float(fraction("alpha", alpha)) / sides
    n0, n1 = float(above_zero("n_control", n_control)), float(above_zero("n_canary", n_canary))
    df = n0 + n1 - 2
    if df <= 0:
        raise ValueError(f"n_control, n_canary: {n0} and {n1} leave no degree of freedom")
    shift = abs(delta) / spread / np.sqrt(1 / n0 + 1 / n1)
    edge = stdtrit(df, 1 - level)
    power = 1 - nctdtr(df, shift, edge)
    if sides == 2:  # noqa: PLR2004  # the other tail
        power += nctdtr(df, shift, -edge)
    return float(power)


def t_size(
    delta: float,
    sd: float,
    *,
    alpha: float = 0.05,
    power: float = 0.8,
    allocation: float = 1.0,
    sides: Sides = 2,
) -> Sizes:
    """Sizes at which `t_power` reaches `power`, by bisection; `allocation` is canary / control.

    Raises `ValueError` as `means_size` does.
    """
    start = float(
        means_size(
            delta, sd, sd, alpha=alpha, power=power, sides=sides, allocation=allocation
        ).control
    )

    def enough(n: float) -> bool:
        return t_power(delta, sd, n, n * allocation, alpha=alpha, sides=sides) >= power

    low, high = 2 / (1 + allocation) * (1 + 1e-9), start + 2 / (1 + allocation) + 1
    while not enough(high):
        high *= 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
        if high - low <= high * 1e-13:
            break
    return Sizes(np.asarray(high)[()], np.asarray(high * allocation)[()])
