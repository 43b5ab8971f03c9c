"""How fast the region's clock runs on which machine."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys

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


@pytest.mark.parametrize(("conversations", "factor"), [(10, 30), (50, 30), (100, 15)])
def test_more_customers_are_given_a_slower_clock(
    monkeypatch: pytest.MonkeyPatch, conversations: float, factor: float
) -> None:
    """In proportion above the usual load; fewer make no machine quicker."""
    monkeypatch.setattr(speed, "_seconds_a_million", lambda: 0.12)
    assert speed.clock_factor(conversations) == factor


def test_one_busy_moment_is_not_a_slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several samples the middle one counts."""
    taken = iter([9.0, 0.06, 0.05, 0.06, 0.05, 9.0, 0.05])
    monkeypatch.setattr(speed, "_seconds_a_million", lambda: next(taken))
    assert speed.clock_factor() == speed.QUICKEST


def test_a_virtual_minute_holds_as_many_customers_under_any_clock() -> None:
    """A clock that is faster than the usual one, in a test, brings no more of them."""
    assert [speed.rate_factor(each) for each in (600.0, 60.0, 15.0)] == [1.0, 1.0, 0.25]


def test_calls_to_aws_are_as_patient_as_the_machine_is_slow() -> None:
    """In a process of its own, as the region starts them; at the usual clock nothing changes."""
    ask = (
        "from canary.local import clock_shim; clock_shim.install();"
        "from botocore.config import Config;"
        "made = Config(connect_timeout=2, read_timeout=5);"
        "print(made.connect_timeout, made.read_timeout, Config().read_timeout)"
    )
    for factor, said in (("60", "2 5 60"), ("15", "8.0 20.0 60")):
        done = subprocess.run(
            [sys.executable, "-c", ask],
            env={**os.environ, "CANARY_CLOCK": f"0:0:{factor}"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == said
