"""The virtual clock, and what deployed code sees of it in a child process."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from canary.local import clock
from canary.local.clock import Clock

CHECKOUT = Path(__file__).resolve().parents[3]
CHILD = """
import asyncio, json, time
from canary.local import clock_shim
clock_shim.install()
from canary.aws import clock
import canary.aws.clock as by_module
started = clock.monotonic()
clock.sleep(60)
asyncio.run(clock.pause(60))
print(json.dumps({
    "now": clock.now(), "same": by_module is clock, "waited": clock.monotonic() - started,
    "request": clock.request_ms(clock.monotonic() - 0.3, 6000.0),
    "quick": clock.request_ms(clock.monotonic(), 6000.0),
}))
"""


def test_now_when_real_time_passes_then_runs_faster_by_the_factor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A real second is `factor` virtual ones, counted from the two origins."""
    monkeypatch.setattr(clock.time, "time", lambda: 1_010.0)
    assert Clock(1_000.0, 5_000.0, 60.0).now() == 5_600.0


def test_env_value_when_read_back_then_is_the_same_clock() -> None:
    """A child process gets exactly the parent's clock."""
    made = Clock(1_795_000_000.123456, 1_796_000_000.5, 60.0)
    read = Clock.from_env({clock.ENVIRONMENT_NAME: made.env_value()})
    assert read.env_value() == made.env_value()


def test_run_at_when_shared_then_every_process_goes_on_from_the_same_moment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Time that has passed stays as it was, and what comes is slower for all who were told."""
    monkeypatch.setattr(clock.time, "time", lambda: 1_010.0)
    made = Clock(1_000.0, 5_000.0, 60.0)
    made.share(tmp_path / "a:clock")
    other = Clock.from_env({clock.ENVIRONMENT_NAME: made.env_value()})
    made.run_at(6.0)
    assert (made.now(), other.now(), other.factor) == (5_600.0, 5_600.0, 6.0)
    monkeypatch.setattr(clock.time, "time", lambda: 1_020.0)
    assert (made.now(), other.now()) == (5_660.0, 5_660.0)


def test_run_at_when_not_shared_then_is_refused() -> None:
    """Others would go on with the old pace, and nobody would agree on the time."""
    with pytest.raises(RuntimeError, match="not shared"):
        Clock(0.0, 0.0, 60.0).run_at(6.0)


def test_sleep_when_the_clock_is_slowed_then_lasts_as_many_virtual_seconds(tmp_path: Path) -> None:
    """Who already waits is not woken before its time."""
    made = Clock.starting_now(60.0)
    made.share(tmp_path / "clock")
    until = made.now() + 90.0
    threading.Timer(0.3, made.run_at, [30.0]).start()
    made.sleep(90.0)
    assert made.now() >= until


def test_clock_when_factor_is_not_positive_then_is_refused() -> None:
    """A clock that stands still or runs backwards would make every wait endless."""
    with pytest.raises(ValueError, match="above 0"):
        Clock(0.0, 0.0, 0.0)


def test_sleep_when_stop_event_is_set_then_returns_true_at_once() -> None:
    """A wait of virtual hours ends when the region stops."""
    stop = threading.Event()
    stop.set()
    assert Clock.starting_now(1.0).sleep(3_600.0, stop) is True


def test_sleep_when_time_passes_then_returns_false() -> None:
    """An undisturbed wait says that nobody stopped it."""
    assert Clock.starting_now(6_000.0).sleep(60.0, threading.Event()) is False


def test_shim_when_installed_then_deployed_code_reads_virtual_time() -> None:
    """`canary.aws.clock` is replaced before its import: sleeps shrink, computation does not."""
    made = Clock(time.time() - 10.0, 5_000_000.0, 600.0)
    done = subprocess.run(
        [sys.executable, "-c", CHILD],
        env={clock.ENVIRONMENT_NAME: made.env_value(), "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        check=True,
    )
    seen = json.loads(done.stdout)
    assert seen["same"]
    assert 5_006_000.0 < seen["now"] < 5_006_000.0 + 600.0 * 30
    assert 0.2 <= seen["waited"] < 60.0
    # 6 s of the model are 10 ms here; 290 ms of the 300 were real overhead.
    assert seen["request"] == pytest.approx(6_290.0, abs=5.0)
    assert seen["quick"] == 6_000.0
