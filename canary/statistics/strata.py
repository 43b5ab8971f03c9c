"""Counts of both arms by stratum (intent, ramp period); the last axis of arrays is the strata."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from canary.statistics.validation import Values, finite, not_negative

__all__ = ["Strata", "crude_difference"]


@dataclass(frozen=True)
class Strata:
    """Events x among n trials; the last axis holds the strata, others whatever is simulated.

    Raises `ValueError`, naming the field, for negative or non-finite counts, more events than
    trials, and no stratum at all. A stratum may have an empty arm: it tells nothing and weighs
    nothing, but at least one must have both arms.
    """

    x_control: ArrayLike
    n_control: ArrayLike
    x_canary: ArrayLike
    n_canary: ArrayLike

    def __post_init__(self) -> None:
        arrays = {}
        for arm in ("control", "canary"):
            x, n = f"x_{arm}", f"n_{arm}"
            trials = not_negative(n, getattr(self, n))
            events = not_negative(x, getattr(self, x))
            if np.any(events > trials):
                raise ValueError(f"{x}: {events} is more than {n}")
            arrays[x], arrays[n] = events, trials
        wide = np.broadcast_arrays(*arrays.values())
        if wide[0].ndim < 1 or wide[0].shape[-1] == 0:
            raise ValueError("x_control: needs at least one stratum")
        for name, array in zip(arrays, wide, strict=True):
            object.__setattr__(self, name, array)
        if not np.all(np.any(self.informative, axis=-1)):
            raise ValueError("n_control, n_canary: no stratum has both arms")

    @property
    def informative(self) -> Values:
        """1.0 for strata with both arms, 0.0 for others."""
        return np.asarray(self.cells[1] * self.cells[3] > 0, dtype=np.float64)

    @property
    def cells(self) -> tuple[Values, Values, Values, Values]:
        """x_control, n_control, x_canary, n_canary."""
        fields = (self.x_control, self.n_control, self.x_canary, self.n_canary)
        x0, n0, x1, n1 = (np.asarray(field, dtype=np.float64) for field in fields)
        return x0, n0, x1, n1

    def rates(self) -> tuple[Values, Values, Values]:
        """Control's rate, canary's rate, and the unpooled variance of their difference.

        0 for strata without both arms, which every caller weighs with 0.
        """
        x0, n0, x1, n1 = self.cells
        p0, p1 = _share(x0, n0), _share(x1, n1)
        return p0, p1, _share(p0 * (1 - p0), n0) + _share(p1 * (1 - p1), n1)


def crude_difference(strata: Strata) -> Values:
    """Canary's rate minus control's with all strata thrown together: shown, never decided on.

    Under a ramp it mixes what changed with who was drawn when (Simpson's paradox).
    """
    x0, n0, x1, n1 = (cell.sum(axis=-1) for cell in strata.cells)
    return finite("difference", x1 / n1 - x0 / n0)[()]


def _share(part: Values, whole: Values) -> Values:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
