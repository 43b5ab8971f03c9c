"""The source's significance code, run again and again: a z test of completed conversations."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np

from canary.simulation.peers.strategy import Stop
from canary.simulation.telemetry import CANARY, CONTROL, Telemetry

__all__ = ["RepeatedZTest"]

_MINUTES_AN_HOUR = 60


@dataclass(frozen=True)
class RepeatedZTest:
    """Two-proportion z of all outcomes so far, pooled over the ramp, p < .05 against the canary.

    The source runs it every 5 minutes. Outcomes come by the hour here, so between two hours a look
    would read the same counts: as many looks as there is news, which is in the test's favour.
    """

    critical: float = NormalDist().inv_cdf(0.975)
    name: str = "repeated_z"
    page: str = "https://www.itl.nist.gov/div898/handbook/prc/section3/prc33.htm"
    describe: str = (
        "The source's significance code on completion: a pooled two-proportion z test of all "
        "outcomes so far, two-sided p < .05 with the canary behind, at every look."
    )

    @property
    def reads(self) -> AbstractSet[str]:
        """The source tests the success metric by it; errors it leaves to the alarms."""
        return {"completion"}

    def stops_at(self, telemetry: Telemetry) -> Stop | None:
        """The end of the first hour whose cumulative test is significant against the canary."""
        events = np.cumsum(telemetry.hours["completed"], axis=1)
        trials = np.cumsum(telemetry.hours["outcomes"], axis=1)
        both = trials.sum(axis=0)
        pooled = events.sum(axis=0) / np.maximum(both, 1)
        safe = np.maximum(trials, 1)
        gap = events[CONTROL] / safe[CONTROL] - events[CANARY] / safe[CANARY]
        # Both arms' inverse sizes, 1/n0 + 1/n1, without dividing by an empty arm.
        variance = pooled * (1 - pooled) * both / (safe[CONTROL] * safe[CANARY])
        known = (trials.min(axis=0) > 0) & (variance > 0)
        behind = known & (gap > self.critical * np.sqrt(np.maximum(variance, 0)))
        past = np.flatnonzero(behind)
        if not past.size:
            return None
        return Stop(float((past[0] + 1) * _MINUTES_AN_HOUR), "completion")

    def scaled(self, factor: float, metric: str | None = None) -> RepeatedZTest:
        """The critical z multiplied."""
        mine = metric in (None, "completion")
        return replace(self, critical=self.critical * factor) if mine else self

    def only(self, metric: str) -> RepeatedZTest:
        """It watches one metric already. Raises `ValueError` for another."""
        if metric != "completion":
            raise ValueError(f"metric: {metric} is not completion")
        return self
