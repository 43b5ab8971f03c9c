"""What a test that may stop early says of the effect: estimate, interval, p-value, stage by stage.

The naive estimate at a stop is too large on average, because stopping chose it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from canary.statistics.group_sequential import (
    REACH,
    crossing_probabilities,
    follow,
    looks,
    start,
    tail,
)
from canary.statistics.normal import quantile, upper_tail_quantile
from canary.statistics.solving import solve_rising
from canary.statistics.validation import Values, finite, fraction

__all__ = ["Stopped", "repeated_interval", "stagewise", "stagewise_p"]


@dataclass(frozen=True)
class Stopped:
    """On the drift scale (mean of Z at information 1): an effect is theta * its error there.

    `estimate` is median unbiased; `lower` and `upper` are each one-sided at the same level.
    """

    estimate: float
    lower: float
    upper: float
    naive: float
    p_greater: float
    p_two_sided: float


def stagewise(
    information: Sequence[float],
    bounds: Sequence[float],
    z: float,
    confidence: float = 0.95,
    *,
    two_sided: bool = True,
) -> Stopped:
    """Inference after a test stopped at its last look given, with statistic `z`.

    Stage-wise ordering (Fairbanks and Madsen 1982; Tsiatis, Rosner and Mehta 1984): an earlier
    crossing is more extreme, within a stage a larger Z. `information` holds the looks up to the
    stop as fractions, `bounds` the upper bounds on Z in force (lower ones mirrored when
    `two_sided`, none otherwise); only those before the stop matter. Raises `ValueError` for
    unequal lengths, information that does not rise, bounds not above 0, and a `z` that is no
    number.
    """
    times = looks(information)
    if len(bounds) != len(times):
        raise ValueError("bounds: as many as information")
    if any(not bound > 0 for bound in bounds):
        raise ValueError(f"bounds: {list(bounds)} are not all above 0")
    observed = float(finite("z", z))
    tail_share = (1 - float(fraction("confidence", confidence))) / 2
    if two_sided and observed < 0:
        # What stops below is ordered from below: the same test, looked at upside down.
        return _mirrored(stagewise(information, bounds, -observed, confidence))
    stop = _Stop(times, bounds, observed, tail_share, two_sided=two_sided)
    p_greater = float(stop.more_extreme(np.asarray(0.0)))
    lower, estimate, upper = stop.solve(np.asarray([tail_share, 0.5, 1 - tail_share]))
    return Stopped(
        estimate=float(estimate),
        lower=float(lower),
        upper=float(upper),
        naive=observed / math.sqrt(times[-1]),
        p_greater=p_greater,
        p_two_sided=min(1.0, 2 * min(p_greater, 1 - p_greater)),
    )


def stagewise_p(information: Sequence[float], bounds: Sequence[float], z: float) -> float:
    """The upper one-sided stage-wise p-value alone, for bounds on one side.

    P(an upper bound is crossed before the last look, or Z is at least `z` there), no effect: at
    most the alpha spent by the last look exactly when `z` reaches its bound. Arguments and errors
    as for `stagewise`.
    """
    if len(bounds) != len(information):
        raise ValueError("bounds: as many as information")
    edges = [*bounds[:-1], float(finite("z", z))]
    above, _ = crossing_probabilities(information, edges)
    return min(1.0, sum(above))


def repeated_interval(
    difference: float, standard_error: float, bound: float
) -> tuple[float, float]:
    """Difference -/+ bound * standard error: valid at this look whether or not the test stops.

    Jennison and Turnbull (1989); `bound` is the look's bound on Z. It covers at all looks at once
    and is wider than the stage-wise interval. Raises `ValueError`.
    """
    if not bound > 0:
        raise ValueError(f"bound: {bound} is not above 0")
    error = float(finite("standard_error", standard_error))
    if error < 0:
        raise ValueError(f"standard_error: {error} is negative")
    centre = float(finite("difference", difference))
    spread = bound * error if error > 0 else 0.0
    return centre - spread, centre + spread


def _mirrored(found: Stopped) -> Stopped:
    return Stopped(
        estimate=-found.estimate,
        lower=-found.upper,
        upper=-found.lower,
        naive=-found.naive,
        p_greater=1 - found.p_greater,
        p_two_sided=found.p_two_sided,
    )


class _Stop:
    """The paths before each look up to the stop, kept so that every drift reads the same ones."""

    def __init__(
        self,
        times: list[float],
        bounds: Sequence[float],
        z: float,
        tail_share: float,
        *,
        two_sided: bool,
    ) -> None:
        self._times = times
        self._edges = [b * math.sqrt(t) for b, t in zip(bounds[:-1], times[:-1], strict=True)]
        self._edges.append(z * math.sqrt(times[-1]))
        # No drift asked for expects more than this at the stop, or the level would be passed.
        self._farthest = abs(z) + float(upper_tail_quantile(tail_share)) + 0.1
        self._paths = [start()]
        for index, (t, edge) in enumerate(zip(times[:-1], self._edges[:-1], strict=True)):
            low = -edge if two_sided else -math.inf
            reach = REACH + self._farthest
            before = self._paths[-1]
            paths = follow(before, t, low, edge, next_t=times[index + 1], reach=reach)
            self._paths.append(paths)

    def more_extreme(self, theta: Values) -> Values:
        """P(an outcome ordered at or above the one seen) under drift theta; rises with it."""
        total = np.zeros_like(theta, dtype=np.float64)
        for paths, t, edge in zip(self._paths, self._times, self._edges, strict=True):
            if math.isfinite(edge):
                total = total + tail(paths, t, edge, theta)
        return total

    def solve(self, levels: Values) -> Values:
        """The drifts at which that probability is each of `levels`."""
        root = math.sqrt(self._times[-1])
        lowest = -(self._farthest + REACH) / math.sqrt(self._times[0])
        return solve_rising(
            self.more_extreme,
            levels,
            between=(lowest, self._farthest / root),
            guess=self._edges[-1] / root**2 + quantile(levels) / root,
            scale=1 / root,
        )
