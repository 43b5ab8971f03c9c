"""Thompson sampling with a floor learns; the reset rule leaves healthy arms alone."""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np
import pytest

from canary.bandits.guardrails import shifts
from canary.bandits.regret import floor_regret, thompson_regret, uniform_regret
from canary.bandits.tally import Week
from canary.statistics.ratio_metric import Totals, total
from tests.canary.bandits.logs import RULES

RATES = (0.70, 0.66, 0.66, 0.62)


@cache
def lives(rates: tuple[float, ...], batches: int, floor: float = 0.1) -> np.ndarray:
    return thompson_regret(
        rates,
        batches=batches,
        batch_size=500,
        lives=50,
        floor=floor,
        generator=np.random.default_rng(6),
    )


def test_regret_above_the_floors_grows_slower_than_the_root_of_time() -> None:
    """Sixteen times the decisions cost less than four times as much: it is sublinear."""
    regret = lives(RATES, 160).mean(axis=0)
    early, late = (regret[batch - 1] - floor_regret(RATES, batch * 500, 0.1) for batch in (10, 160))
    assert 0 < early < late < 4 * early


def test_the_last_half_costs_hardly_more_than_the_floor_and_far_less_than_uniform() -> None:
    """By then the best arm is known: within a tenth of the floor's price, below half of uniform."""
    regret = lives(RATES, 160).mean(axis=0)
    second_half = regret[-1] - regret[79]
    assert second_half < 1.1 * floor_regret(RATES, 80 * 500, 0.1)
    assert second_half < 0.5 * uniform_regret(RATES, 80 * 500)


def test_no_life_misses_more_than_uniform_would() -> None:
    """Of 50, over 80,000 decisions."""
    assert lives(RATES, 160)[:, -1].max() < uniform_regret(RATES, 80_000)


def test_without_a_floor_regret_all_but_stops() -> None:
    """What remains with a floor is the floor's: here the second half costs a tenth of it."""
    regret = lives(RATES, 160, floor=0.0).mean(axis=0)
    assert regret[-1] - regret[79] < 0.1 * floor_regret(RATES, 80 * 500, 0.1)


def test_equal_arms_cost_nothing() -> None:
    """There is nothing to miss."""
    assert np.all(lives((0.5, 0.5), 10) == 0)


def null_weeks(
    generator: np.random.Generator, weeks: int, *, decisions: int, arms: int = 4
) -> list[list[Week]]:
    """Weeks of arms that stay what they are, while days differ and the allocation wanders.

    An arm's rate is .70 or a little less; Saturday and Sunday bring 8 points less for all, and a
    week 3 points more or less; each day's probabilities are drawn anew above the floor.
    """
    rates = np.array([0.70, 0.69, 0.68, 0.65][:arms])
    days = np.array([0, 0, 0, 0, 0, -0.08, -0.08])
    found = []
    for _ in range(weeks):
        level = generator.uniform(-0.03, 0.03)
        tallies = [Week()] * arms
        for day in days:
            p = 0.1 + (1 - 0.1 * arms) * generator.dirichlet(np.ones(arms))
            drawn = generator.multinomial(decisions // 7, p)
            good = generator.binomial(drawn, rates + day + level)
            tallies = [
                Week(
                    tally.decisions + int(n),
                    total((tally.sums, Totals(n, n * w, y * w, n * w * w, y * w * w, y * w * w))),
                )
                for tally, n, y, w in zip(tallies, drawn, good, 1 / p, strict=True)
            ]
        found.append(tallies)
    return found


@pytest.mark.parametrize("decisions", [7_000, 70_000])
def test_weeks_without_a_change_reset_an_arm_in_less_than_half_a_percent(decisions: int) -> None:
    """Of 3,000 four-armed weeks at most 15, while two standard errors would reset one in six."""
    history = null_weeks(np.random.default_rng(9), 3_001, decisions=decisions)
    resets = judged = plain = 0
    for before, after in itertools.pairwise(history):
        found = [shift for shift in shifts(before, after, RULES) if shift is not None]
        judged += bool(found)
        resets += any(shift.reset for shift in found)
        plain += any(abs(shift.change) > 2 * shift.error for shift in found)
    assert judged > 2_000
    assert resets <= 0.005 * judged
    assert 0.10 < plain / judged < 0.20


def test_an_arm_that_loses_eight_points_is_reset_in_nearly_every_week() -> None:
    """The rule finds what it is for: 19 of 20 at 70,000 decisions a week."""
    rng = np.random.default_rng(10)
    pairs = zip(*(null_weeks(rng, 200, decisions=70_000) for _ in "ab"), strict=True)
    found = 0
    for before, after in pairs:
        worse = after[0]
        lost = 0.08 * worse.sums.n
        share = 1 - lost / worse.sums.y
        sums = worse.sums._replace(
            y=worse.sums.y * share, ny=worse.sums.ny * share, yy=worse.sums.yy * share
        )
        shift = shifts(before, [worse._replace(sums=sums), *after[1:]], RULES)[0]
        found += shift is not None and shift.reset
    assert found >= 190
