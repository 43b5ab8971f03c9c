"""Which test runs which command of the runbook: one function a command and state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.lambdas.runbook.duty import Duty
from tests.lambdas.runbook.extraction import Command

Deed = Callable[[Duty, Command], None]
DEEDS: dict[tuple[str, str], Deed] = {}
"""By the section's heading and the command's name."""


def runs(name: str, *places: str) -> Callable[[Deed], Deed]:
    """The function below sets up what command `name` presupposes in each of these sections.

    It runs the command and asserts its exit status and what it has done.
    """

    def keep(deed: Deed) -> Deed:
        for place in places:
            assert (place, name) not in DEEDS, f"{place}: {name} is run twice"
            DEEDS[place, name] = deed
        return deed

    return keep


def done(duty: Duty, command: Command, status: int = 0) -> Any:
    """Run it; its result, when it ended as it should."""
    result = duty.run(command.words)
    assert result.status == status, f"{command.name}: {result.status}: {result.err}{result.out}"
    return result
