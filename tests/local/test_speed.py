"""How fast the region's clock runs on which machine."""

from __future__ import annotations

import itertools

import pytest

from canary.local import speed


@pytest.mark.parametrize(
    ("seconds_a_million", "factor"), [(0.02, 60), (0.06, 60), (0.12, 30), (0.24, 15), (9.0, 6)]
)
def test_a_slow_machine_is_given_a_slow_clock(
    monkeypatch: pytest.MonkeyPatch, seconds_a_million: float, factor: float
) -> None:
    """In proportion, never above the usual one, and never so slow that nobody would wait."""
    step = seconds_a_million * speed._STEPS / 1_000_000
    readings = itertools.count(0.0, step)
    monkeypatch.setattr(speed.time, "perf_counter", lambda: next(readings))
    assert speed.clock_factor() == factor


def test_one_busy_moment_is_not_a_slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several samples the middle one counts."""
    taken = iter([9.0, 0.06, 0.05, 0.06, 0.05, 9.0, 0.05])
    monkeypatch.setattr(speed, "_seconds_a_million", lambda: next(taken))
    assert speed.clock_factor() == speed.QUICKEST


def test_a_virtual_minute_holds_as_many_customers_under_any_clock() -> None:
    """A clock that is faster than the usual one, in a test, brings no more of them."""
    assert [speed.rate_factor(each) for each in (600.0, 60.0, 15.0)] == [1.0, 1.0, 0.25]
