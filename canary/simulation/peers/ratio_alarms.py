"""The source's own alarms: raw ratios in fixed windows, with or without a minimum of requests."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

import numpy as np

from canary.simulation.peers import limits
from canary.simulation.peers.limits import DROPS, LEVELS, Drop, Level, metrics_of
from canary.simulation.peers.strategy import Stop
from canary.simulation.telemetry import Telemetry

__all__ = ["GATE", "RatioAlarms"]

GATE = 50
"""Requests a window must hold before its ratio is read.

The source gives no number. This is the default of Envoy's `failure_percentage_request_volume`, the
nearest public rule: a failure share against a fixed threshold, read from so many requests on.
"""
_ALARM = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html"
_ENVOY = (
    "https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/cluster/v3/outlier_detection.proto"
)
_MINUTES_AN_HOUR = 60


@dataclass(frozen=True)
class RatioAlarms:
    """One datapoint above its threshold stops: levels every minute, drops every hour."""

    gate: int = 0
    window: int = 5
    levels: tuple[Level, ...] = LEVELS
    drops: tuple[Drop, ...] = DROPS

    @property
    def name(self) -> str:
        """Its key."""
        return "raw_ratio_gated" if self.gate else "raw_ratio"

    @property
    def page(self) -> str:
        """What an alarm does with a datapoint; or where the gate's number comes from."""
        return _ENVOY if self.gate else _ALARM

    @property
    def describe(self) -> str:
        """One sentence."""
        gate = f", of at least {self.gate} requests," if self.gate else ""
        return (
            f"The source's alarms: the ratio of the last {self.window} minutes{gate} above A10's "
            "threshold, looked at every minute; satisfaction over 4 and completion over 6 hours."
        )

    @property
    def reads(self) -> AbstractSet[str]:
        """All that its limits name."""
        return metrics_of(self.levels, self.drops)

    def stops_at(self, telemetry: Telemetry) -> Stop | None:
        """The end of the first minute or hour past a limit; the earliest limit, in A10's order."""
        stops = []
        for level in self.levels:
            past = np.flatnonzero(level.breaches(telemetry, self.window, self.gate))
            if past.size:
                stops.append(Stop(float(past[0] + 1), level.metric))
        for drop in self.drops:
            past = np.flatnonzero(drop.breaches(telemetry, self.gate))
            if past.size:
                stops.append(Stop(float((past[0] + 1) * _MINUTES_AN_HOUR), drop.metric))
        return min(stops, key=lambda stop: stop.minute, default=None)

    def scaled(self, factor: float, metric: str | None = None) -> RatioAlarms:
        """Thresholds multiplied, all or one metric's; window and gate stay."""
        levels = limits.scaled(self.levels, factor, metric)
        return replace(self, levels=levels, drops=limits.scaled(self.drops, factor, metric))

    def only(self, metric: str) -> RatioAlarms:
        """The limits of one metric."""
        levels = limits.only(self.levels, metric)
        return replace(self, levels=levels, drops=limits.only(self.drops, metric))
