"""What is drawn has the rates that the world says, and the ramp's mix fools only the naive."""

from __future__ import annotations

import math

import numpy as np
import pytest

from canary.decision.pairs import pairs_of
from canary.simulation.draws import Purpose, generator
from canary.simulation.history import History
from canary.simulation.rates import Rates
from canary.simulation.streams import Stream, draw
from canary.simulation.telemetry import CANARY, CONTROL
from canary.statistics.score_process import score
from tests.canary.simulation.settings import made, named, own_policy

HOUR = 3600.0


def drawn(setting: object, stage: int, hours: int, start: float = 0.0, number: int = 0) -> Stream:
    """One stretch of a setting's release."""
    return draw(generator((3, number), Purpose.STREAM), rates_of(setting), stage, start, hours)


def rates_of(setting: object) -> Rates:
    """The true rates, from Monday at midnight on."""
    from canary.simulation.setting import Setting

    assert isinstance(setting, Setting)
    return Rates(setting.effective, setting.world, setting.weeks[0][0])


def test_shares_and_outcomes_are_the_worlds() -> None:
    """Over a week at 50%: volume, completion by arm, satisfaction, response, failing turns."""
    setting = made(candidate={"completion": 0.02, "csat": -0.05, "error": 0.004})
    week = drawn(setting, 3, 168)
    base = own_policy().baseline
    units, n, y, *_ = week.sums[("completed", "outcomes")].total(0, 168).sum(axis=2)
    assert n.sum() == pytest.approx(7 * base.daily_conversations, rel=0.01)
    assert units.sum() == pytest.approx(n.sum() / 1.5, rel=0.01)
    assert n[CANARY] == pytest.approx(n[CONTROL], rel=0.01)
    assert y / n == pytest.approx([0.78, 0.80], abs=0.003)
    _, surveys, csat, *_ = week.sums[("csat", "surveys")].total(0, 168).sum(axis=2)
    assert surveys / n == pytest.approx([0.1, 0.1], abs=0.002)
    assert csat / surveys == pytest.approx([3.2, 3.04], abs=0.02)
    failed = week.events.sum(axis=2) / week.trials.sum(axis=2)
    assert failed[0] == pytest.approx([0.002, 0.006], rel=0.03)


def test_a_customers_outcomes_hang_together() -> None:
    """The variance over customers is what the world's correlation makes it."""
    week = drawn(made(correlation=0.4, customers=[0.0, 1.0, 0.0]), 3, 168)
    units, n, y, nn, ny, yy = week.sums[("completed", "outcomes")].total(0, 168).sum(axis=(1, 2))
    rate = y / n
    variance = (yy - 2 * rate * ny + rate**2 * nn) / units
    assert variance == pytest.approx(2 * rate * (1 - rate) * 1.4, rel=0.02)


def test_bursts_spread_failing_turns_and_keep_their_mean() -> None:
    """Overdispersion widens the counts of windows in both arms alike."""
    calm, bursty = (drawn(made(overdispersion=o), 3, 336) for o in (0.0, 0.01))
    for stream in (calm, bursty):
        total = stream.events[0].sum() / stream.trials[0].sum()
        assert total == pytest.approx(0.002, rel=0.1)
    rates = [s.events[0] / s.trials[0] for s in (calm, bursty)]
    assert rates[1].var() > 3 * rates[0].var()
    assert np.corrcoef(rates[1])[0, 1] > 0.5


def test_stratified_intervals_cover_where_the_ramps_mix_fools_the_pooled_ones() -> None:
    """World simpson at 5 and 25%, no true effect: 95% against a pooled estimate's wreck.

    300 releases; the Monte Carlo error of a coverage of .95 is .0126.
    """
    setting = named("simpson")
    primary = "completion"
    stratified = pooled = 0
    for number in range(300):
        history = History(rates_of(setting), 0.0, (3, number))
        history.streams = [
            drawn(setting, 1, 20, number=number),
            drawn(setting, 2, 24, 20 * HOUR, number=1000 + number),
        ]
        metric = own_policy().metric(primary)
        pairs = pairs_of(history.window(metric, 0.0, 50 * HOUR), primary)
        found = score(pairs)
        stratified += abs(found.estimate) <= 1.96 * math.sqrt(found.v) / found.w
        sums = sum(
            each.sums[("completed", "outcomes")].total(0, each.hours).sum(axis=2)
            for each in history.streams
        )
        _, n, y, nn, ny, yy = sums
        rate = y / n
        error = math.sqrt(((yy - 2 * rate * ny + rate**2 * nn) / n**2).sum())
        pooled += abs(rate[CANARY] - rate[CONTROL]) <= 1.96 * error
    assert abs(stratified / 300 - 0.95) < 3 * 0.0126
    assert pooled / 300 < 0.05
