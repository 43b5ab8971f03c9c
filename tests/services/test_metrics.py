"""What a running API task publishes every ten seconds."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from canary.routing.assignment import draw
from tests.services.region import Region, parameter


def metrics(output: str, arm: str) -> dict[str, int]:
    """The sums of an arm's increments over all lines."""
    sums: dict[str, int] = {}
    for line in output.splitlines():
        document: dict[str, Any] = json.loads(line)
        if "Requests" in document and document["Arm"] == arm:
            for name in ("Requests", "Errors", "SlowRequests", "Throttles"):
                sums[name] = sums.get(name, 0) + document[name]
    return sums


async def test_both_arms_are_published_while_a_release_is_active(
    region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing without a release; with one, each turn counts once, in the arm that was asked."""
    await region.start_api()
    await region.said("before")
    await asyncio.sleep(0.3)
    assert '"Requests"' not in capsys.readouterr().out
    await region.publish(parameter())
    region.status["canary"] = 503
    units = [f"u{n}" for n in range(20)]
    canary = sum(draw(unit, "t1", 0.5) == "canary" for unit in units)
    for unit in units:
        await region.said(unit)
    await asyncio.sleep(0.3)
    output = capsys.readouterr().out
    await region.publish(parameter(active=False))
    capsys.readouterr()
    await asyncio.sleep(0.3)
    assert metrics(output, "canary") == {
        "Requests": canary,
        "Errors": canary,
        "SlowRequests": 0,
        "Throttles": 0,
    }
    assert metrics(output, "control")["Requests"] == 20 - canary
    assert metrics(output, "control")["Errors"] == 0
    assert '"Requests"' not in capsys.readouterr().out
