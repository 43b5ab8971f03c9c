"""The clock's pace while the region runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from canary.local import governor
from canary.local.clock import Clock
from canary.local.governor import Governor, next_factor


@pytest.mark.parametrize(
    ("factor", "busy", "wanted"),
    [
        (60.0, 100.0, 48.0),
        (60.0, 90.0, 60.0),
        (60.0, 10.0, 60.0),
        (40.0, 90.0, 40.0),
        (40.0, 50.0, 44.0),
        (58.0, 50.0, 60.0),
        (16.0, 100.0, 15.0),
    ],
)
def test_a_busy_machine_is_given_a_slower_clock(factor: float, busy: float, wanted: float) -> None:
    """Never quicker than at the start, never slower than a quarter of it."""
    assert next_factor(factor, busy, quickest=60.0) == pytest.approx(wanted)


def test_no_clock_is_slower_than_the_slowest() -> None:
    """Where the machine was slow from the start."""
    assert next_factor(7.0, 100.0, quickest=10.0) == 6.0


def test_a_clock_follows_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Slower while it is busy, as quick as before when it is not; the readings stand for it."""
    monkeypatch.setattr(governor, "_EVERY_SECONDS", 0.0)
    clock = Clock.starting_now(60.0)
    clock.share(tmp_path / "clock")
    seen: list[float] = []
    over = threading.Event()

    def readings() -> Iterator[float]:
        yield 100.0  # the first is not asked for
        for busy in (96.0, 96.0, 90.0, *[20.0] * 10):
            seen.append(clock.factor)
            yield busy
        over.set()
        while True:
            yield 90.0

    taken = readings()
    watching = Governor(clock, lambda: next(taken))
    watching.start()
    assert over.wait(20)
    watching.stop()
    assert seen[:4] == pytest.approx([60.0, 48.0, 38.4, 38.4])
    assert clock.factor == 60.0
