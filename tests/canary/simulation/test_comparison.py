"""A comparison: the same telemetry for all, shares that add up, delays by pairs."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import pytest

from canary.simulation.comparison import Comparison, OurRelease, compare
from canary.simulation.comparison_rows import Row
from canary.simulation.comparison_table import markdown
from canary.simulation.peers.catalogue import peers
from canary.simulation.peers.ratio_alarms import RatioAlarms
from canary.simulation.peers.z_test import RepeatedZTest
from canary.simulation.telemetry import CANARY, Telemetry
from canary.statistics.intervals import wilson
from tests.canary.simulation.synthetic import calm, telemetry

ONSET = 600.0


def _scene(world: str, seed: int) -> Telemetry:
    """Healthy ones have `seed` errors in a minute; broken ones 30 in each from the onset on."""
    scene = calm()
    if world == "null":
        scene.minutes["errors"][CANARY, 30] = seed
        return scene
    scene.minutes["errors"][CANARY, int(ONSET) + seed :] = 30
    return Telemetry(scene.minutes, scene.hours, scene.share, ONSET)


def _by(comparison: Comparison) -> Mapping[tuple[str, str, str], Row]:
    return {(row.world, row.strategy, row.thresholds): row for row in comparison.rows}


def _compared() -> Comparison:
    """Ours stops one of five healthy releases, and the broken ones 10, 20, 30, 40 min late."""
    ours = [OurRelease("null", seed, 100.0 if seed == 4 else None) for seed in range(5)]
    ours += [OurRelease("broken", k, ONSET + 10 * (k + 1)) for k in range(4)]
    return compare(
        ours,
        _scene,
        [RatioAlarms(), RepeatedZTest()],
        range(40, 50),
        turns_per_conversation=4,
        metrics={"broken": "error"},
    )


def test_thresholds_are_tuned_to_our_own_false_stops_on_other_seeds() -> None:
    """One of five: with 40 to 49 errors in 500 the two worst of ten lie above 47 / 10."""
    comparison = _compared()
    tuning = comparison.tunings["raw_ratio"].together
    assert tuning.target == pytest.approx(0.2)
    assert tuning.factors["error"] == pytest.approx(4.7, rel=0.01)


def test_shares_are_those_of_the_stops_with_their_intervals() -> None:
    """No healthy release has more than 4 errors, so none is stopped; ours stopped one of five."""
    rows = _by(_compared())
    assert rows["null", "raw_ratio", "default"].stopped == wilson(0, 5, 1.959963984540054)
    assert rows["null", "ours", "policy"].stopped == wilson(1, 5, 1.959963984540054)
    broken = rows["broken", "raw_ratio", "default"]
    assert broken.stopped.estimate == 1
    assert broken.undetected is not None
    assert broken.undetected.estimate == 0


def test_delays_are_paired_release_by_release() -> None:
    """The alarm needs 1 min after 0 to 3; ours 10 to 40: paired differences -9, -18, -27, -36."""
    delay = _by(_compared())["broken", "raw_ratio", "default"].delay
    assert delay is not None
    assert (delay.pairs, delay.median, delay.p95) == (4, 2.0, 4.0)
    assert (delay.ours_median, delay.ours_p95) == (20.0, 40.0)
    assert delay.median_difference == pytest.approx(-22.5)


def test_harm_is_counted_in_conversations_from_onset_to_stop() -> None:
    """A hundred turns a minute are 25 conversations: 1 to 4 minutes mean 62.5, ours 625."""
    row = _by(_compared())["broken", "raw_ratio", "default"]
    assert row.harmed == pytest.approx(62.5)
    assert row.ours_harmed == pytest.approx(625)


def test_what_is_never_found_is_neither_averaged_nor_forgotten() -> None:
    """The z test sees no errors: undetected, no delay, harm to the end, and no claim."""
    row = _by(_compared())["broken", "repeated_z", "default"]
    assert not row.claims
    assert row.undetected is not None
    assert row.undetected.estimate == 1
    assert row.delay is not None
    assert row.delay.median is None
    assert row.delay.median_difference is None
    assert row.harmed == pytest.approx((1440 - ONSET) * 25)


def test_a_stop_before_the_fault_is_no_detection() -> None:
    """Six errors a minute at minute 100 stop the alarm early: no pair, no delay, no harm."""

    def early(world: str, seed: int) -> Telemetry:
        scene = _scene(world, seed)
        scene.minutes["errors"][CANARY, 100:110] = 6
        return scene

    comparison = compare(
        [OurRelease("broken", 0, ONSET + 10)],
        early,
        [RatioAlarms()],
        [0, 1],
        turns_per_conversation=4,
        target=0.0,
    )
    row = _by(comparison)["broken", "raw_ratio", "default"]
    assert row.early is not None
    assert row.early.estimate == 1
    assert row.delay is not None
    assert row.delay.pairs == 0
    assert row.harmed is None


def test_a_candidate_that_is_worse_all_along_is_ill_from_the_first_exposure() -> None:
    """A world named in `metrics` has its onset at 0; every stop is a detection."""

    def worse(world: str, seed: int) -> Telemetry:
        scene = _scene("null", seed)
        if world == "worse":
            scene.minutes["errors"][CANARY] = 30
        return scene

    comparison = compare(
        [OurRelease("worse", 0, 60.0)],
        worse,
        [RatioAlarms()],
        [0, 1],
        turns_per_conversation=4,
        metrics={"worse": "error"},
        target=0.0,
    )
    row = _by(comparison)["worse", "raw_ratio", "default"]
    assert row.delay is not None
    assert (row.delay.median, row.delay.ours_median) == (5.0, 60.0)
    assert row.harmed == pytest.approx(5 * 25)


def test_seeds_that_are_judged_are_not_tuned_on() -> None:
    """Tuning on the releases that one is judged by would flatter the peer."""
    ours = [OurRelease("null", seed, None) for seed in range(3)]
    with pytest.raises(ValueError, match=r"tuning_seeds: \[2\]"):
        compare(ours, _scene, peers(), [2, 7], turns_per_conversation=4)


def test_without_healthy_releases_of_ours_the_target_must_be_said() -> None:
    """Nothing else gives a rate to be equal to."""
    with pytest.raises(ValueError, match="target"):
        compare([OurRelease("broken", 0, 1.0)], _scene, peers(), [7], turns_per_conversation=4)


def test_rows_are_plain_json() -> None:
    """No infinity, no NaN, no numpy number."""
    document = _compared().as_json()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert len(document["rows"]) == 2 * (1 + 3 + 2)
    assert document["strategies"]["raw_ratio"]["tuning"]["together"]["reached"] is True
    assert document["strategies"]["repeated_z"]["tuning"]["by_metric"] is None


def test_the_markdown_holds_every_row_and_says_who_does_not_claim() -> None:
    """Healthy worlds in one table, faults in the other."""
    text = markdown(_compared())
    table_rows = [line for line in text.splitlines() if line.startswith(("| null", "| broken"))]
    assert len(table_rows) == 12
    assert sum("(-)" in line for line in table_rows) == 2
    assert (
        "| broken | raw_ratio | default | 0.0% | 0.0% | 2 min | 4 min | 20 min | 40 min |" in text
    )
    assert "tuned, x 4.7" in text


def test_the_peers_find_a_hard_fault_in_real_traffic() -> None:
    """Errors of 30% at 5% of 300,000 conversations a day: all that claim errors find it in 2 h."""
    fault = {"errors": 0.30}

    def release(world: str, seed: int) -> Telemetry:
        if world == "null":
            return telemetry(seed, days=2)
        return telemetry(seed, days=2, fault=fault, fault_minute=120)

    ours = [OurRelease("errors", seed, 123.0) for seed in range(3)]
    comparison = compare(
        ours,
        release,
        peers(),
        range(100, 110),
        turns_per_conversation=4,
        metrics={"errors": "error"},
        target=0.0,
    )
    tuned = [row for row in comparison.rows if "tuned" in row.thresholds and row.claims]
    assert {row.strategy for row in tuned} == {each.name for each in peers()} - {"repeated_z"}
    assert len(tuned) == 10
    for row in tuned:
        assert row.delay is not None
        assert row.delay.p95 is not None
        assert row.delay.p95 <= 120
        assert all(np.isfinite(factor) for factor in row.factors.values())
