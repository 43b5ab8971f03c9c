"""When Kayenta's judge calls a metric High: one Mann-Whitney comparison for each hour of a release.

Minutes without trials are missing values and are left out of their arm's series.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from canary.statistics.normal import upper_tail_quantile
from canary.statistics.validation import Values

__all__ = ["high_hours", "is_high", "mean_ratio"]

Flags = NDArray[np.bool_]
_TIES_LEAVE = 0.7
"""Ties shrink U's deviation; a screening takes it down so far, lest it lose a suspect hour."""


def high_hours(
    control: Values, canary: Values, *, confidence: float, tolerance: float, allowed_ratio: float
) -> Flags:
    """By hour, whether the canary's series is High: rates by (hour, minute), NaN where missing."""
    ratio = mean_ratio(control, canary)
    larger = ~(ratio < allowed_ratio)
    present = ~np.isnan(control), ~np.isnan(canary)
    m, n = (np.asarray(each.sum(axis=1), dtype=np.float64) for each in present)
    critical = float(upper_tail_quantile((1 - confidence) / 2))
    deviation = np.sqrt(m * n * (m + n + 1) / 12) * _TIES_LEAVE
    wins = _pairs_won(control, canary)
    suspect = larger & (m > 0) & (n > 0) & (wins >= m * n / 2 + critical * deviation)
    high = np.zeros(len(control), dtype=np.bool_)
    for hour in np.flatnonzero(suspect):
        series = control[hour][present[0][hour]], canary[hour][present[1][hour]]
        high[hour] = is_high(*series, confidence=confidence, tolerance=tolerance)
    return high


def is_high(control: Values, canary: Values, *, confidence: float, tolerance: float) -> bool:
    """Whether the shift's lower bound lies above `tolerance` times the estimated shift.

    The estimate is Hodges and Lehmann's, the bound inverts the Mann-Whitney test: normal, with
    continuity correction and, for each shift, the ties left within the arms.
    """
    m, n = len(control), len(canary)
    total = m + n
    ties = _tied(control) + _tied(canary)
    deviation = math.sqrt(m * n / 12 * (total + 1 - ties / (total * (total - 1))))
    critical = float(upper_tail_quantile((1 - confidence) / 2))
    above = math.ceil(m * n / 2 + 0.5 + critical * deviation)
    won = int(np.searchsorted(np.sort(control), canary, side="left").sum())
    # So many pairs must lie above the bound; with fewer above 0 it is not positive.
    if above > m * n or won < above:
        return False
    differences = (canary[:, None] - control[None, :]).ravel()
    bound = m * n - above
    lower = float(np.partition(differences, bound)[bound])
    return lower > tolerance * abs(float(np.median(differences)))


def mean_ratio(control: Values, canary: Values) -> Values:
    """Canary's mean over control's by hour; as in the judge NaN where one is 0 or missing."""
    means = []
    for rates in (control, canary):
        present = ~np.isnan(rates)
        count = present.sum(axis=1)
        total = np.where(present, rates, 0.0).sum(axis=1)
        means.append(np.where(count > 0, total / np.maximum(count, 1), 0.0))
    known = (means[0] > 0) & (means[1] > 0)
    return np.where(known, means[1] / np.where(known, means[0], 1.0), np.nan)


def _pairs_won(control: Values, canary: Values) -> Values:
    """By hour, in how many pairs of minutes the canary's rate is above control's."""
    hours, minutes = control.shape
    # One search for all hours: rates lie in 0 to 1, so hours 3 apart never mix; NaN sorts last.
    offset = 3.0 * np.arange(hours)[:, None]
    theirs = np.sort(np.where(np.isnan(control), 2.0, control) + offset, axis=1)
    missing = np.isnan(canary)
    ours = np.sort(np.where(missing, -0.5, canary) + offset, axis=1)
    below = np.searchsorted(theirs.ravel(), ours.ravel(), side="left").reshape(hours, minutes)
    won = np.maximum(below - minutes * np.arange(hours)[:, None], 0)
    return np.asarray(won.sum(axis=1), dtype=np.float64)


def _tied(values: Values) -> float:
    """The sum of t^3 - t over groups of t equal values."""
    ordered = np.sort(values)
    edges = np.flatnonzero(np.diff(ordered)) + 1
    sizes = np.diff(np.concatenate(([0], edges, [len(ordered)]))).astype(np.float64)
    return float((sizes**3 - sizes).sum())
