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
    assert Clock.from_env({clock.ENVIRONMENT_NAME: made.env_value()}) == made


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
