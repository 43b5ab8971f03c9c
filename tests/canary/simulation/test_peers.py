"""Peers' strategies: each stops where its tool's rule, worked out by hand, would stop."""

from __future__ import annotations

import numpy as np
import pytest

from canary.simulation.peers.catalogue import peers
from canary.simulation.peers.failure_limit import ArgoAnalysis, FlaggerAnalysis
from canary.simulation.peers.ratio_alarms import GATE, RatioAlarms
from canary.simulation.peers.strategy import METRICS, Stop
from canary.simulation.peers.z_test import RepeatedZTest
from canary.simulation.telemetry import CANARY, CONTROL, Telemetry
from canary.statistics.two_proportions import score_test
from tests.canary.simulation.synthetic import calm, telemetry


def test_a_ratio_alarm_rings_at_the_end_of_the_first_minute_past_its_threshold() -> None:
    """Of 100 requests a minute 11 errors make 2.2% of five minutes; 10 make 2.0%, not above."""
    at, above = calm(), calm()
    at.minutes["errors"][CANARY, 30] = 10
    above.minutes["errors"][CANARY, 30] = 11
    assert RatioAlarms().stops_at(at) is None
    assert RatioAlarms().stops_at(above) == Stop(31.0, "error")


def test_a_ratio_alarm_forgets_what_left_its_window() -> None:
    """Six errors and six errors five minutes later never meet in one window of five."""
    scene = calm()
    scene.minutes["errors"][CANARY, [30, 35]] = 6
    assert RatioAlarms().stops_at(scene) is None
    scene.minutes["errors"][CANARY, 34] = 6
    assert RatioAlarms().stops_at(scene) == Stop(35.0, "error")


def test_the_gate_reads_no_ratio_of_fewer_requests() -> None:
    """Two errors in a window ring without the gate; with it only where the window holds 50."""
    for a_minute, gated in ((9, None), (10, Stop(31.0, "error"))):
        scene = calm(a_minute=a_minute)
        scene.minutes["errors"][CANARY, 30] = 2
        assert RatioAlarms().stops_at(scene) == Stop(31.0, "error")
        assert RatioAlarms(gate=GATE).stops_at(scene) == gated


def test_control_s_faults_stop_no_ratio_alarm() -> None:
    """Levels read the canary alone, as the source has them."""
    scene = calm()
    scene.minutes["errors"][CONTROL] = 50
    assert RatioAlarms().stops_at(scene) is None


@pytest.mark.parametrize(
    ("metric", "total", "units", "healthy", "ill", "hours"),
    [
        ("csat", "csat", "surveys", 3.2, 2.7, 4),
        ("completion", "completed", "outcomes", 0.78, 0.725, 6),
    ],
)
def test_a_drop_is_read_over_its_own_hours(  # noqa: PLR0917 - one row of a table
    metric: str, total: str, units: str, healthy: float, ill: float, hours: int
) -> None:
    """Satisfaction 15.6% lower is 10% lower in 3 hours of 4; completion needs 6 hours of 6."""
    scene = calm()
    scene.hours[units][:] = 100
    scene.hours[total][:] = healthy * 100
    scene.hours[total][CANARY, 10:] = ill * 100
    seen = 3 if metric == "csat" else hours
    assert RatioAlarms().stops_at(scene) == Stop((10 + seen) * 60.0, metric)


def test_the_z_test_is_the_source_s_two_sided_five_percent() -> None:
    """It stops in the hour in which the pooled score test first has p < .05 against the canary."""
    scene = telemetry(4, days=3, fault={"completion": 0.75}, fault_minute=0)
    events = np.cumsum(scene.hours["completed"], axis=1)
    trials = np.cumsum(scene.hours["outcomes"], axis=1)
    test = score_test(events[CONTROL], trials[CONTROL], events[CANARY], trials[CANARY])
    first = int(np.flatnonzero((test.p_two_sided < 0.05) & (test.difference < 0))[0])
    assert RepeatedZTest().stops_at(scene) == Stop((first + 1) * 60.0, "completion")


def test_the_z_test_stops_no_canary_that_does_better() -> None:
    """Two-sided significance in the canary's favour is no harm."""
    scene = telemetry(4, days=3, fault={"completion": 0.90}, fault_minute=0)
    assert RepeatedZTest().stops_at(scene) is None


def test_the_z_test_says_nothing_without_outcomes() -> None:
    """Empty arms and rates that never vary are no evidence."""
    assert RepeatedZTest().stops_at(calm()) is None


def test_argo_stops_at_the_failure_after_its_limit() -> None:
    """Limit 3: three failed measurements of one metric go on, the fourth ends the analysis."""
    scene = calm()
    for tick in (2, 7, 9):
        scene.minutes["errors"][CANARY, tick * 5] = 11
    assert ArgoAnalysis().stops_at(scene) is None
    scene.minutes["errors"][CANARY, 20 * 5] = 11
    assert ArgoAnalysis().stops_at(scene) == Stop(21 * 5.0, "error")


def test_argo_counts_failures_by_metric() -> None:
    """Three failures of errors and three of latency are not four of either."""
    scene = calm()
    for tick in (2, 7, 9):
        scene.minutes["errors"][CANARY, tick * 5] = 11
        scene.minutes["slow"][CANARY, tick * 5] = 6
    assert ArgoAnalysis().stops_at(scene) is None


def test_argo_ends_after_more_than_four_measurements_without_data_in_a_row() -> None:
    """Twenty minutes without a request are four errors; twenty-five are one too many."""
    scene = calm()
    for name in ("requests", "checked"):
        scene.minutes[name][CANARY, 100:120] = 0
    assert ArgoAnalysis().stops_at(scene) is None
    scene.minutes["requests"][CANARY, 120:125] = 0
    assert ArgoAnalysis().stops_at(scene) == Stop(125.0, "error")


def test_argo_measures_hourly_figures_from_the_hour_s_end_on() -> None:
    """An hour is measured from its end on, and fails for the fourth time 15 minutes later."""
    scene = calm()
    scene.hours["outcomes"][:] = 100
    scene.hours["completed"][:] = 78
    scene.hours["completed"][CANARY, 10:] = 0
    assert ArgoAnalysis().stops_at(scene) == Stop(11 * 60.0 + 15, "completion")


def test_flagger_rolls_back_in_the_run_after_its_tenth_failed_check() -> None:
    """Nine failed checks of any metric go on; the tenth, hours later, rolls back a minute on."""
    scene = calm()
    scene.minutes["errors"][CANARY, 10:15] = 3
    scene.minutes["slow"][CANARY, 20:24] = 2
    assert FlaggerAnalysis().stops_at(scene) is None
    scene.minutes["throttled"][CANARY, 300] = 6
    assert FlaggerAnalysis().stops_at(scene) == Stop(302.0, "throttled")


def test_flagger_takes_silence_for_a_failed_check() -> None:
    """Ten minutes without a request roll back."""
    scene = calm()
    scene.minutes["requests"][CANARY, 40:50] = 0
    assert FlaggerAnalysis().stops_at(scene) == Stop(51.0, "requests")


@pytest.mark.parametrize("strategy", peers(), ids=lambda each: each.name)
def test_a_laxer_threshold_never_stops_a_release_earlier(strategy: RatioAlarms) -> None:
    """Tuning by one factor moves each strategy one way only."""
    faults = ({}, {"errors": 0.03}, {"completion": 0.74}, {"hallucinated": 0.05})
    for seed, fault in enumerate(faults):
        scene = telemetry(seed, days=3, daily=60_000, fault=fault, fault_minute=900)
        stops = [strategy.scaled(factor).stops_at(scene) for factor in (0.5, 1, 1.5, 2.5, 5, 100)]
        minutes = [stop.minute if stop else np.inf for stop in stops]
        assert minutes == sorted(minutes)


@pytest.mark.parametrize("strategy", peers(), ids=lambda each: each.name)
def test_a_strategy_says_what_it_follows_and_what_it_reads(strategy: RatioAlarms) -> None:
    """A public page, one sentence, and metrics of A10 only."""
    assert strategy.page.startswith("https://")
    assert strategy.describe.endswith(".")
    assert strategy.reads <= set(METRICS)


@pytest.mark.parametrize("strategy", peers(), ids=lambda each: each.name)
def test_one_metric_s_threshold_moves_alone(strategy: RatioAlarms) -> None:
    """Watching one metric stops where that metric would; a lax threshold takes it out."""
    scene = telemetry(3, days=2, fault={"errors": 0.1}, fault_minute=600)
    if "error" not in strategy.reads:
        return
    others = strategy.scaled(128)
    for name in strategy.reads:
        alone = strategy.only(name)
        assert alone.reads == {name}
        relaxed = others.scaled(1 / 128, name)
        assert relaxed.stops_at(scene) == alone.stops_at(scene)
    assert strategy.only("error").stops_at(scene) is not None
    assert strategy.only("error").scaled(128, "error").stops_at(scene) is None


def test_names_are_those_of_different_strategies() -> None:
    """Rows are told apart by name."""
    names = [strategy.name for strategy in peers()]
    assert len(set(names)) == len(names) == 6


def test_an_outcome_that_a_strategy_does_not_read_never_stops_it() -> None:
    """Whatever completion does, a strategy without it in `reads` stops as before."""
    healthy = telemetry(2, days=4)
    ill = telemetry(2, days=4, fault={"completion": 0.2}, fault_minute=0)
    blind = [strategy for strategy in peers() if "completion" not in strategy.reads]
    assert blind
    for strategy in blind:
        assert strategy.stops_at(ill) == strategy.stops_at(_with_hours(healthy, ill))


def _with_hours(minutes: Telemetry, hours: Telemetry) -> Telemetry:
    return Telemetry(hours.minutes, minutes.hours, hours.share, hours.fault_minute)
