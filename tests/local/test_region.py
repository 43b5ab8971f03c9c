"""The whole of it: the command, the synthesized templates, real processes, one release."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from statistics import NormalDist
from typing import Any

import psutil
import pytest

ROOT = Path(__file__).parents[2]
CANARY = (sys.executable, "-m", "canary.cli.main")
_LIMIT_SECONDS = 2400


def run(*arguments: str) -> tuple[int, dict[str, Any], str]:
    """`canary local --json ...`: its exit status, its last line, and what it said."""
    done = subprocess.run(
        [*CANARY, "local", "--json", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=_LIMIT_SECONDS,
        check=False,
    )
    last = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else "{}"
    return done.returncode, json.loads(last), done.stderr


def assert_clean(result: dict[str, Any], said: str) -> None:
    """What holds in every run that a person would call right, whatever its outcome."""
    kept = {name: result[name] for name in ("sticky_violations", "lost_events", "duplicate_events")}
    assert kept == {"sticky_violations": 0, "lost_events": 0, "duplicate_events": 0}, said
    z = NormalDist().inv_cdf(1 - 0.001 / 2)
    for share in result["timeline"]:
        asked, draws = share["asked"], share["draws"]
        reach = z * (asked * (1 - asked) / draws) ** 0.5 + 1 / draws
        assert abs(share["observed"] - asked) <= reach, share


@pytest.mark.region
def test_a_better_release_is_promoted_without_a_customer_noticing() -> None:
    """`good` replaces the model under traffic; who was pinned to control moves once, silently.

    The load balancer draws here, as the API does in the other scenarios.
    """
    status, result, said = run("--scenario", "good", "--routing", "alb")
    assert (status, result.get("outcome")) == (0, "PROMOTED"), said
    assert result["routing"] == "alb"
    assert [share["percent"] for share in result["timeline"]] == [5, 25, 50, 100]
    assert result["reassigned"].keys() == {"promotion"}, (result["reassigned"], said)
    assert result["customer_errors"] == 0
    assert result["log_errors"] == []
    document = json.loads(Path(result["report"]).with_suffix(".json").read_text())
    assert document["verdict"]["kind"] == "promoted"
    assert document["primary"]["final"]["benefit"] is True
    assert document["verdict"]["sentence"] in Path(result["report"]).read_text()
    assert_clean(result, said)


@pytest.mark.region
def test_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    """Interrupted under load, it ends with 130, and its processes, files and port are gone."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = tmp_path / "said"
    with log.open("w") as out:
        child = subprocess.Popen(
            [*CANARY, "local", "--port", str(port)],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(tmp_path)},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        begun = "release r-001"
        while begun not in log.read_text() and child.poll() is None:
            time.sleep(0.2)
        time.sleep(5)
        assert child.poll() is None, log.read_text()
        below = psutil.Process(child.pid).children(recursive=True)
        assert len(below) > 5
        child.send_signal(signal.SIGINT)
        assert child.wait(60) == 130, log.read_text()
    assert log.read_text().splitlines()[-1].startswith("canary local: interrupted")
    assert [each for each in below if each.is_running()] == []
    assert list(tmp_path.iterdir()) == [log]
    socket.create_server(("127.0.0.1", port)).close()


def test_a_busy_port_is_refused_in_one_line_before_anything_starts() -> None:
    """A port that another program holds costs one clear line and exit status 2."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        status, _, said = run("--port", str(port))
    assert status == 2
    assert said.strip().splitlines()[-1].startswith(f"canary local: --port {port} cannot be used")
    assert "Traceback" not in said
