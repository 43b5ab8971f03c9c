"""The whole of it: the command, the synthesized templates, real processes, one release."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from statistics import NormalDist
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
_LIMIT_SECONDS = 420


def run(*arguments: str) -> tuple[int, dict[str, Any], str]:
    """`canary local --json ...`: its exit status, its last line, and what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "canary.cli.main", "local", "--json", *arguments],
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
def test_a_failing_release_is_rolled_back_by_the_template_s_own_action() -> None:
    """`errors` rings the critical composite, whose action takes traffic off the canary."""
    status, result, said = run("--scenario", "errors")
    assert (status, result.get("outcome")) == (0, "ROLLED_BACK"), said
    assert "canary-critical" in result["alarms"]
    assert result["seconds_alarm_to_last_canary_request"] is not None
    assert_clean(result, said)


def test_a_busy_port_is_refused_in_one_line_before_anything_starts() -> None:
    """A port that another program holds costs one clear line and exit status 2."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        status, _, said = run("--port", str(port))
    assert status == 2
    assert said.strip().splitlines()[-1].startswith(f"canary local: --port {port} cannot be used")
    assert "Traceback" not in said
