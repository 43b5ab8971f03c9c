"""Lan-DeMets: how alpha is spent over information, and the boundaries that spend it.

Looks may come at any information. Two-sided tests spend f(t; alpha / 2) on each side, which is the
classical convention; the other one, half of f(t; alpha), is not mixed with it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from statistics import NormalDist

from canary.statistics.group_sequential import Paths, follow, looks, start, tail
from canary.statistics.normal import quantile, upper_tail, upper_tail_quantile
from canary.statistics.solving import solve_rising
from canary.statistics.validation import require_finite, require_fraction

__all__ = [
    "boundaries",
    "hwang_shih_decani_spend",
    "kim_demets_spend",
    "obrien_fleming_spend",
    "planned_boundaries",
    "pocock_spend",
]

Spend = Callable[[float, float], float]

_FARTHEST = 37.0
"""Standard deviations beyond which a float knows no probability."""


def obrien_fleming_spend(t: float, alpha: float) -> float:
    """One-sided alpha spent at information `t`: 2 - 2 Phi(z_(alpha/2) / sqrt(t)).

    O'Brien-Fleming type (Lan and DeMets 1983); all of it from t = 1 on. Raises `ValueError`.
    """
    if _spent(t, alpha):
        return alpha
    return 2 * float(upper_tail(-NormalDist().inv_cdf(alpha / 2) / math.sqrt(t)))


def pocock_spend(t: float, alpha: float) -> float:
    """Pocock type (Lan and DeMets 1983): alpha * ln(1 + (e - 1) t). Raises `ValueError`."""
    return alpha if _spent(t, alpha) else alpha * math.log1p((math.e - 1) * t)


def kim_demets_spend(t: float, alpha: float, rho: float = 3.0) -> float:
    """Power family (Kim and DeMets 1987): alpha * t^rho, rho above 0. Raises `ValueError`."""
    if not (math.isfinite(rho) and rho > 0):
        raise ValueError(f"rho: {rho} is not above 0")
    return alpha if _spent(t, alpha) else alpha * t**rho


def hwang_shih_decani_spend(t: float, alpha: float, gamma: float = -4.0) -> float:
    """Hwang, Shih and DeCani (1990): alpha * (1 - e^(-gamma t)) / (1 - e^(-gamma)).

    Linear at gamma = 0; negative values spend late, positive ones early. Raises `ValueError`.
    """
    require_finite(gamma=gamma)
    if _spent(t, alpha):
        return alpha
    return alpha * t if gamma == 0 else alpha * math.expm1(-gamma * t) / math.expm1(-gamma)


def planned_boundaries(fractions: Sequence[float], alpha: float) -> list[float]:
    """The upper bounds on Z at information fractions of a two-sided test at `alpha`."""
    return boundaries(fractions, [obrien_fleming_spend(t, alpha / 2) for t in fractions])


def boundaries(
    information: Sequence[float], spent: Sequence[float], *, two_sided: bool = False
) -> list[float]:
    """The upper bound on Z at each look, so that crossing one by look k has probability spent[k].

    `information` is on any scale and rises; `spent` is cumulative, for one side. A look that
    spends nothing has an infinite bound. With `two_sided` a path also ends at the mirrored lower
    bound, which moves the bounds by less than 1e-5 at usual alphas. Raises `ValueError`.
    """
    times = looks(information)
    if len(times) != len(spent):
        raise ValueError("information, spent: as many of each, and at least one")
    if any(not 0 <= share < 1 for share in spent):
        raise ValueError(f"spent: {list(spent)} is not all between 0 and 1")
    edges, _ = _edges(tuple(times), tuple(spent), two_sided)
    return [edge / math.sqrt(t) for edge, t in zip(edges, times, strict=True)]


@functools.lru_cache(maxsize=32)
def _edges(
    times: tuple[float, ...], spent: tuple[float, ...], two_sided: bool
) -> tuple[tuple[float, ...], Paths]:
    """The bound on the score at each look, and the paths that come to the last one.

    A look goes on from where the look before it ended, which is kept.
    """
    *_, t = times
    if len(times) == 1:
        paths = start()
        return (_edge(paths, t, spent[0]),), paths
    before, coming = _edges(times[:-1], spent[:-1], two_sided)
    lower = -before[-1] if two_sided else -math.inf
    paths = follow(coming, times[-2], lower, before[-1], next_t=t)
    return (*before, _edge(paths, t, spent[-1] - max(0.0, *spent[:-1]))), paths


def _spent(t: float, alpha: float) -> bool:
    """Whether everything is spent, after a look at the arguments."""
    require_fraction(alpha=alpha)
    if not t > 0:
        raise ValueError(f"t: {t} is not above 0")
    return t >= 1


def _edge(paths: Paths, t: float, alpha: float) -> float:
    """The score at `t` above which `alpha` of probability lies; infinite when there is none."""
    if alpha <= 0:
        return math.inf
    root = math.sqrt(t)
    if paths.scores.size == 1 and paths.mass[0] > alpha:
        # All are at one place, as before the first look.
        step = math.sqrt(t - paths.t)
        return float(paths.scores[0] + step * upper_tail_quantile(alpha / paths.mass[0]))
    farthest = _FARTHEST * root
    if float(tail(paths, t, farthest)) > alpha:
        return math.inf
    found = solve_rising(
        lambda below: tail(paths, t, -below),
        alpha,
        between=(-farthest, farthest),
        guess=root * float(quantile(alpha)),
        scale=root,
    )
    return -float(found)
