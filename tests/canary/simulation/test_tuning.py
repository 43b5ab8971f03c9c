"""Thresholds are moved until healthy releases are stopped as rarely as asked, and no further."""

from __future__ import annotations

import math

import numpy as np
import pytest

from canary.simulation.peers.catalogue import peers
from canary.simulation.peers.failure_limit import ArgoAnalysis, FlaggerAnalysis
from canary.simulation.peers.ratio_alarms import RatioAlarms
from canary.simulation.peers.z_test import RepeatedZTest
from canary.simulation.telemetry import CANARY, Telemetry
from canary.simulation.tuning import SMALLEST, critical_factor, tune, with_factors
from tests.canary.simulation.synthetic import calm, telemetry


def _errors(count: float) -> Telemetry:
    """A hundred requests a minute, and so many errors in one of them."""
    scene = calm()
    scene.minutes["errors"][CANARY, 30] = count
    return scene


def test_the_critical_factor_is_where_the_worst_window_meets_the_limit() -> None:
    """Forty errors in 500 requests are 8%, four times A10's 2%."""
    assert critical_factor(RatioAlarms(), _errors(40)) == pytest.approx(4, rel=0.01)


def test_a_release_without_events_needs_no_laxer_threshold() -> None:
    """The least factor searched lets it run."""
    assert critical_factor(RatioAlarms(), calm()) == SMALLEST


def test_silence_is_out_of_a_threshold_s_reach() -> None:
    """An analysis that ends for want of data ends at every factor."""
    scene = calm()
    for name in ("requests", "checked"):
        scene.minutes[name][CANARY, 100:200] = 0
    assert critical_factor(ArgoAnalysis(), scene) == math.inf


def test_the_tuned_factor_stops_exactly_the_share_allowed() -> None:
    """Releases with 10, 20, ... 100 errors at 20%: the two worst lie above the factor."""
    releases = [_errors(10.0 * (k + 1)) for k in range(10)]
    (tuned,) = tune([RatioAlarms()], lambda seed: releases[seed], range(10), 0.2)
    tuning = tuned.together
    assert set(tuning.factors) == RatioAlarms().reads
    assert tuning.factors["error"] == pytest.approx(8, rel=0.01)
    assert tuning.false_stop.estimate == pytest.approx(0.2)
    assert tuning.reached
    strategy = with_factors(RatioAlarms(), tuning.factors)
    stopped = [strategy.stops_at(each) is not None for each in releases]
    assert stopped == [False] * 8 + [True] * 2


def test_by_metric_a_noisy_metric_does_not_blunt_the_others() -> None:
    """Slow turns at 8% (eight times A10's 1%) and errors at 2.4%: eight times, and 1.2 times."""
    scene = _errors(12)
    scene.minutes["slow"][CANARY, 60] = 40
    (tuned,) = tune([RatioAlarms()], lambda _: scene, range(4), 0.0)
    assert tuned.together.factors["error"] == pytest.approx(8, rel=0.01)
    assert tuned.by_metric is not None
    assert tuned.by_metric.factors["slow"] == pytest.approx(8, rel=0.03)
    assert tuned.by_metric.factors["error"] == pytest.approx(1.2, rel=0.03)


def test_by_metric_failures_that_add_up_are_counted_together() -> None:
    """Nine failed checks of errors and nine of latency never stop alone, but ten of both do."""
    scene = calm()
    scene.minutes["errors"][CANARY, 10:19] = 30
    scene.minutes["slow"][CANARY, 40:49] = 30
    (tuned,) = tune([FlaggerAnalysis()], lambda _: scene, range(4), 0.0)
    assert tuned.by_metric is not None
    assert with_factors(FlaggerAnalysis(), tuned.by_metric.factors).stops_at(scene) is None


def test_a_strategy_of_one_metric_is_tuned_once() -> None:
    """The z test has nothing to weigh."""
    (tuned,) = tune([RepeatedZTest()], lambda seed: telemetry(seed, days=3), range(4), 0.0)
    assert tuned.by_metric is None


def test_what_cannot_be_reached_is_said() -> None:
    """Half of the releases are silent: no factor stops fewer, and the least that stops so few."""
    silent, noisy = calm(), _errors(40)
    for name in ("requests", "checked"):
        silent.minutes[name][CANARY, 100:200] = 0
    (tuned,) = tune([ArgoAnalysis()], lambda seed: (silent, noisy)[seed // 2 % 2], range(20), 0.01)
    assert tuned.by_metric is not None
    for tuning in (tuned.together, tuned.by_metric):
        assert not tuning.reached
        assert tuning.false_stop.estimate == pytest.approx(0.5)
        assert tuning.target == 0.01


def test_every_peer_can_be_tuned_on_healthy_traffic() -> None:
    """Eight healthy releases of four days: none is stopped at the tuned factors."""
    releases = {seed: telemetry(seed, days=4) for seed in range(8)}
    tunings = tune(peers(), releases.__getitem__, range(8), 0.0)
    for strategy, tuned in zip(peers(), tunings, strict=True):
        assert tuned.together.reached
        together = with_factors(strategy, tuned.together.factors)
        assert all(together.stops_at(release) is None for release in releases.values())
        if tuned.by_metric is not None:
            by_metric = with_factors(strategy, tuned.by_metric.factors)
            assert all(by_metric.stops_at(releases[seed]) is None for seed in (1, 3, 5, 7))


@pytest.mark.parametrize(
    ("seeds", "target", "named"),
    [((1,), 0.1, "seeds"), ((1, 2), 1.5, "target"), ((1, 2), np.nan, "target")],
)
def test_impossible_wishes_are_refused_by_name(
    seeds: tuple[int, ...], target: float, named: str
) -> None:
    """No release to tune on, or no rate."""
    with pytest.raises(ValueError, match=named):
        tune(peers(), telemetry, seeds, target)
