"""Many tests: adjusted p-values, and levels for tests that come one after another."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.statistics.alpha_investing import AlphaInvesting, invest
from canary.statistics.heterogeneity import cochran_q, gail_simon
from canary.statistics.multiplicity import (
    benjamini_hochberg,
    benjamini_yekutieli,
    bonferroni,
    holm,
    rejected,
)
from canary.statistics.online_fdr import (
    OnlineLevels,
    addis,
    lond,
    lord_gamma,
    lord_plus_plus,
    saffron,
    saffron_gamma,
)

families = st.lists(st.floats(0, 1), max_size=20)
ONLINE = [lord_plus_plus, saffron, addis, lond]


@given(families, st.randoms(use_true_random=False))
def test_the_order_of_a_family_does_not_matter(p: list[float], chance: object) -> None:
    """Each p-value keeps its adjusted value wherever it stands."""
    order = list(range(len(p)))
    chance.shuffle(order)  # type: ignore[attr-defined]
    for adjust in (benjamini_hochberg, benjamini_yekutieli, holm, bonferroni):
        moved = adjust([p[index] for index in order])
        assert moved == pytest.approx(adjust(p)[order] if order else moved, abs=0)


@given(families)
def test_adjusted_values_are_ordered_between_the_methods(p: list[float]) -> None:
    """Raw <= BH <= Holm <= Bonferroni <= 1, BH <= BY, and order within the family stays."""
    bh, hl, bf = benjamini_hochberg(p), holm(p), bonferroni(p)
    rounding = 1e-12
    assert np.all(np.asarray(p) <= bh + rounding)
    assert np.all(bh <= hl + rounding)
    assert np.all(hl <= bf + rounding)
    assert np.all(bh <= benjamini_yekutieli(p) + rounding)
    ranks = np.argsort(p)
    assert np.all(np.diff(bh[ranks]) >= 0)


def test_families_side_by_side_are_adjusted_each_by_itself() -> None:
    """The last axis is the family."""
    p = np.random.default_rng(3).uniform(size=(50, 7))
    for adjust in (benjamini_hochberg, benjamini_yekutieli, holm, bonferroni):
        assert adjust(p) == pytest.approx(np.array([adjust(row) for row in p]), abs=0)


def test_step_up_rejects_what_comparing_rank_by_rank_misses() -> None:
    """Five p-values just under q are all rejected, though three miss their own rank's line."""
    p = [0.04, 0.045, 0.001, 0.048, 0.049]
    assert rejected(benjamini_hochberg(p), 0.05).all()
    by_rank = np.sort(p) <= 0.05 * np.arange(1, 6) / 5
    assert by_rank.sum() == 2


def test_shares_sum_to_at_most_one() -> None:
    """A million tests spend no more than there is."""
    j = range(1, 200_001)
    assert 0.9 < sum(map(saffron_gamma, j)) <= 1
    # LORD's tail is heavy: half of it lies beyond the first 200,000 tests.
    assert 0.4 < sum(map(lord_gamma, j)) <= 1


@pytest.mark.parametrize("method", ONLINE)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=25), st.floats(0, 1))
def test_a_level_knows_the_past_only(
    method: Callable[..., OnlineLevels], p: list[float], next_p: float
) -> None:
    """The next test's level is announced before its p-value, and never changes an earlier one."""
    before, after = method(p), method([*p, next_p])
    assert after.levels == pytest.approx([*before.levels, before.next_level], rel=1e-12)
    assert after.rejected[: len(p)] == before.rejected
    assert all(0 <= level <= 1 for level in after.levels)


@pytest.mark.parametrize("method", ONLINE)
def test_online_methods_keep_the_false_discovery_rate(
    method: Callable[..., OnlineLevels],
) -> None:
    """500 histories of 40 tests, 30% real: at most q of the rejections are false, on average."""
    source = np.random.default_rng(11)
    proportions = []
    found = 0
    for _ in range(500):
        real = source.uniform(size=40) < 0.3
        z = source.normal(np.where(real, 3.0, 0.0))
        p = np.array([0.5 * float(np.exp(np.log(2) + log_tail(x))) for x in z])
        hits = np.array(method(np.minimum(p, 1.0), 0.1).rejected)
        proportions.append((hits & ~real).sum() / max(1, hits.sum()))
        found += (hits & real).sum()
    assert np.mean(proportions) <= 0.1 + 3 * np.std(proportions) / np.sqrt(500)
    assert found > 500


def log_tail(x: float) -> float:
    """The logarithm of P(Z > x)."""
    from canary.statistics.normal import upper_tail

    return float(np.log(upper_tail(x)))


@given(st.lists(st.floats(0, 1), max_size=60))
def test_wealth_is_never_negative_and_rejections_pay(p: list[float]) -> None:
    """Foster and Stine: each failure costs level / (1 - level), each rejection earns .05."""
    run = invest(p)
    before = 0.05
    for level, hit, after in zip(run.levels, run.rejected, run.wealth, strict=True):
        assert after >= 0
        change = 0.05 if hit else -level / (1 - level)
        assert after == pytest.approx(before + change, abs=1e-12)
        before = after
    assert run.state.tests == len(p)


def test_the_first_levels_of_alpha_investing() -> None:
    """W0 = .05: a = W / (1 + j - j*), level a / (1 + a); a rejection starts the count anew."""
    start = AlphaInvesting(0.05)
    assert start.level() == pytest.approx(0.025 / 1.025)
    lost = start.settled(rejected=False)
    assert lost.wealth == pytest.approx(0.025)
    assert lost.level() == pytest.approx((0.025 / 3) / (1 + 0.025 / 3))
    won = lost.settled(rejected=True)
    assert (won.wealth, won.last_rejection) == (pytest.approx(0.075), 2)
    assert won.level() == pytest.approx(0.0375 / 1.0375)


effects = st.lists(st.floats(-1, 1), min_size=2, max_size=8)


@given(effects)
def test_gail_simon_asks_for_both_signs(d: list[float]) -> None:
    """Effects of one sign never speak for a change of sign; turning all signs changes nothing."""
    variances = [0.1] * len(d)
    found = gail_simon(d, variances)
    assert 0 <= found.p_value <= 1
    assert gail_simon([-x for x in d], variances).p_value == pytest.approx(found.p_value)
    assert gail_simon([abs(x) for x in d], variances).p_value == 1


def test_gail_simon_matches_the_published_example() -> None:
    """Gail and Simon 1985, table 1: the 5% points of min(Q+, Q-), at the table's rounding."""
    for strata, critical in ((2, 2.71), (3, 4.23), (4, 5.43), (5, 6.50), (6, 7.48), (7, 8.41)):
        d = [critical**0.5, -100.0] + [-100.0] * (strata - 2)
        assert gail_simon(d, [1.0] * strata).p_value == pytest.approx(0.05, abs=0.0003)


def test_day_of_week_checks_keep_their_level() -> None:
    """20,000 null weeks: Cochran's Q refuses 5%, Gail-Simon at .01 at most 1%.

    "Any day below 0" would fire nearly always.
    """
    d = np.random.default_rng(12).normal(size=(20_000, 7))
    q = cochran_q(d, 1.0)
    assert np.mean(q.p_value < 0.05) == pytest.approx(0.05, abs=0.005)
    assert np.mean(gail_simon(d, 1.0).p_value < 0.01) <= 0.012
    assert np.mean(np.any(d < 0, axis=1)) > 0.98
