"""Warnings that stay."""

from __future__ import annotations

from dataclasses import replace

from canary.release.escalation import escalation
from canary.release.model import Cause
from tests.canary.samples import HOUR, policy


def test_a_warning_escalates_after_its_time_with_a_strike() -> None:
    """Half an hour of hallucinations is no accident."""
    since = {"canary-hallucination-300s": 0.0}
    assert escalation(policy(), since, 1799) is None
    due = escalation(policy(), since, 1800)
    assert due is not None
    assert (due.cause, due.strike, due.alarms) == (
        Cause.ESCALATED,
        True,
        ("canary-hallucination-300s",),
    )


def test_harm_alarms_escalate_by_their_metrics_name() -> None:
    """A harm alarm is named for its metric."""
    assert escalation(policy(), {"canary-harm-completion": 0.0}, 12 * HOUR - 1) is None
    assert escalation(policy(), {"canary-harm-completion": 0.0}, 12 * HOUR) is not None


def test_a_second_disjoint_window_must_have_gone_by() -> None:
    """An escalation shorter than the alarm's own window waits for the window."""
    short = policy()
    trigger = short.triggers[2]
    hasty = replace(short, triggers=(replace(trigger, escalate_after_seconds=60),))
    assert escalation(hasty, {"canary-harm-completion": 0.0}, 6 * HOUR - 1) is None
    assert escalation(hasty, {"canary-harm-completion": 0.0}, 6 * HOUR) is not None


def test_silence_shared_and_rollback_alarms_never_escalate() -> None:
    """They have their own ends."""
    raised = {"canary-silent": 0.0, "shared-error": 0.0, "canary-error-60s": 0.0}
    assert escalation(policy(), raised, 1e9) is None
