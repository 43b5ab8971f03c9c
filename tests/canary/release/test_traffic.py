"""Which weights a record allows."""

from __future__ import annotations

from dataclasses import replace

from canary.release import events
from canary.release.traffic import allowed_forms
from canary.routing.weights import ALL_ON_CANARY, ALL_ON_PRIMARY, TrafficForm
from tests.canary.release.test_machine import BAKING, PROMOTE, SOAKING, UP, after
from tests.canary.samples import policy, release


def test_before_the_first_stage_only_the_primary_serves() -> None:
    """The candidate is loaded without traffic."""
    assert allowed_forms(release()) == (ALL_ON_PRIMARY,)


def test_a_shift_under_way_allows_both_ends_and_repairs_to_the_one_in_force() -> None:
    """A crashed shift falls back, never forward."""
    alb = release(policy(routing="alb"))
    state = after(UP[:4], alb)
    assert allowed_forms(state) == (TrafficForm(0, 100, 5), TrafficForm(0, 100, 25))


def test_a_promotions_shift_allows_both_ends() -> None:
    """Rules move while the record says SHIFTING."""
    state = after(PROMOTE[:3], BAKING)
    assert allowed_forms(state) == (TrafficForm(0, 100, 0), ALL_ON_CANARY)
    assert allowed_forms(SOAKING) == (ALL_ON_CANARY,)


def test_past_the_point_of_no_return_only_the_safe_arm_serves() -> None:
    """The canary, until the primary has been replaced."""
    promoting = after(PROMOTE[:5], BAKING)
    assert allowed_forms(promoting) == (ALL_ON_CANARY,)
    assert allowed_forms(after((events.PrimaryReplaced(14),), promoting)) == (ALL_ON_PRIMARY,)


def test_a_revoked_release_allows_nothing_but_the_safe_arm() -> None:
    """Whatever stage it was at."""
    assert allowed_forms(replace(BAKING, revoked=True)) == (ALL_ON_PRIMARY,)
