"""The guardrails: which exist, what each computes, and when it stays silent."""

from __future__ import annotations

from typing import Any

import pytest

from canary.local.alarm_math import compile_expression
from canary.policy.compiled import CompiledPolicy, Detector, Trigger
from canary.release.escalation import alarm_windows
from stacks.constructs import bounds
from tests.stacks.assembly import Alarms
from tests.stacks.expression import evaluate as evaluate_math
from tests.stacks.expression import wilson

BACKSTOPS = {"canary-5xx", "canary-connection-errors", "canary-no-healthy-host", "canary-silent"}
TRIGGER = Trigger("error", "error", "rate", "level", 0.02, (60,), "rollback", "Errors", "Requests")


def evaluate(text: str, **values: float) -> float:
    """The expression's value; a control that is not matched otherwise matches as it is."""
    matched = {"em": values["ec"], "nm": values["nc"]} if "ec" in values else {}
    return evaluate_math(text, **matched | values)


def expression(alarm: dict[str, Any]) -> str:
    (found,) = [each["Expression"] for each in alarm["Metrics"] if "Expression" in each]
    return found


def inputs(alarm: dict[str, Any]) -> dict[str, tuple[str, str, int, str]]:
    """By id: metric, arm, period and statistic."""
    return {
        each["Id"]: (
            each["MetricStat"]["Metric"]["MetricName"],
            "".join(
                dimension["Value"]
                for dimension in each["MetricStat"]["Metric"].get("Dimensions", [])
                if dimension["Name"] == "Arm"
            ),
            each["MetricStat"]["Period"],
            each["MetricStat"]["Stat"],
        )
        for each in alarm["Metrics"]
        if "MetricStat" in each
    }


def test_policy_alone_says_which_alarms_exist(alarms: Alarms, policy: CompiledPolicy) -> None:
    """One alarm a trigger and window, one shared a rate, and the backstops."""
    expected = {name for trigger in policy.triggers for name in alarm_windows(trigger)}
    expected |= {f"shared-{each.name}" for each in policy.triggers if each.statistic == "rate"}
    assert alarms.keys() == expected | BACKSTOPS


def test_every_alarm_is_ok_without_a_release(alarms: Alarms) -> None:
    """No data is not a breach, and every alarm says what it means."""
    for name, alarm in alarms.items():
        assert alarm["TreatMissingData"] == "notBreaching", name
        assert alarm["ComparisonOperator"] == "GreaterThanThreshold", name
        assert len(alarm["AlarmDescription"]) > 40, name


def test_a_rate_is_watched_over_its_window_in_both_arms(
    alarms: Alarms, policy: CompiledPolicy
) -> None:
    """60 s from the tasks' rolling counts every 10 s, longer windows from the plain counters."""
    for trigger in policy.triggers:
        if trigger.statistic != "rate":
            continue
        for window in trigger.windows_seconds:
            suffix, period = ("60s", 10) if window == 60 else ("", window)
            events, trials = trigger.numerator + suffix, trigger.denominator + suffix
            assert inputs(alarms[f"canary-{trigger.name}-{window}s"]) == {
                "e": (events, "canary", period, "Sum"),
                "n": (trials, "canary", period, "Sum"),
                "ec": (events, "control", period, "Sum"),
                "nc": (trials, "control", period, "Sum"),
                "em": (events, "control-matched", period, "Sum"),
                "nm": (trials, "control-matched", period, "Sum"),
            }


@pytest.mark.parametrize("trials", range(1, 11))
def test_one_error_in_a_handful_of_requests_is_no_alarm(alarms: Alarms, trials: int) -> None:
    """A raw ratio would be 10% to 100%."""
    text = expression(alarms["canary-error-60s"])
    assert evaluate(text, e=1, n=trials, ec=0, nc=1000) == 0


@pytest.mark.parametrize(
    ("events", "trials"), [(5, 5), (5, 6), (5, 40), (9, 37), (30, 300), (200, 10_000)]
)
def test_the_alarm_watches_wilson_s_lower_bound(
    alarms: Alarms, policy: CompiledPolicy, events: int, trials: int
) -> None:
    """The template's own metric math is the textbook's formula."""
    trigger = next(each for each in policy.triggers if each.name == "error")
    value = evaluate(expression(alarms["canary-error-60s"]), e=events, n=trials, ec=0, nc=1000)
    assert value == pytest.approx(wilson(events, trials, trigger.z), abs=1e-6)
    assert value > 0


def test_no_requests_and_more_errors_than_requests_still_give_a_number(alarms: Alarms) -> None:
    """Either would drop the point, and a dropped point looks healthy."""
    text = expression(alarms["canary-error-60s"])
    assert evaluate(text, e=0, n=0, ec=0, nc=0) == 0
    assert evaluate(text, e=12, n=10, ec=3, nc=2) == pytest.approx(0)
    assert evaluate(text, e=12, n=10, ec=0, nc=1000) == pytest.approx(
        wilson(10, 10, 3.09), abs=1e-6
    )
    assert evaluate(text, e=5, n=0, ec=0, nc=0) == pytest.approx(0)


def test_canary_must_be_more_than_twice_as_bad_as_the_control(alarms: Alarms) -> None:
    """What both arms suffer is not the canary's fault; without control traffic it is.

    The control's count is read as the most it may stand for: 263 as 301, 262 as just below 300.
    """
    text = expression(alarms["canary-error-300s"])
    assert evaluate(text, e=30, n=100, ec=263, nc=2000) == 0
    assert evaluate(text, e=30, n=100, ec=262, nc=2000) > 0.02
    assert evaluate(text, e=30, n=100, ec=0, nc=0) > 0.02


def test_twice_as_bad_by_chance_is_not_worse(alarms: Alarms) -> None:
    """As a shared incident begins, five of few canary requests fail before control's share grows.

    The pooled score test decides it, at the distance to the control that the trigger asks for: 2.3
    and 4.0 standard errors are not enough, 4.8 are.
    """
    text, shared = expression(alarms["canary-error-60s"]), expression(alarms["shared-error"])
    begun = {"e": 5.0, "n": 19.0, "ec": 5.0, "nc": 57.0}
    assert evaluate(text, **begun) == 0
    assert evaluate(shared, **begun) > 0
    assert evaluate(text, **{**begun, "ec": 0.0}) == 0
    alone = {**begun, "e": 7.0, "ec": 0.0}
    assert evaluate(text, **alone) == pytest.approx(wilson(7, 19, 3.09), abs=1e-6)
    assert evaluate(shared, **alone) == 0


def test_a_control_of_other_times_and_intents_is_matched_before_it_is_compared(
    alarms: Alarms,
) -> None:
    """Half of both arms fails for a minute after a rise from 5% to 25%, seen in a long window.

    Nine tenths of the control's requests are from before, most of the canary's from after: 28%
    against 8% unmatched. Weighted by the odds of each draw the control is as the canary: 24%.
    """
    own, shared = expression(alarms["canary-error-1800s"]), expression(alarms["shared-error"])
    window = {"e": 28.0, "n": 100.0, "ec": 80.0, "nc": 1000.0}
    matched = {"em": 24.0, "nm": 100.0}
    assert evaluate(own, **window) > 0.02
    assert evaluate(own, **window, **matched) == 0
    assert evaluate(shared, **window, **matched) > 0.02
    assert evaluate(own, **window, em=0.0, nm=0.0) > 0.02


def test_twice_a_matched_control_that_was_lucky_is_not_worse(alarms: Alarms) -> None:
    """A minute into an incident of both arms, soon after a rise: matched, control has few events.

    Against all of the control, most of it from before, the difference is certain and means nothing.
    """
    own = expression(alarms["canary-error-1800s"])
    begun = {"e": 16.0, "n": 190.0, "ec": 22.0, "nc": 1285.0}
    assert evaluate(own, **begun, em=7.0, nm=190.0) == 0
    alone = {"e": 16.0, "n": 190.0, "ec": 4.0, "nc": 1285.0, "em": 0.8, "nm": 190.0}
    assert evaluate(own, **alone) == pytest.approx(wilson(16, 190, 3.09), abs=1e-6)


def test_a_backstop_cannot_match_and_so_wants_a_healthy_primary(alarms: Alarms) -> None:
    """The load balancer's counts know no draws: with primary ill too, the API's own alarms act."""
    text = expression(alarms["canary-5xx"])
    assert evaluate(text, e=28, n=100, ec=80, nc=1000) == 0
    assert evaluate(text, e=28, n=100, ec=8, nc=1000) > 0.02
    assert evaluate(text, e=28, n=100, ec=0, nc=0) > 0.02


def test_a_shared_incident_is_seen_when_both_are_bad_and_the_canary_is_not_worse(
    alarms: Alarms,
) -> None:
    """It takes both arms, and it never overlaps with the canary's own alarm."""
    text, own = expression(alarms["shared-error"]), expression(alarms["canary-error-300s"])
    both = {"e": 30.0, "n": 100.0, "ec": 300.0, "nc": 1000.0}
    assert evaluate(text, **both) == pytest.approx(wilson(30, 100, 3.09), abs=1e-6)
    assert evaluate(own, **both) == 0
    worse = {"e": 30.0, "n": 100.0, "ec": 5.0, "nc": 1000.0}
    assert evaluate(text, **worse) == 0
    assert evaluate(own, **worse) > 0.02
    assert evaluate(text, e=0, n=100, ec=300, nc=1000) == 0


def test_embedded_region_reads_every_expression_to_the_same_number(alarms: Alarms) -> None:
    """What passes in the embedded region was computed by the same text."""
    for name in ("canary-error-60s", "canary-slow-300s", "shared-throttled", "canary-5xx"):
        text = expression(alarms[name])
        for values in (
            {"e": 30.0, "n": 100.0, "ec": 299.0, "nc": 2000.0},
            dict.fromkeys("en", 9.0),
        ):
            known = dict.fromkeys(("ec", "nc", "em", "nm"), 0.0) | values
            (value,) = compile_expression(text)({key: [each] for key, each in known.items()})
            assert value == pytest.approx(evaluate(text, **known)), name


def test_a_level_of_the_detector_is_what_the_detector_shows(
    alarms: Alarms, policy: CompiledPolicy
) -> None:
    """A detector that misses some and invents some shows another rate than the true one."""
    assert alarms["canary-hallucination-300s"]["Threshold"] == pytest.approx(
        0.03 * policy.detector.sensitivity + 0.97 * (1 - policy.detector.specificity)
    )
    assert alarms["canary-error-300s"]["Threshold"] == 0.02
    assert isinstance(policy.detector, Detector)


def test_harm_is_the_analysis_own_bound(alarms: Alarms, policy: CompiledPolicy) -> None:
    """One statistic, one home: the alarm only compares it with the policy's threshold."""
    for trigger in policy.triggers:
        if trigger.statistic == "harm":
            alarm = alarms[f"canary-harm-{trigger.metric}"]
            name = "Harm" + trigger.metric.title().replace("_", "")
            assert inputs(alarm) == {"harm": (name, "", 300, "Maximum")}
            assert alarm["Threshold"] == trigger.threshold


def test_silence_is_heard_when_the_canary_is_asked_and_nobody_comes(
    alarms: Alarms, policy: CompiledPolicy
) -> None:
    """For the policy's time, and not when nothing is asked of it."""
    alarm = alarms["canary-silent"]
    text = expression(alarm)
    assert evaluate(text, asked=0.05, n=0) == 1
    assert evaluate(text, asked=0.05, n=1) == 0
    assert evaluate(text, asked=0, n=0) == 0
    assert alarm["DatapointsToAlarm"] * 60 == policy.statistics.silence_seconds


def test_no_healthy_host_matters_only_while_the_canary_is_asked(alarms: Alarms) -> None:
    """Outside a release the canary set has no tasks, and that is fine."""
    text = expression(alarms["canary-no-healthy-host"])
    assert evaluate(text, asked=0.05, healthy=0) == 1
    assert evaluate(text, asked=0.05, healthy=1) == 0
    assert evaluate(text, asked=0, healthy=0) == 0


def test_backstops_read_the_load_balancer_s_own_counts(alarms: Alarms) -> None:
    """They hold when the API's counting is what is broken."""
    for name in ("canary-5xx", "canary-connection-errors"):
        spaces = {
            each["MetricStat"]["Metric"]["Namespace"]
            for each in alarms[name]["Metrics"]
            if "MetricStat" in each
        }
        assert spaces == {"AWS/ApplicationELB"}
        groups = {
            each["Id"]: str(each["MetricStat"]["Metric"]["Dimensions"])
            for each in alarms[name]["Metrics"]
            if "MetricStat" in each
        }
        assert "CanaryTargetGroup" in groups["e"]
        assert "PrimaryTargetGroup" in groups["ec"]


def test_the_bound_follows_the_trigger_s_own_numbers() -> None:
    """Least events, z and the ratio come from the policy."""
    trigger = Trigger(**{**TRIGGER.__dict__, "min_events": 3, "z": 1.96, "ratio_to_control": 4.0})
    text = bounds.breach(trigger)
    assert evaluate(text, e=2, n=10, ec=0, nc=100) == 0
    assert evaluate(text, e=3, n=10, ec=0, nc=100) == pytest.approx(wilson(3, 10, 1.96), abs=1e-6)
    assert evaluate(text, e=3, n=10, ec=8, nc=100) == 0
