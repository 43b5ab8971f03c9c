"""The state of a metric alarm from its data points, missing ones included.

After the CloudWatch user guide, "Configuring how CloudWatch alarms treat missing data": more points
than EvaluationPeriods are retrieved (the evaluation range), real points go before filled ones, and
a lone breaching point alarms only once it is as old as DatapointsToAlarm.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

__all__ = ["EXTRA_POINTS", "State", "Treatment", "next_state"]

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
Treatment = Literal["missing", "ignore", "breaching", "notBreaching"]

EXTRA_POINTS = 2
"""How many more points than EvaluationPeriods are retrieved (AWS shows 5 for 3, gives no rule)."""


def next_state(
    points: Sequence[bool | None], *, periods: int, to_alarm: int, treatment: Treatment, now: State
) -> State:
    """The state after looking at the evaluation range.

    Args:
        points: True where breaching, False where not, None where missing; oldest first.
        periods: EvaluationPeriods (N).
        to_alarm: DatapointsToAlarm (M).
        treatment: TreatMissingData.
        now: the present state, which `ignore` and a premature alarm retain.
    """
    real = [point for point in points if point is not None]
    if len(real) >= periods:
        return "ALARM" if sum(real[-periods:]) >= to_alarm else "OK"
    if not real:
        return {
            "missing": "INSUFFICIENT_DATA",
            "ignore": now,
            "breaching": "ALARM",
            "notBreaching": "OK",
        }[treatment]
    breaching = sum(real)
    if treatment == "breaching":
        breaching += periods - len(real)
    if breaching >= to_alarm:
        return "ALARM"
    if treatment in ("breaching", "notBreaching") or not all(real):
        return "OK"
    oldest = next(index for index, point in enumerate(points) if point is not None)
    is_old_enough = len(points) - oldest >= to_alarm
    return "ALARM" if treatment == "missing" and is_old_enough else now
