"""How a region looks when a call has had all its effects: one question a kind of end."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from canary.aws.items import from_item
from canary.release.model import Cause, Phase, ReleaseState
from canary.routing.weights import ALL_ON_PRIMARY, TrafficForm
from tests.lambdas.faults.aws import World
from tests.lambdas.faults.harness import EXECUTION, PREFIX


def record(world: World) -> ReleaseState | None:
    """The record of r-1."""
    item = world.tables.get("canary-releases", {}).get(("RELEASE#r-1", "RECORD"))
    return ReleaseState.from_dict(from_item(item)) if item else None


def locked(world: World) -> bool:
    return ("LOCK#release", "LOCK") in world.tables["canary-releases"]


def status(world: World) -> str:
    return world.parameters[f"{PREFIX}/status"]


def assignment(world: World) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(world.parameters[f"{PREFIX}/assignment"])
    return value


def form(world: World) -> TrafficForm:
    return TrafficForm.from_dict(world.weights)


def flagged(world: World) -> bool:
    return any(name == "canary-session-flag" for name, _ in world.invoked)


STEPS = {
    "assignment",
    "status",
    "session_flag",
    "memory",
    "diagnostics",
    "told_on_call",
    "told_ml_engineers",
}


def ended(world: World) -> bool:
    """A rollback with each of its steps done, once."""
    now = record(world)
    if now is None or now.phase not in (Phase.ROLLED_BACK, Phase.REJECTED) or locked(world):
        return False
    memory = world.tables["canary-releases"].get(("CANDIDATE#model-b", "MEMORY"))
    opened = world.tables["canary-rollbacks"].items()  # of two opened at once the first counts
    kept = min(each for each in opened if each[0][0].startswith("ROLLBACK#"))[1]
    done = set(from_item(kept)["steps"])
    return (
        memory is not None
        and len(from_item(memory)["rollbacks"]) == 1
        and done >= STEPS
        and status(world) == now.phase.lower()
        and assignment(world)["active"] is False
        and flagged(world)
        and len(world.messages) >= 2
        and ("execution" not in done or world.executions[EXECUTION] == "ABORTED")
    )


def held(cause: Cause) -> Callable[[World], bool]:
    def check(world: World) -> bool:
        now = record(world)
        kept = now and now.hold
        return bool(kept and kept.cause is cause and status(world) == "held" and world.messages)

    return check


def at(phase: Phase, **values: Any) -> Callable[[World], bool]:
    """The record's fields, and the status that goes with them."""

    def check(world: World) -> bool:
        now = record(world)
        wanted = {"phase": phase, **values}
        return (
            now is not None
            and status(world) == phase.lower()
            and all(getattr(now, name) == value for name, value in wanted.items())
        )

    return check


def untouched(phase: Phase) -> Callable[[World], bool]:
    def check(world: World) -> bool:
        now = record(world)
        return now is not None and now.phase is phase

    return check


def returned(world: World) -> bool:
    """Traffic is back on primary, which is the safe arm again, and the API tier knows."""
    now = record(world)
    safe = now is not None and now.phase is Phase.PROMOTING and now.safe_arm == "primary"
    told = assignment(world).get("promoted") is True
    return safe and told and form(world) == ALL_ON_PRIMARY


def promoted(world: World) -> bool:
    good = at(Phase.PROMOTED)(world) and flagged(world) and not locked(world)
    return good and bool(world.messages)


def admitted(world: World) -> bool:
    taken = world.tables["canary-tests"].get(("OPEN", "r-1"))
    return untouched(Phase.ADMITTED)(world) and locked(world) and taken is not None


def left_alone(world: World) -> bool:
    """Nothing is held, and the test is free for another start."""
    entry = world.tables["canary-tests"]["LEDGER", "TEST#t-1"]
    taken = ("OPEN", "r-1") in world.tables["canary-tests"] or "release_id" in entry
    return record(world) is None and not locked(world) and not taken


def asked(world: World) -> bool:
    """A person is asked, and the answer will find its token."""
    now = record(world)
    item = world.tables["canary-releases"].get(("TOKEN#r-1", "TOKEN"))
    kept = from_item(item) if item else {}
    return (
        now is not None
        and now.phase is Phase.AWAITING_APPROVAL
        and now.asked_in == kept.get("execution_id") == "execution-1"
        and status(world) == "awaiting_approval"
    )


def approved(world: World) -> bool:
    """The record says so, and nobody waits any more: the progression, the pipeline, people."""
    now = record(world)
    heard = "token-1" in world.answered and "job-1" in world.answered
    return now is not None and now.approved_at is not None and heard and bool(world.messages)


def paged(world: World) -> bool:
    return untouched(Phase.PROMOTING)(world) and bool(world.messages)
