"""Resets by a week's shift, removals by quality."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.bandits.guardrails import quality_ceiling, shifts, too_poor
from canary.bandits.rules import Rules
from canary.bandits.tally import Moments, Week, Weighted
from tests.canary.bandits.logs import RULES


def week(successes: int, decisions: int) -> Week:
    """One decision a customer, all of one weight."""
    return Week().plus((Weighted(f"u{n}", n < successes, 2.0) for n in range(decisions)), ())


def test_a_shift_is_the_change_of_the_lead_over_the_others_mean() -> None:
    """Arm a rises by 6 points, the others stay: a's lead by 6, each other's falls by 3."""
    before = [week(700, 1_000), week(700, 1_000), week(700, 1_000)]
    after = [week(760, 1_000), week(700, 1_000), week(700, 1_000)]
    found = [shift for shift in shifts(before, after, RULES) if shift]
    assert [shift.change for shift in found] == pytest.approx([0.06, -0.03, -0.03])
    flat = 0.7 * 0.3 / 999
    own = flat + 0.76 * 0.24 / 999
    assert found[0].error == pytest.approx(math.sqrt(own + (flat * 4) / 4))


@pytest.mark.parametrize(
    ("after", "reset"),
    [(7_200, False), (7_300, True), (7_240, False), (6_700, True)],
    ids=["at two points", "three points", "within 3.5 errors", "down"],
)
def test_only_what_is_beyond_3_5_errors_and_2_points_resets(after: int, reset: bool) -> None:
    """Of 10,000 decisions the error of a two-armed lead is 0.92 points, so 3.5 of them are 3.2."""
    rules = Rules(shift_errors=2.9)
    steady = week(7_000, 10_000)
    first = shifts([steady, steady], [week(after, 10_000), steady], rules)[0]
    assert first is not None
    assert first.reset is reset


def test_a_sure_but_small_shift_resets_nothing() -> None:
    """At a million decisions a week everything is significant; two points are not a shift."""

    def big(rate: float) -> Week:
        return (
            Week()
            .plus((), ())
            ._replace(
                decisions=1_000_000,
                sums=week(1, 2).sums._replace(
                    units=1e6, n=1e6, y=rate * 1e6, nn=1e6, ny=rate * 1e6, yy=rate * 1e6
                ),
            )
        )

    small, large = (
        shifts([big(0.7), big(0.7)], [big(rate), big(0.7)], RULES)[0] for rate in (0.719, 0.721)
    )
    assert small is not None
    assert large is not None
    assert (small.reset, large.reset) == (False, True)


def test_what_lifts_all_arms_shifts_none() -> None:
    """A week of new volumes is no change of an arm."""
    found = shifts([week(600, 1_000)] * 3, [week(800, 1_000)] * 3, RULES)
    assert all(shift is not None and not shift.reset for shift in found)
    assert [shift.change for shift in found if shift] == pytest.approx([0, 0, 0], abs=1e-12)


def test_a_week_with_too_few_decisions_of_any_arm_is_not_judged() -> None:
    """499 in one of the four cells."""
    full, short = week(450, 500), week(10, 499)
    assert shifts([full, full], [full, short], RULES) == (None, None)
    assert shifts([full, short], [full, full], RULES) == (None, None)
    assert None not in shifts([full, full], [full, full], RULES)


def test_a_single_arm_has_no_others() -> None:
    """After removals."""
    assert shifts([week(1, 600)], [week(600, 600)], RULES) == (None,)


def test_a_weeks_rate_does_not_follow_the_allocation() -> None:
    """Drawn at .9 on a good day and at .1 on a bad one, an arm is worth the mean of both days."""
    good = [Weighted(f"g{n}", n < 720, 1 / 0.9) for n in range(900)]
    bad = [Weighted(f"b{n}", n < 40, 1 / 0.1) for n in range(100)]
    assert Week().plus(good + bad, ()).rate.estimate == pytest.approx((0.8 + 0.4) / 2)


def test_a_customer_who_comes_back_counts_once() -> None:
    """Ten decisions of ten customers are more than ten of one."""
    alone = Week().plus((Weighted(f"u{n}", n % 2 == 0, 1.0) for n in range(100)), ())
    pairs = Week().plus((Weighted(f"u{n // 4}", n // 4 % 2 == 0, 1.0) for n in range(100)), ())
    assert (pairs.sums.units, pairs.sums.n, pairs.sums.y) == (25, 100, 52)
    assert pairs.rate.variance == pytest.approx(4 * alone.rate.variance, rel=0.05)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=50))
def test_moments_give_the_mean_and_its_error(scores: list[float]) -> None:
    """As numpy does from the scores themselves."""
    found = Moments().plus(scores[:1]).plus(scores[1:])
    assert found.mean == pytest.approx(np.mean(scores))
    expected = np.std(scores, ddof=1) / math.sqrt(len(scores))
    assert found.error == pytest.approx(expected, abs=1e-8)


def alternating(mean: float, n: int) -> Moments:
    return Moments().plus(mean + 0.1 * (-1) ** index for index in range(n))


@pytest.mark.parametrize(
    ("mean", "n", "poor"),
    [
        (0.78, 200, True),
        (0.78, 198, False),
        (0.79, 200, False),
        (0.79, 2_000, True),
        (0.80, 99_000, False),
    ],
)
def test_an_arm_is_poor_only_when_its_upper_bound_is_below_the_floor(
    mean: float, n: int, poor: bool
) -> None:
    """The 99% bound lies 2.33 errors above the mean, here 1.6 points at 200 scores."""
    assert too_poor(alternating(mean, n), RULES) is poor


def test_the_ceiling_is_one_sided() -> None:
    """2.326 errors; infinite without scores enough."""
    scores = alternating(0.8, 400)
    assert quality_ceiling(scores, RULES) == pytest.approx(scores.mean + 2.326348 * scores.error)
    assert quality_ceiling(alternating(0.1, 100), RULES) == math.inf


@pytest.mark.parametrize(
    "changed",
    [
        {"floor": 0.3},
        {"floor": 0},
        {"floor": 0.12345},
        {"least_quality": 1},
        {"converged_below": 0},
        {"breadth": -1},
    ],
)
def test_rules_that_cannot_be_are_refused(changed: dict[str, float]) -> None:
    """Four arms cannot have three tenths each."""
    with pytest.raises(ValueError, match=next(iter(changed))):
        Rules(**changed)
