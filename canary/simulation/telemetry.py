"""What a monitor sees of one release: counts by minute, matured outcomes by hour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

__all__ = ["CANARY", "CONTROL", "HOURLY", "MINUTELY", "Counts", "Telemetry"]

Counts = NDArray[Any]
CONTROL, CANARY = 0, 1
"""The arms' places on the first axis of every array."""
MINUTELY = ("requests", "errors", "slow", "throttled", "checked", "hallucinated")
"""Turns; `checked` are those that the detector read, `hallucinated` those that it flagged."""
HOURLY = ("outcomes", "completed", "surveys", "csat", "csat_squared")
"""Conversations in the hour in which their outcome matured; `csat` is the sum of the scores."""


@dataclass(frozen=True)
class Telemetry:
    """One release by arm: arrays of shape (2, minutes) and (2, hours) since its first exposure.

    `share` is the canary's share of conversations that was asked for, by minute.
    """

    minutes: Mapping[str, Counts]
    hours: Mapping[str, Counts]
    share: NDArray[Any]
    fault_minute: float | None = None
    """When the candidate's fault started; None in a world without one."""
