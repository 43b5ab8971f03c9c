"""What cannot be is refused by name; what says nothing is said to; nothing is NaN."""

from __future__ import annotations

import copy
import json
import math
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from canary.statistics import (
    alpha_investing,
    always_valid,
    clustered_ratio,
    difference_intervals,
    duration,
    exact_test,
    group_sequential,
    heterogeneity,
    mantel_haenszel,
    means,
    miettinen_nurminen,
    multiplicity,
    normal,
    novelty,
    odds,
    online_fdr,
    quantile_difference,
    ranks,
    sample_ratio,
    sample_size,
    sample_size_t,
    spending,
    stagewise,
    two_proportions,
)
from canary.statistics.strata import Strata
from tests.gold_adapter import evaluate

NAN = math.nan
TWO_ARMS: list[Callable[..., Any]] = [
    two_proportions.score_test,
    difference_intervals.newcombe,
    difference_intervals.agresti_caffo,
    difference_intervals.wald,
    miettinen_nurminen.miettinen_nurminen,
    exact_test.fisher_two_sided,
]
IMPOSSIBLE = [
    ((-1, 10, 5, 10), "x_control"),
    ((11, 10, 5, 10), "x_control"),
    ((NAN, 10, 5, 10), "x_control"),
    ((5, 0, 5, 10), "n_control"),
    ((5, math.inf, 5, 10), "n_control"),
    ((5, 10, 11, 10), "x_canary"),
    ((5, 10, -0.1, 10), "x_canary"),
    ((5, 10, 0, 0), "n_canary"),
    ((5, 10, 5, -10), "n_canary"),
    ((5, 10, 5, NAN), "n_canary"),
    (("many", 10, 5, 10), "x_control"),
]


@pytest.mark.parametrize("test", TWO_ARMS, ids=lambda test: test.__name__)
@pytest.mark.parametrize(("given", "name"), IMPOSSIBLE)
def test_impossible_counts_are_refused_by_name(
    test: Callable[..., Any], given: tuple[Any, ...], name: str
) -> None:
    """Negative, NaN, infinite, more events than trials, an empty arm, no number."""
    with pytest.raises(ValueError, match=f"^{name}: "):
        test(*given)


def test_one_impossible_element_refuses_the_array() -> None:
    """A simulator learns of its bug; no NaN hides among a million results."""
    with pytest.raises(ValueError, match=r"^x_canary: 12\.0 is more than n_canary"):
        two_proportions.score_test([1, 2], 10, [5, 12], 10)


@pytest.mark.parametrize("x", [0, 10])
def test_no_event_anywhere_is_not_evidence(x: int) -> None:
    """0 of n against 0 of m, and all against all: z 0, p 1, marked as uninformative."""
    for found in (
        two_proportions.score_test(x, 10, x, 10),
        two_proportions.noninferiority_test(x, 10, x, 10, margin=0.1),
    ):
        assert (found.z, found.p_two_sided, found.p_greater) == (0, 1, 1)
        assert not found.informative


REFUSED: list[tuple[Callable[[], Any], str]] = [
    (lambda: two_proportions.noninferiority_test(1, 2, 1, 2, margin=-0.1), "margin"),
    (lambda: difference_intervals.newcombe(1, 2, 1, 2, 1.0), "confidence"),
    (lambda: means.welch(means.Moments(1, 0, 1), means.Moments(9, 0, 1)), r"control\.n"),
    (lambda: means.welch(means.Moments(9, 0, -1), means.Moments(9, 0, 1)), r"control\.variance"),
    (lambda: means.welch(means.Moments(9, 0, 1), means.Moments(9, NAN, 1)), r"canary\.mean"),
    (lambda: cuped(variance_x=0.0, covariance=0.0), "variance_x"),
    (lambda: cuped(variance_x=1.0, covariance=9.0), r"control\.covariance"),
    (lambda: clustered_ratio.clustered_ratio(units(units=1)), "units"),
    (lambda: clustered_ratio.clustered_ratio(units(n=0)), "n"),
    (lambda: clustered_ratio.clustered_ratio(units(nn=1)), "nn"),
    (lambda: clustered_ratio.clustered_ratio(units(yy=NAN)), "yy"),
    (lambda: ranks.mann_whitney([], [1.0]), "control"),
    (lambda: ranks.mann_whitney([1.0], [2.0, 1.0]), "canary"),
    (lambda: ranks.mann_whitney([1.0, NAN], [1.0]), "control"),
    (lambda: ranks.mann_whitney([1.0], [1.0], "up"), "alternative"),  # type: ignore[arg-type]
    (lambda: ranks.hodges_lehmann([1.0], [1.0], 0.9, "fast"), "method"),  # type: ignore[arg-type]
    (lambda: quantile_difference.order_statistic_ranks(60, 0.99, 0.95), "n"),
    (lambda: quantile_difference.quantile_difference([1.0], range(500), 0.99), "control"),
    (lambda: quantile_difference.sample_quantile([1.0], 0.5, "type9"), "kind"),  # type: ignore[arg-type]
    (lambda: sample_size.proportions_size(0.5, 0.5), "p_canary"),
    (lambda: sample_size.proportions_size(1.5, 0.5), "p_control"),
    (lambda: sample_size.proportions_size(0.4, 0.5, power=0.01), "power"),
    (lambda: sample_size.proportions_size(0.4, 0.5, allocation=0), "allocation"),
    (lambda: sample_size.proportions_size(0.4, 0.5, sides=3), "sides"),  # type: ignore[arg-type]
    (lambda: sample_size.noninferiority_size(0.8, 0.7, 0.1), "margin"),
    (lambda: sample_size.farrington_manning_size(0.8, 0.9, 1.0), "margin"),
    (lambda: sample_size.means_size(0, 1, 1), "delta"),
    (lambda: sample_size_t.t_power(1, 0, 5, 5), "sd"),
    (lambda: sample_size_t.t_power(1, 1, 1, 1), "n_control, n_canary"),
    (lambda: duration.days_to_sizes(sample_size.Sizes(*two(9)), -1, 0.5), "daily"),
    (lambda: duration.days_to_sizes(sample_size.Sizes(*two(9)), 10, 0), "rate"),
    (lambda: duration.days_to_information(1, 10, 0.2, []), "phases"),
    (lambda: duration.information_per_day(10, 0.5, 0), "variance"),
    (lambda: duration.bottleneck([]), "days"),
    (lambda: spending.pocock_spend(0, 0.05), "t"),
    (lambda: spending.kim_demets_spend(0.5, 0.05, 0), "rho"),
    (lambda: spending.hwang_shih_decani_spend(0.5, 1.05), "alpha"),
    (lambda: spending.boundaries([], []), "information"),
    (lambda: spending.boundaries([0.5, 0.5], [0.01, 0.02]), "information"),
    (lambda: spending.boundaries([0.5], [1.0]), "spent"),
    (lambda: group_sequential.crossing_probabilities([1], [NAN]), "upper"),
    (lambda: stagewise.stagewise([0.5, 1], [2.0], 1.0), "bounds"),
    (lambda: stagewise.stagewise([0.5], [2.0], NAN), "z"),
    (lambda: stagewise.repeated_interval(0.1, -1.0, 2.0), "standard_error"),
    (lambda: always_valid.asymptotic_radius(0, 1, 1), "t"),
    (lambda: always_valid.tightest_rho(10, 1), "alpha"),
    (lambda: always_valid.rate_difference_sequence(0, 9, 0, 9, rho=0.1), "x_control, x_canary"),
    (lambda: always_valid.mixture_sprt(0.1, 0, 10, 1), "variance"),
    (lambda: Strata([], [], [], []), "x_control"),
    (lambda: Strata([1], [0], [1], [2]), "x_control"),
    (lambda: Strata([0], [0], [1], [2]), "n_control, n_canary"),
    (lambda: mantel_haenszel.post_stratified_difference(strata(), [-1, 1]), "weights"),
    (lambda: mantel_haenszel.inverse_variance(Strata([0, 1], 9, [0, 3], 9)), "x_control"),
    (lambda: heterogeneity.cochran_q([0.1], [1]), "effects"),
    (lambda: heterogeneity.gail_simon([0.1, 0.2], [1, 0]), "variances"),
    (lambda: odds.odds_tests(Strata([0, 1], 9, [0, 3], 9)), "x_control, x_canary"),
    (lambda: odds.logit_interaction(Strata([9, 9], 9, [5, 3], 9)), "x_control, x_canary"),
    (lambda: sample_ratio.chi_square_mismatch([0, 0], [0.5, 0.5]), "counts"),
    (lambda: sample_ratio.chi_square_mismatch([1, 2], [0.5, 0.6]), "expected_shares"),
    (lambda: sample_ratio.ramp_mismatch([0.0], [10], [1]), "p_canary"),
    (lambda: sample_ratio.ramp_mismatch([1.0], [0], [1]), "n_control, n_canary"),
    (lambda: sample_ratio.expected_shares([]), "units"),
    (lambda: multiplicity.holm([0.1, 1.1]), "p_values"),
    (lambda: multiplicity.rejected([0.1], 0), "q"),
    (lambda: online_fdr.lord_plus_plus([0.1], w0=0.06), "w0"),
    (lambda: online_fdr.lord_plus_plus([NAN]), "p_values"),
    (lambda: online_fdr.saffron([0.1], gamma=[0.9, 0.9]), "gamma"),
    (lambda: online_fdr.addis([0.1], candidate=0.6), "tau"),
    (lambda: online_fdr.lond([0.1], beta=[0.06]), "beta"),
    (lambda: alpha_investing.invest([0.1], payout=0), "payout"),
    (lambda: novelty.effect_decay(0.1, -1, 0, 1), "early_variance"),
    (lambda: exact_test.fisher_two_sided(1.5, 2, 1, 2), "x_control"),
]


def two(n: float) -> tuple[np.ndarray, np.ndarray]:
    """As many in each arm."""
    return np.asarray(n), np.asarray(n)


def strata() -> Strata:
    """Two good strata."""
    return Strata([1, 2], 9, [3, 4], 9)


def units(**changes: float) -> clustered_ratio.UnitSums:
    """Sums over three units, one of them changed."""
    sums = {"units": 3, "n": 6, "y": 3, "nn": 14, "ny": 7, "yy": 5} | changes
    return clustered_ratio.UnitSums(**sums)


def cuped(**changes: float) -> Any:
    """CUPED of two arms with the same moments, some changed."""
    moments = {"n": 9, "mean_x": 1, "mean_y": 1, "variance_y": 1} | changes
    arm = means.PairedMoments(**moments)  # type: ignore[arg-type]
    return means.cuped(arm, arm)


@pytest.mark.parametrize(("call", "name"), REFUSED)
def test_the_argument_is_named(call: Callable[[], Any], name: str) -> None:
    """The error begins with what is wrong."""
    with pytest.raises(ValueError, match=f"^{name}"):
        call()


def test_arms_that_do_not_vary_say_nothing() -> None:
    """No spread is no proof: p 1, t 0, and no division by 0."""
    same = means.welch(means.Moments(5, 1, 0), means.Moments(5, 2, 0))
    assert (same.t, same.p_two_sided, bool(same.informative)) == (0, 1, False)
    tied = ranks.mann_whitney([3.0] * 5, [3.0] * 4)
    assert (tied.z, tied.p_value, tied.superiority, tied.informative) == (0, 1, 0.5, False)
    fixed = clustered_ratio.clustered_difference(units(y=6, ny=14, yy=14), units(y=6, ny=14, yy=14))
    assert (fixed.z, fixed.p_two_sided, fixed.p_greater) == (0, 1, 1)
    still = mantel_haenszel.mantel_haenszel(Strata([0, 0], 9, [0, 0], 9))
    assert (still.difference, still.z, still.p_two_sided) == (0, 0, 1)
    assert novelty.novelty_contrast(0.1, 0, 0, 0).z == 0


def test_strata_with_an_empty_arm_weigh_nothing() -> None:
    """An intent not yet drawn changes no estimate."""
    whole = Strata([10, 4, 7], [50, 20, 30], [3, 2, 0], [10, 10, 0])
    part = Strata([10, 4], [50, 20], [3, 2], [10, 10])
    for combine in (
        mantel_haenszel.mantel_haenszel,
        mantel_haenszel.inverse_variance,
        mantel_haenszel.post_stratified_difference,
    ):
        assert combine(whole) == combine(part)


NASTY = [0, -1, 1, "NaN", "Infinity", None, [], "abc", 1e300, -0.5, 0.5, 1e-300, 2, True, {}]
VECTORS = json.loads((Path(__file__).parents[2] / "data/statistics.json").read_text())["vectors"]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths to everything inside."""
    if isinstance(value, dict):
        inside = [places(item, (*path, key)) for key, item in value.items()]
    elif isinstance(value, list):
        inside = [places(item, (*path, index)) for index, item in enumerate(value)]
    else:
        inside = []
    return [path, *(place for some in inside for place in some)]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_a_spoilt_vector_is_refused_or_answered_with_numbers(vector: dict[str, Any]) -> None:
    """Any input replaced by nonsense gives a ValueError or JSON without NaN; probabilities too."""
    chance = random.Random(vector["id"])
    for _ in range(8):
        inputs = copy.deepcopy(vector["inputs"])
        *within, last = chance.choice([place for place in places(inputs) if place])
        holder = inputs
        for step in within:
            holder = holder[step]
        holder[last] = chance.choice(NASTY)
        try:
            found = evaluate(vector["function"], inputs)
        except ValueError:
            continue
        assert json.dumps(found, allow_nan=False)
        for key, value in found.items():
            if key.startswith("p_value") and isinstance(value, float):
                assert 0 <= value <= 1, (inputs, key)


def test_deployed_decisions_import_no_scipy() -> None:
    """Functions carry numpy only, and `canary --help` must not wait for scipy."""
    modules = "canary.decision.engine, canary.cli.main"
    # Everything that decides or may come to: all but the t and Beta distributions.
    free = [
        "always_valid, alpha_investing, classic_designs, clustered_ratio, composite",
        "difference_intervals, duration, exact_test, exploration, heterogeneity, linear_bandit",
        "mantel_haenszel, miettinen_nurminen, multiplicity, novelty, odds, online_fdr",
        "quantile_difference, ranks, sample_ratio, sample_size, sequential_arrays, solving",
        "stagewise, two_proportions",
    ]
    modules += "".join(f", canary.statistics.{m.strip()}" for m in ",".join(free).split(","))
    code = f"import sys, {modules}; print([m for m in sys.modules if m.startswith('scipy')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_normal_quantiles_invert_the_tails() -> None:
    """There and back again over 300 orders of magnitude."""
    p = np.array([1e-300, 1e-30, 1e-5, 0.3])
    assert normal.upper_tail(normal.upper_tail_quantile(p)) == pytest.approx(p, rel=1e-9)
