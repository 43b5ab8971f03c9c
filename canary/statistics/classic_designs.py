"""The textbook designs with equal spacing, Pocock's and O'Brien and Fleming's: for planning.

Decisions spend alpha by `canary.statistics.spending` instead, which allows any spacing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from canary.statistics.group_sequential import crossing_probabilities
from canary.statistics.normal import quantile, upper_tail_quantile
from canary.statistics.validation import fraction

__all__ = ["ClassicDesign", "classic_design"]

_HALVINGS = 60
_MOST_LOOKS = 50


@dataclass(frozen=True)
class ClassicDesign:
    """Bounds on Z at equal spacing, and information relative to a test with one look.

    `inflation` is the largest information over the fixed test's; the expected ones are averages
    over when the test stops, under the planned effect (H1) and under none (H0).
    """

    constant: float
    bounds: list[float]
    inflation: float
    expected_under_h1: float
    expected_under_h0: float


def classic_design(
    looks: int,
    design: Literal["pocock", "obrien_fleming"],
    *,
    alpha: float = 0.05,
    power: float = 0.8,
    sides: Literal[1, 2] = 2,
) -> ClassicDesign:
    """Pocock (1977): Z at c. O'Brien and Fleming (1979): Z at c / sqrt(k / K).

    Constants as in Jennison and Turnbull (2000), tables 2.1 and 2.3. Power counts crossings of the
    upper bound. Raises `ValueError` for no look or more than 50, an unknown design, alpha or power
    outside 0 to 1, and a power that chance gives.
    """
    if design not in ("pocock", "obrien_fleming"):
        raise ValueError(f"design: {design!r} is neither pocock nor obrien_fleming")
    if looks != int(looks) or not 1 <= looks <= _MOST_LOOKS:
        raise ValueError(f"looks: {looks} is not a whole number from 1 to {_MOST_LOOKS}")
    if sides not in (1, 2):
        raise ValueError(f"sides: {sides!r} is neither 1 nor 2")
    per_side = float(fraction("alpha", alpha)) / sides
    wanted = float(fraction("power", power))
    if wanted <= per_side:
        raise ValueError(f"power: {power} is not above the {per_side} that chance gives")
    times = [(k + 1) / looks for k in range(int(looks))]
    shape = [1.0 if design == "pocock" else 1 / math.sqrt(t) for t in times]

    def out(constant: float, theta: float) -> tuple[list[float], list[float]]:
        upper = [constant * s for s in shape]
        lower = [-u for u in upper] if sides == 2 else None  # noqa: PLR2004  # both sides
        return crossing_probabilities(times, upper, lower, theta)

    low, high = 0.0, float(upper_tail_quantile(per_side / looks)) + 1
    for _ in range(_HALVINGS):
        constant = (low + high) / 2
        low, high = (constant, high) if sum(out(constant, 0.0)[0]) > per_side else (low, constant)
    fixed = float(upper_tail_quantile(per_side) + quantile(wanted))
    theta_low, theta_high = 0.0, 2 * fixed + 10
    for _ in range(_HALVINGS):
        theta = (theta_low + theta_high) / 2
        enough = sum(out(high, theta)[0]) >= wanted
        theta_low, theta_high = (theta_low, theta) if enough else (theta, theta_high)
    inflation = (theta_high / fixed) ** 2

    def expected(drift: float) -> float:
        above, below = out(high, drift)
        stopped = np.add(above, below)[:-1]
        return float(stopped @ times[:-1] + 1 - stopped.sum())

    return ClassicDesign(
        constant=high,
        bounds=[high * s for s in shape],
        inflation=inflation,
        expected_under_h1=inflation * expected(theta_high),
        expected_under_h0=inflation * expected(0.0),
    )
