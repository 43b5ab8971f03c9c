"""The Kayenta-style judge: when a metric is High, and what a run's score does."""

from __future__ import annotations

import numpy as np
import pytest

from canary.simulation.peers.kayenta import KayentaJudge
from canary.simulation.peers.rank_judgement import high_hours, is_high, mean_ratio
from canary.simulation.peers.strategy import Stop
from canary.simulation.telemetry import CANARY
from canary.statistics.ranks import hodges_lehmann
from tests.canary.simulation.synthetic import calm, telemetry

JUDGE = {"confidence": 0.98, "tolerance": 0.25}


def test_high_is_the_rank_interval_beyond_the_tolerance() -> None:
    """Without ties it agrees with Hodges and Lehmann's interval, but for the half of a rank."""
    rng = np.random.default_rng(5)
    agreed = 0
    for _ in range(400):
        control, canary = rng.normal(0.10, 0.01, 60), rng.normal(0.105, 0.01, 60)
        shift = hodges_lehmann(np.sort(control), np.sort(canary), 0.98, "asymptotic")
        agreed += is_high(control, canary, **JUDGE) == (shift.lower > 0.25 * abs(shift.estimate))
    assert agreed >= 396


def test_equal_arms_are_high_as_rarely_as_the_confidence_says() -> None:
    """One-sided 1% without a tolerance; 4,000 hours give .0100 +- .0047 (three errors)."""
    rng = np.random.default_rng(6)
    control, canary = rng.normal(0.1, 0.01, (2, 4000, 60))
    high = high_hours(control, canary, confidence=0.98, tolerance=0.0, allowed_ratio=0.0)
    assert high.mean() == pytest.approx(0.01, abs=0.0047)


@pytest.mark.parametrize("zeros", [0.0, 0.3, 0.7])
def test_the_screening_loses_no_hour(zeros: float) -> None:
    """Hours judged together and one by one are the same, ties and missing minutes included."""
    rng = np.random.default_rng(7)
    control, canary = rng.poisson(3, (2, 600, 60)) / 100 * (rng.random((2, 600, 60)) >= zeros)
    canary = canary + rng.integers(0, 3, (600, 1)) / 100
    control[rng.random(control.shape) < 0.1] = np.nan
    canary[rng.random(canary.shape) < 0.1] = np.nan
    together = high_hours(control, canary, **JUDGE, allowed_ratio=1.0)
    one_by_one = [
        bool(ratio >= 1) and is_high(x[~np.isnan(x)], y[~np.isnan(y)], **JUDGE)
        for x, y, ratio in zip(control, canary, mean_ratio(control, canary), strict=True)
    ]
    assert together.tolist() == one_by_one
    assert 0 < together.sum() < 600


def test_a_ratio_below_the_allowed_one_is_not_high() -> None:
    """A shift of a half is significant, and passes where twice is allowed."""
    rng = np.random.default_rng(8)
    control = rng.normal(0.1, 0.005, (3, 60))
    series = (control, control * 1.5)
    assert high_hours(*series, **JUDGE, allowed_ratio=1.0).all()
    assert not high_hours(*series, **JUDGE, allowed_ratio=2.0).any()


def test_a_control_without_events_has_no_ratio_to_allow() -> None:
    """With a mean of zero the effect size is unknown, and significance alone decides."""
    rng = np.random.default_rng(9)
    control, canary = np.zeros((1, 60)), rng.uniform(0.01, 0.02, (1, 60))
    assert np.isnan(mean_ratio(control, canary)).all()
    assert high_hours(control, canary, **JUDGE, allowed_ratio=50.0).all()


def test_a_critical_metric_fails_the_run_at_its_hour_s_end() -> None:
    """Errors of 5% from minute 600 are found by the run that ends at 660."""
    scene = telemetry(1, days=1, fault={"errors": 0.05}, fault_minute=600)
    assert KayentaJudge().stops_at(scene) == Stop(660.0, "error")


def test_another_metric_waits_for_the_last_of_three_runs() -> None:
    """Hallucinations alone leave 75: marginal, until the third run asks for 95."""
    scene = telemetry(1, days=1, fault={"hallucinated": 0.30}, fault_minute=180)
    assert KayentaJudge().stops_at(scene) == Stop(360.0, "hallucination")
    assert KayentaJudge(critical=("hallucination",)).stops_at(scene) == Stop(240.0, "hallucination")


def test_half_the_metrics_without_data_fail_a_run() -> None:
    """An hour without a canary request leaves no metric with data."""
    scene = calm()
    assert KayentaJudge().stops_at(scene) is None
    for name in ("requests", "checked"):
        scene.minutes[name][CANARY, 120:180] = 0
    assert KayentaJudge().stops_at(scene) == Stop(180.0, "no data")
