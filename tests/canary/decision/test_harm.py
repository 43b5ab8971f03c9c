"""The harm sequence's scopes, and the bounds that alarms watch."""

from __future__ import annotations

import numpy as np
import pytest

from canary.decision.facts import Cell, Moments
from canary.decision.harm import harm_bound, harm_bounds, harm_lines
from canary.policy.compiled import Trigger
from tests.canary.decision.looks import binary, cells, facts, policy

COMPLETION = policy().triggers[2]


def test_the_sequences_are_overall_and_by_intent() -> None:
    """Four revenue-critical intents reject, the six others hold."""
    lines = harm_lines(policy(), facts(0, cells(1000)))
    assert lines[0].scope == "overall"
    assert sum(line.rejects for line in lines) == 5
    assert len(lines) == 11
    assert not any(line.harmed for line in lines)


def test_healthy_releases_are_seldom_harmed_at_any_look() -> None:
    """Of 150 identical arms with 60 looks each at most 2 are ever called harmed overall."""
    rng = np.random.default_rng(12)
    of = policy()
    harmed = 0
    for _ in range(150):
        control = np.cumsum(rng.binomial(1900, 0.78, 60))
        canary = np.cumsum(rng.binomial(100, 0.78, 60))
        for look in range(60):
            data = tuple(
                Cell("faq", 0.05, 1, arm, {"completion": binary(n, x / n)})
                for arm, n, x in (
                    ("control", 1900 * (look + 1), control[look]),
                    ("canary", 100 * (look + 1), canary[look]),
                )
            )
            if harm_lines(of, facts(0, data))[0].harmed:
                harmed += 1
                break
    assert harmed <= 2


def test_a_harm_bound_is_below_the_harm_there_is() -> None:
    """Ten lost points are bounded from below, by more with more data; none is negative."""
    worse = {"completion": 0.68}
    little = harm_bound(policy(), COMPLETION, cells(1000, canary=worse))
    much = harm_bound(policy(), COMPLETION, cells(50_000, canary=worse))
    assert little is not None
    assert much is not None
    assert little < much < 0.10
    assert much > 0.08
    none = harm_bound(policy(), COMPLETION, cells(50_000))
    assert none is not None
    assert none < 0


def test_a_relative_trigger_is_bounded_in_its_own_unit() -> None:
    """A satisfaction of 2.8 instead of 3.2 is 12.5% lost."""

    def moments(n: float, mean: float) -> Moments:
        return Moments(n, n, n * mean, n, n * mean, n * (mean**2 + 0.81))

    csat = Trigger("csat", "csat", "harm", "relative", 0.10, (14_400,), "pause")
    data = tuple(
        Cell("faq", 0.5, 3, arm, {"csat": moments(20_000, mean)})
        for arm, mean in (("control", 3.2), ("canary", 2.8))
    )
    bound = harm_bound(policy(), csat, data)
    assert bound is not None
    assert 0.11 < bound < 0.125


def test_too_little_data_publishes_nothing() -> None:
    """Under 30 customers in an arm, or a late feed, there is no bound."""
    assert harm_bound(policy(), COMPLETION, cells(20)) is None
    assert harm_bounds(policy(), facts(0)) == {}
    assert harm_bounds(policy(), facts(0, cells(1000), late=True)) == {}
    assert set(harm_bounds(policy(), facts(0, cells(1000)))) == {"completion"}


def test_an_arm_that_is_neither_is_refused() -> None:
    """The error names it."""
    with pytest.raises(ValueError, match="arm"):
        harm_lines(policy(), facts(0, (Cell("faq", 0.5, 1, "blue", {"completion": binary(9, 1)}),)))
