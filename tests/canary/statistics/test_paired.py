"""Two models on the same prompts: McNemar's test and the paired bootstrap."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats import contingency_tables

from canary.statistics.mcnemar import PairedCounts, mcnemar, paired_counts
from canary.statistics.paired_bootstrap import paired_bootstrap

COUNT = st.integers(min_value=0, max_value=400)


@given(both=COUNT, control=COUNT, canary=COUNT, neither=COUNT)
def test_mcnemar_agrees_with_statsmodels(
    both: int, control: int, canary: int, neither: int
) -> None:
    """Exact and asymptotic p-values are statsmodels', on any table with a discordant pair."""
    if control + canary == 0:
        return
    ours = mcnemar(PairedCounts(both, control, canary, neither))
    table = [[both, control], [canary, neither]]
    exact = contingency_tables.mcnemar(table, exact=True)
    asymptotic = contingency_tables.mcnemar(table, exact=False, correction=False)
    assert ours.p_exact == pytest.approx(exact.pvalue, rel=1e-9, abs=1e-300)
    assert ours.p_chi_square == pytest.approx(asymptotic.pvalue, rel=1e-9, abs=1e-300)


@given(control=COUNT, canary=COUNT)
def test_mid_p_lies_between_half_the_exact_p_and_the_exact_p(control: int, canary: int) -> None:
    """The mid-p drops half of the observed table's probability from either tail, no more."""
    result = mcnemar(PairedCounts(10, control, canary, 10))
    assert result.p_exact / 2 <= result.p_mid * (1 + 1e-12)
    assert result.p_mid <= result.p_exact


def test_mcnemar_on_a_published_table() -> None:
    """Fagerland, Lydersen and Laake's example, 1 and 7 of 21 pairs: exact .0703, mid .0391."""
    result = mcnemar(PairedCounts(both=1, control_only=1, canary_only=7, neither=12))
    assert result.p_exact == pytest.approx(0.0703, abs=5e-5)
    assert result.p_mid == pytest.approx(0.0391, abs=5e-5)
    assert result.p_chi_square == pytest.approx(0.0339, abs=5e-5)


def test_mcnemar_when_the_models_never_part_then_says_that_it_knows_nothing() -> None:
    """Without a discordant pair p is 1 and the result is marked uninformative, never NaN."""
    result = mcnemar(PairedCounts(40, 0, 0, 3))
    assert (result.p_exact, result.p_mid, result.p_chi_square) == (1.0, 1.0, 1.0)
    assert not result.informative
    assert result.difference.lower < 0 < result.difference.upper


def test_interval_of_the_difference_covers_at_its_level() -> None:
    """Bonett and Price's 95% interval covers .94 to .98 over prompts drawn from known shares."""
    rng = np.random.default_rng(5)
    for shares in ((0.75, 0.08, 0.04, 0.13), (0.9, 0.03, 0.03, 0.04), (0.5, 0.1, 0.3, 0.1)):
        truth = shares[2] - shares[1]
        covered = 0
        for a, b, c, d in rng.multinomial(150, shares, size=2000):
            interval = mcnemar(PairedCounts(int(a), int(b), int(c), int(d))).difference
            covered += interval.lower <= truth <= interval.upper
        assert 0.94 <= covered / 2000 <= 0.98


def test_swapping_the_arms_mirrors_the_result() -> None:
    """Which model is called canary changes signs and nothing else."""
    one = mcnemar(PairedCounts(50, 9, 21, 20))
    other = mcnemar(PairedCounts(50, 21, 9, 20))
    assert one.p_exact == other.p_exact
    assert one.difference.lower == pytest.approx(-other.difference.upper)


def test_paired_counts_sorts_prompts_into_four() -> None:
    """Each prompt is in exactly one of the four cells."""
    counts = paired_counts([1, 1, 0, 0, 1], [1, 0, 1, 0, 1])
    assert counts == PairedCounts(both=2, control_only=1, canary_only=1, neither=1)


@pytest.mark.parametrize(
    ("control", "canary", "named"),
    [([1, 0], [1], "control, canary"), ([], [], "control, canary"), ([1, 2], [0, 1], "control")],
)
def test_paired_counts_refuses_what_is_no_list_of_pairs(
    control: list[int], canary: list[int], named: str
) -> None:
    """Unequal, empty or non-binary lists are refused by the argument's name."""
    with pytest.raises(ValueError, match=named):
        paired_counts(control, canary)


@pytest.mark.parametrize(
    "counts", [PairedCounts(0, 0, 0, 0), PairedCounts(-1, 2, 2, 2), PairedCounts(1, 0.5, 1, 1)]
)
def test_mcnemar_refuses_impossible_counts(counts: PairedCounts) -> None:
    """No prompts, negative and broken counts raise instead of giving a p-value."""
    with pytest.raises(ValueError, match=r"counts|both|control_only"):
        mcnemar(counts)


def test_bootstrap_agrees_with_scipy() -> None:
    """BCa bounds are scipy's to within the noise of the resamples, on skewed scores."""
    rng = np.random.default_rng(1)
    control = rng.beta(6, 2, size=80)
    canary = np.clip(control + rng.exponential(0.05, size=80) - 0.03, 0, 1)
    ours = paired_bootstrap(control, canary, np.random.default_rng(2), resamples=20_000)
    theirs = scipy.stats.bootstrap(
        (control, canary),
        lambda a, b, axis=-1: (b - a).mean(axis=axis),
        paired=True,
        method="BCa",
        n_resamples=20_000,
        rng=np.random.default_rng(3),
    )
    noise = 0.06 * ours.standard_error
    assert ours.lower == pytest.approx(theirs.confidence_interval.low, abs=noise)
    assert ours.upper == pytest.approx(theirs.confidence_interval.high, abs=noise)
    assert ours.standard_error == pytest.approx(theirs.standard_error, rel=0.03)


def test_bootstrap_covers_at_its_level() -> None:
    """The 95% interval of 60 pairs of right and wrong answers covers at least .91 of the time."""
    rng = np.random.default_rng(4)
    covered = 0
    for _ in range(400):
        cell = rng.choice(4, size=60, p=[0.7, 0.08, 0.12, 0.1])
        result = paired_bootstrap(np.isin(cell, (0, 1)), np.isin(cell, (0, 2)), rng, resamples=800)
        covered += result.lower <= 0.04 <= result.upper
    assert 0.91 <= covered / 400 <= 0.985


def test_bootstrap_of_units_is_wider_where_their_pairs_move_together() -> None:
    """Eight like prompts a conversation carry little more than one: the error grows with them."""
    rng = np.random.default_rng(6)
    units = np.repeat(np.arange(40), 8)
    canary = np.repeat(rng.normal(size=40), 8)
    alone = paired_bootstrap(np.zeros(320), canary, np.random.default_rng(7), resamples=1000)
    whole = paired_bootstrap(
        np.zeros(320), canary, np.random.default_rng(7), units=units, resamples=1000
    )
    assert whole.difference == pytest.approx(alone.difference)
    assert whole.standard_error == pytest.approx(alone.standard_error * 8**0.5, rel=0.15)


def test_bootstrap_is_the_same_for_the_same_seed() -> None:
    """Nothing but the generator that is passed in decides the resamples."""
    control, canary = np.arange(30.0), np.arange(30.0) ** 1.1
    first = paired_bootstrap(control, canary, np.random.default_rng(8), resamples=500)
    assert first == paired_bootstrap(control, canary, np.random.default_rng(8), resamples=500)


def test_bootstrap_when_all_pairs_differ_alike_then_is_a_point_and_says_so() -> None:
    """No spread is no evidence: the interval is a point marked uninformative, without NaN."""
    result = paired_bootstrap([0.0, 1.0, 2.0], [0.5, 1.5, 2.5], np.random.default_rng(9))
    assert (result.lower, result.difference, result.upper) == (0.5, 0.5, 0.5)
    assert not result.informative


@pytest.mark.parametrize(
    ("control", "canary", "options", "named"),
    [
        ([1.0], [1.0], {}, "units"),
        ([1.0, 2.0], [1.0], {}, "control, canary"),
        ([1.0, float("nan")], [1.0, 2.0], {}, "control"),
        ([1.0, 2.0], [1.0, 3.0], {"units": [1]}, "units"),
        ([1.0, 2.0], [1.0, 3.0], {"resamples": 10}, "resamples"),
        ([1.0, 2.0], [1.0, 3.0], {"confidence": 1.0}, "confidence"),
    ],
)
def test_bootstrap_refuses_what_it_cannot_answer(
    control: list[float], canary: list[float], options: dict[str, object], named: str
) -> None:
    """Bad input raises and names the argument."""
    with pytest.raises(ValueError, match=named):
        paired_bootstrap(control, canary, np.random.default_rng(1), **options)  # type: ignore[arg-type]
