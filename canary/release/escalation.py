"""When a warning that stays becomes a rollback."""

from __future__ import annotations

from collections.abc import Mapping

from canary.policy.compiled import CompiledPolicy, Trigger
from canary.release.events import RollbackRequested
from canary.release.model import Cause

__all__ = ["alarm_windows", "escalation", "pause_cause"]


def alarm_windows(trigger: Trigger) -> dict[str, int]:
    """The names of a trigger's alarms, and the window each watches, in seconds."""
    if trigger.statistic == "harm":
        return {f"canary-harm-{trigger.metric}": max(trigger.windows_seconds)}
    return {f"canary-{trigger.name}-{window}s": window for window in trigger.windows_seconds}


def pause_cause(policy: CompiledPolicy, alarm: str) -> Cause | None:
    """Why an alarm pauses; None for those that roll back by themselves, and for composites."""
    if alarm.startswith("shared-"):
        return Cause.SHARED
    if alarm == "canary-silent":
        return Cause.SILENCE
    pausing = (trigger for trigger in policy.triggers if trigger.on_breach == "pause")
    known = {name for trigger in pausing for name in alarm_windows(trigger)}
    return Cause.WARNING if alarm in known else None


def escalation(
    policy: CompiledPolicy, in_alarm: Mapping[str, float], now: float
) -> RollbackRequested | None:
    """The rollback that is due, if any; `in_alarm` is each raised alarm and since when it is.

    An alarm escalates after its trigger's `escalate_after_seconds`, and never before a second
    window, disjoint from the one that raised it, has gone by. Silence and shared incidents have
    no trigger and never escalate.
    """
    due: list[tuple[str, float]] = []
    for trigger in policy.triggers:
        if trigger.on_breach != "pause" or trigger.escalate_after_seconds is None:
            continue
        for name, window in alarm_windows(trigger).items():
            raised = in_alarm.get(name)
            if raised is not None and now - raised >= max(trigger.escalate_after_seconds, window):
                due.append((name, now - raised))
    if not due:
        return None
    name, seconds = max(due, key=lambda item: item[1])
    return RollbackRequested(
        at=now,
        cause=Cause.ESCALATED,
        strike=True,
        detail=f"{name} has been raised for {seconds / 60:.0f} minutes.",
        alarms=tuple(name for name, _ in due),
    )
