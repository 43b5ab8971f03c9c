"""A simulated release ends as one that takes every look, and as its world says it should."""

from __future__ import annotations

from dataclasses import replace

import pytest

from canary.simulation.release import simulate
from canary.simulation.study import run
from canary.statistics.intervals import wilson
from tests.canary.simulation.settings import made, named


@pytest.mark.parametrize(
    ("world", "releases"),
    [
        ("null", 2),
        ("same", 2),
        ("better", 2),
        ("worse", 4),
        ("weekend", 2),
        ("small_region", 2),
        ("shared_incident", 2),
        ("at_margin_completion", 2),
        ("fault_errors", 4),
        ("fault_hallucination", 2),
    ],
)
def test_leaving_out_looks_that_say_nothing_changes_no_release(world: str, releases: int) -> None:
    """Each release ends alike, at the same second, as with a look every half hour.

    Only the words differ: what is unresolved and could not have stopped the release is not named.
    """
    for number in range(releases):
        few = simulate(named(world), number)
        every = simulate(named(world), number, every_poll=True)
        assert few.looks <= every.looks
        assert replace(few, looks=0, detail="") == replace(every, looks=0, detail="")


def test_a_study_depends_on_its_seed_and_not_on_its_workers() -> None:
    """The same releases from one process and from two; others from another seed."""
    one = run(named("fault_errors"), 45, workers=1)
    assert one == run(named("fault_errors"), 45, workers=2)
    assert one != run(named("fault_errors", 4), 45, workers=1)
    assert [ending.number for ending in one] == list(range(45))


def test_a_better_candidate_is_promoted_after_its_test_and_not_before() -> None:
    """Benefit is decided once, on day 14."""
    endings = run(named("better"), 12, workers=2)
    promoted = [each for each in endings if each.outcome == "promote"]
    assert len(promoted) >= 11
    assert {each.at for each in promoted} == {14 * 86_400.0}
    assert all(len(each.shifts) == 3 for each in promoted)


def test_a_worse_candidate_is_rejected_within_days() -> None:
    """By the harm sequence, as a rule on the first day."""
    endings = run(named("worse"), 20, workers=2)
    assert {(each.outcome, each.cause) for each in endings} == {("reject", "harm_sequence")}
    assert sorted(each.at for each in endings)[10] < 24 * 3600


def test_a_candidate_like_the_control_is_neither_promoted_nor_stopped() -> None:
    """Its releases are held for a person at the test's end."""
    endings = run(named("null"), 20, workers=2)
    assert {each.outcome for each in endings} == {"hold"}


@pytest.mark.parametrize(
    ("world", "cause"),
    [
        ("fault_outage", "critical_alarm"),
        ("fault_slow", "critical_alarm"),
        ("fault_throttled", "critical_alarm"),
        ("fault_hallucination", "escalated"),
        ("fault_csat", "escalated"),
        ("fault_completion", "harm_sequence"),
    ],
)
def test_each_fault_is_found_after_its_onset_by_what_watches_for_it(world: str, cause: str) -> None:
    """None is found before it is there."""
    endings = [simulate(named(world), number) for number in range(3)]
    onset = named(world).world.onset
    assert onset is not None
    assert {each.cause for each in endings} == {cause}
    assert all(each.at > onset for each in endings)
    assert all(each.exposed > 0 for each in endings)


def test_a_short_incident_of_both_arms_pauses_and_no_more() -> None:
    """Two incidents: no release is stopped for its candidate's sake."""
    endings = run(named("shared_incident"), 12, workers=2)
    assert not [each for each in endings if each.outcome in ("rollback", "reject")]


def test_an_incident_that_lasts_takes_traffic_off_and_is_no_fault_of_the_candidate() -> None:
    """Both arms ill for half an hour: rolled back, and the cause says shared."""
    fault = {"arms": "both", "after": "2h", "lasts": "30m", "error": 0.5}
    setting = made(faults=[fault])
    endings = [simulate(setting, number) for number in range(4)]
    assert {(each.outcome, each.cause) for each in endings} == {("rollback", "shared")}


def test_the_sample_ratio_is_as_asked_and_a_release_is_not_held_for_it() -> None:
    """In 60 releases of the cheapest world the check is silent."""
    endings = run(named("worse"), 60, workers=2)
    held = sum("sizes" in each.detail for each in endings)
    assert wilson(held, 60, 1.96).lower <= 0.0005
