"""Are two rates the same, or is one not worse: z tests of a difference, canary minus control."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canary.statistics.normal import lower_tail, two_sided, upper_tail
from canary.statistics.validation import Values, counts, not_negative

__all__ = ["Direction", "RateTest", "noninferiority_test", "score_test"]

Direction = Literal["higher_is_better", "lower_is_better"]


@dataclass(frozen=True)
class RateTest:
    """A difference of rates (points as fractions), its standard error, z, and p-values.

    `informative` is False where the standard error is 0 (no event anywhere, or nothing else):
    z is then 0 and every p-value 1. That is not evidence of sameness, and no NaN either.
    """

    difference: Values
    standard_error: Values
    z: Values
    p_two_sided: Values
    p_greater: Values
    p_less: Values
    informative: NDArray[np.bool_]


def score_test(
    x_control: ArrayLike,
    n_control: ArrayLike,
    x_canary: ArrayLike,
    n_canary: ArrayLike,
    *,
    continuity: bool = False,
) -> RateTest:
    """The pooled two-proportion score test (Pearson 1900; Fleiss, Levin and Paik 2003, ch. 3).

    z = (p1 - p0) / sqrt(p(1 - p)(1/n1 + 1/n0)) with p the rate of both arms together; `continuity`
    moves the difference towards 0 by (1/n1 + 1/n0) / 2 first (Yates 1934). The standard error
    belongs to the hypothesis of no difference and to no interval. Raises `ValueError` for an
    empty arm, negative or non-finite counts, and more events than trials.
    """
    x0, n0 = counts("x_control", x_control, "n_control", n_control)
    x1, n1 = counts("x_canary", x_canary, "n_canary", n_canary)
    pooled = (x0 + x1) / (n0 + n1)
    inverse = 1 / n0 + 1 / n1
    difference = x1 / n1 - x0 / n0
    shift = np.sign(difference) * np.minimum(np.abs(difference), inverse / 2) if continuity else 0.0
    return _tested(difference, difference - shift, np.sqrt(pooled * (1 - pooled) * inverse))


def noninferiority_test(
    x_control: ArrayLike,
    n_control: ArrayLike,
    x_canary: ArrayLike,
    n_canary: ArrayLike,
    *,
    margin: ArrayLike,
    direction: Direction = "higher_is_better",
) -> RateTest:
    """Is the canary worse by less than `margin` (points as a fraction, not negative)?

    Wald: z = (d + margin) / sqrt(p1 q1 / n1 + p0 q0 / n0), d turned around where lower is better
    (Blackwelder 1982). Small `p_greater` shows non-inferiority. Raises `ValueError` as the score
    test does, and for a negative margin.
    """
    if direction not in ("higher_is_better", "lower_is_better"):
        raise ValueError(f"direction: {direction!r} is neither higher_ nor lower_is_better")
    x0, n0 = counts("x_control", x_control, "n_control", n_control)
    x1, n1 = counts("x_canary", x_canary, "n_canary", n_canary)
    allowed = not_negative("margin", margin)
    p0, p1 = x0 / n0, x1 / n1
    difference = p1 - p0
    gain = difference if direction == "higher_is_better" else -difference
    return _tested(difference, gain + allowed, np.sqrt(p0 * (1 - p0) / n0 + p1 * (1 - p1) / n1))


def _tested(difference: Values, distance: Values, error: Values) -> RateTest:
    difference, distance, error = np.broadcast_arrays(difference, distance, error)
    informative = error > 0
    z = np.where(informative, distance / np.where(informative, error, 1.0), 0.0)
    one = np.ones_like(z)
    return RateTest(
        difference[()],
        error[()],
        z[()],
        np.where(informative, two_sided(z), one)[()],
        np.where(informative, upper_tail(z), one)[()],
        np.where(informative, lower_tail(z), one)[()],
        np.asarray(informative)[()],
    )
