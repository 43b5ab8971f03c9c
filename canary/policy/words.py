"""Limits and triggers in words, for people who review a policy."""

from __future__ import annotations

from canary.policy.compiled import Metric, Trigger, Unit
from canary.policy.duration import duration_text

__all__ = ["limit_words", "trigger_words"]


def limit_words(value: float, unit: Unit, measure: str) -> str:
    """A number with its unit: "0.5%", "+0.25 points", "-1% of control's", "5,000 ms"."""
    if unit == "points":
        return f"{value * 100:+g} points"
    if unit == "relative":
        return f"{value * 100:+g}% of control's"
    if unit == "score":
        return f"{value:+g}"
    if measure == "quantile":
        return f"{value:,.0f} ms"
    return f"{value * 100:g}%" if measure == "rate" else f"{value:g}"


def trigger_words(trigger: Trigger, metric: Metric) -> str:
    """What a trigger watches and does, as a sentence."""
    windows = " or ".join(duration_text(seconds) for seconds in trigger.windows_seconds)
    if trigger.statistic == "rate":
        limit = limit_words(trigger.threshold, trigger.unit, metric.measure)
        watched = (
            f"{trigger.numerator} of {trigger.denominator} surely above {limit}, from "
            f"{trigger.min_events} events, more than {trigger.ratio_to_control:g} times control's "
            f"and {trigger.z_to_control:g} standard errors above it, over {windows}"
        )
    else:
        limit = limit_words(trigger.threshold, trigger.unit, metric.measure).removeprefix("+")
        watched = f"surely worse than control by more than {limit}, over {windows}"
    if trigger.on_breach == "rollback":
        return f"{watched}: rollback"
    if trigger.escalate_after_seconds is None:
        return f"{watched}: pause"
    later = duration_text(trigger.escalate_after_seconds)
    return f"{watched}: pause, rollback after {later}"
