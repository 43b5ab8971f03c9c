"""Kayenta's default judge over time series: hourly runs, scores, marginal and pass thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from canary.simulation.peers.limits import LEVELS
from canary.simulation.peers.rank_judgement import high_hours
from canary.simulation.peers.strategy import Stop
from canary.simulation.telemetry import CANARY, CONTROL, Telemetry
from canary.statistics.validation import Values

__all__ = ["KayentaJudge"]

_MINUTES_AN_HOUR = 60
_NO_DATA = 0.5
"""So large a share of metrics without data fails a run."""


@dataclass(frozen=True)
class KayentaJudge:
    """Every hour each metric's minutes are ranked against control's; the score decides.

    Confidence and tolerance are fixed in the judge; score thresholds, interval and runs are the
    starting values of its best practices; `allowed_ratios` are the effect sizes that a user may
    set, and what tuning moves. Each metric is a group of its own, and A10's critical triggers are
    critical. Outcomes come by the hour and are not read: a run needs fifty points of a series.
    Kayenta wants a baseline as large as the canary; here it gets control itself, its mean the same
    and its noise smaller. Analyses of `runs` hours follow each other through the whole release.
    """

    confidence: float = 0.98
    tolerance: float = 0.25
    allowed_ratios: Mapping[str, float] = field(
        default_factory=lambda: dict.fromkeys((level.metric for level in LEVELS), 1.0)
    )
    marginal: float = 75
    passing: float = 95
    runs: int = 3
    critical: tuple[str, ...] = ("error", "slow", "throttled")
    name: str = "kayenta"
    page: str = "https://spinnaker.io/docs/guides/user/canary/judge/"

    @property
    def describe(self) -> str:
        """One sentence."""
        return (
            f"A Kayenta-style judge: every hour a Mann-Whitney comparison of each metric's minutes "
            f"at {self.confidence:.0%}, a score below {self.marginal:g} or a critical metric "
            f"stops, so does the last of {self.runs} runs below {self.passing:g}."
        )

    @property
    def reads(self) -> AbstractSet[str]:
        """What has a series by the minute."""
        return frozenset(self.allowed_ratios)

    def stops_at(self, telemetry: Telemetry) -> Stop | None:
        """The end of the first hourly run that fails."""
        high: dict[str, NDArray[np.bool_]] = {}
        missing = []
        for level in LEVELS:
            control, canary = _rates(telemetry, level.events, level.trials)
            missing.append(np.isnan(control).all(axis=1) | np.isnan(canary).all(axis=1))
            if level.metric not in self.allowed_ratios:
                high[level.metric] = np.zeros(len(control), dtype=np.bool_)
                continue
            high[level.metric] = high_hours(
                control,
                canary,
                confidence=self.confidence,
                tolerance=self.tolerance,
                allowed_ratio=self.allowed_ratios[level.metric],
            )
        flags = np.stack(list(high.values()))
        # A group without data scores 100, so only High metrics take away from it.
        score = 100 * (1 - flags.mean(axis=0))
        for metric in self.critical:
            score = np.where(high[metric], 0.0, score)
        score = np.where(np.mean(missing, axis=0) >= _NO_DATA, 0.0, score)
        last = np.arange(len(score)) % self.runs == self.runs - 1
        failed = np.flatnonzero(score < np.where(last, self.passing, self.marginal))
        if not failed.size:
            return None
        hour = int(failed[0])
        metric = next((name for name, flag in high.items() if flag[hour]), "no data")
        return Stop(float((hour + 1) * _MINUTES_AN_HOUR), metric)

    def scaled(self, factor: float, metric: str | None = None) -> KayentaJudge:
        """The allowed ratios multiplied; significance cannot be configured in this judge.

        Below 1 it changes nothing: what is significantly more has a higher mean, nearly always.
        """
        ratios = {
            name: ratio * factor if metric in (None, name) else ratio
            for name, ratio in self.allowed_ratios.items()
        }
        return replace(self, allowed_ratios=ratios)

    def only(self, metric: str) -> KayentaJudge:
        """One metric; the others' groups count as passed."""
        return replace(self, allowed_ratios={metric: self.allowed_ratios[metric]})


def _rates(telemetry: Telemetry, events: str, trials: str) -> tuple[Values, Values]:
    """Each arm's rate by (hour, minute), NaN without trials; an unfinished hour is left out."""
    series = []
    for arm in (CONTROL, CANARY):
        n = telemetry.minutes[trials][arm]
        shares = telemetry.minutes[events][arm] / np.where(n > 0, n, 1)
        # Trials may be spread more evenly over minutes than events: a share stays a share.
        rate = np.where(n > 0, np.minimum(shares, 1.0), np.nan)
        hours = len(rate) // _MINUTES_AN_HOUR
        series.append(rate[: hours * _MINUTES_AN_HOUR].reshape(hours, _MINUTES_AN_HOUR))
    return series[0], series[1]
