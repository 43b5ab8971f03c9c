"""Children of a region: none outlives it, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from canary.local.processes import Processes
from tests.local.emulator.bench import eventually

CHECKOUT = Path(__file__).resolve().parents[3]
SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print('up', flush=True); time.sleep(600)"
    ),
]
REGION = """
import sys, time
from canary.local.processes import Processes
made = Processes()
child = made.start([sys.executable, "-c", "import time; time.sleep(600)"], environment={})
print(child.pid, made.directory, flush=True)
time.sleep(600)
"""


def alive(pid: int) -> bool:
    """Whether the process exists and is not a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] == "Z")


def started(processes: Processes, command: list[str]) -> subprocess.Popen[bytes]:
    child = processes.start(command, environment={}, stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"up\n"
    child.stdout.close()
    return child


def test_close_when_children_run_then_all_end_and_files_go() -> None:
    """The end of a region leaves no process and no file."""
    processes = Processes()
    child = started(processes, SLEEPER)
    (processes.directory / "file").write_text("x")
    processes.close()
    assert child.returncode == -signal.SIGTERM
    assert not processes.directory.exists()


def test_stop_when_child_ignores_the_request_then_it_is_killed() -> None:
    """A child that does not end by itself is ended."""
    with Processes() as processes:
        child = started(processes, STUBBORN)
        processes.stop(child, grace_seconds=0.1)
        assert child.returncode == -signal.SIGKILL


def test_start_when_closed_then_is_refused() -> None:
    """Nothing is started while the region is going down."""
    processes = Processes()
    processes.close()
    with pytest.raises(RuntimeError, match="closing"):
        processes.start(SLEEPER, environment={})


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_children_when_the_region_dies_then_die_too(how: signal.Signals) -> None:
    """Even when the region is killed outright, its children and its files go."""
    region = subprocess.Popen(
        [sys.executable, "-c", REGION],
        env={"PYTHONPATH": str(CHECKOUT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert region.stdout is not None
    pid, directory = region.stdout.readline().split()
    assert alive(int(pid))
    region.send_signal(how)
    region.wait()
    region.stdout.close()
    eventually(lambda: not alive(int(pid)) and not Path(directory).exists())
