"""Strata on the odds scale: the common odds ratio, Cochran-Mantel-Haenszel, Breslow-Day, logit.

Breslow-Day and the likelihood ratio ask whether one odds ratio fits all strata; Cochran's Q in
`canary.statistics.heterogeneity` asks it of the difference. On the same data they differ.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from canary.statistics.chi_square import chi_square_upper_tail
from canary.statistics.strata import Strata
from canary.statistics.validation import Values

__all__ = ["OddsTests", "logit_interaction", "odds_tests"]

_HALVINGS = 100
_FARTHEST = 40.0
"""The largest log odds ratio looked for."""


@dataclass(frozen=True)
class OddsTests:
    """The Mantel-Haenszel odds ratio, the test that it is 1, and Breslow-Day's that it is one."""

    odds_ratio: float
    cmh: float
    cmh_p: float
    breslow_day: float
    breslow_day_df: int
    breslow_day_p: float


def odds_tests(strata: Strata) -> OddsTests:
    """Mantel and Haenszel (1959) without continuity correction; Breslow and Day (1980), no Tarone.

    One set of strata at a time. Strata without both arms, without events or with nothing else are
    left out: their odds ratio may be anything. Raises `ValueError` when fewer than two are left,
    or when the odds ratio is 0 or infinite.
    """
    x0, n0, x1, n1 = _varying(strata)
    total = n0 + n1
    for_it = float((x1 * (n0 - x0) / total).sum())
    against = float((x0 * (n1 - x1) / total).sum())
    if for_it == 0 or against == 0:
        raise ValueError("x_control, x_canary: the common odds ratio is 0 or infinite")
    ratio = for_it / against
    events = x0 + x1
    variance = n1 * n0 * events * (total - events) / (total**2 * np.maximum(total - 1, 1.0))
    cmh = float((x1 - n1 * events / total).sum()) ** 2 / float(variance.sum())
    fitted = _fitted(events, n0, n1, math.log(ratio))
    statistic = float(((x1 - fitted) ** 2 / _spread(fitted, events, n0, n1)).sum())
    df = len(x0) - 1
    return OddsTests(
        odds_ratio=ratio,
        cmh=cmh,
        cmh_p=float(chi_square_upper_tail(cmh, 1)),
        breslow_day=statistic,
        breslow_day_df=df,
        breslow_day_p=float(chi_square_upper_tail(statistic, df)),
    )


def logit_interaction(strata: Strata) -> tuple[float, int, float]:
    """Likelihood ratio of "one log odds ratio" against "one a stratum": chi2, df, p-value.

    The deviance of the logistic model with an intercept for each stratum and one effect, whose
    fit is where sum(x1 - fitted) = 0. Strata that say nothing are left out as in `odds_tests`.
    Raises `ValueError` when fewer than two are left or no finite odds ratio fits.
    """
    x0, n0, x1, n1 = _varying(strata)
    events = x0 + x1
    low, high = -_FARTHEST, _FARTHEST
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        enough = float((_fitted(events, n0, n1, middle) - x1).sum()) >= 0
        low, high = (low, middle) if enough else (middle, high)
    if abs(high) > _FARTHEST - 1:
        raise ValueError("x_control, x_canary: the common odds ratio is 0 or infinite")
    fitted = _fitted(events, n0, n1, (low + high) / 2)
    observed = (x1, n1 - x1, x0, n0 - x0)
    expected = (fitted, n1 - fitted, events - fitted, n0 - events + fitted)
    deviance = 2 * sum(_log_terms(o, e) for o, e in zip(observed, expected, strict=True))
    statistic, df = max(0.0, deviance), len(x0) - 1
    return statistic, df, float(chi_square_upper_tail(statistic, df))


def _varying(strata: Strata) -> tuple[Values, Values, Values, Values]:
    x0, n0, x1, n1 = strata.cells
    if x0.ndim != 1:
        raise ValueError("x_control: one set of strata at a time")
    kept = (n0 > 0) & (n1 > 0) & (x0 + x1 > 0) & (x0 + x1 < n0 + n1)
    if kept.sum() < 2:  # noqa: PLR2004  # nothing to differ from
        raise ValueError("x_control, x_canary: fewer than two strata have events and non-events")
    return x0[kept], n0[kept], x1[kept], n1[kept]


def _fitted(events: Values, n0: Values, n1: Values, log_ratio: float) -> Values:
    """Canary's expected events with the stratum's margins and this odds ratio.

    The root of (psi - 1) a^2 - ((n1 + m) psi + n0 - m) a + psi m n1 = 0 within the margins, in
    the form that does not cancel near psi = 1.
    """
    if log_ratio > 0:
        # Swap the arms, so that psi is at most 1 and nothing overflows.
        return events - _fitted(events, n1, n0, -log_ratio)
    psi = math.exp(log_ratio)
    b = (n1 + events) * psi + n0 - events
    root = np.sqrt(np.maximum(b * b + 4 * (1 - psi) * psi * events * n1, 0.0))
    # The positive root of (1 - psi) a^2 + b a - psi m n1.
    denominator = np.where(b >= 0, b + root, 1.0)
    stable = 2 * psi * events * n1 / np.where(denominator == 0, 1.0, denominator)
    direct = (root - b) / (2 * (1 - psi)) if psi < 1 else stable
    return np.where(b >= 0, stable, direct)


def _spread(fitted: Values, events: Values, n0: Values, n1: Values) -> Values:
    """The variance of a cell with fixed margins: the harmonic sum of the four fitted cells."""
    return 1 / (1 / fitted + 1 / (n1 - fitted) + 1 / (events - fitted) + 1 / (n0 - events + fitted))


def _log_terms(observed: Values, expected: Values) -> float:
    there = observed > 0
    return float((observed[there] * np.log(observed[there] / expected[there])).sum())
