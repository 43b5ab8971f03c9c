"""Breaks things beside the models, as a scenario's faults ask, and mends them again."""

from __future__ import annotations

from collections.abc import Iterable

from canary.local.region import PREFIX, EmbeddedRegion
from canary.local.scenario import Fault

__all__ = ["Faults"]


class Faults:
    """Starts a fault when it becomes active and ends it when it no longer is.

    What befalls models and the classifier is the model endpoint's own business.
    """

    def __init__(self, region: EmbeddedRegion) -> None:
        self._region = region
        self._on: set[Fault] = set()

    def apply(self, faults: Iterable[Fault]) -> list[str]:
        """Make exactly these faults be on; the answer says in words what changed."""
        wanted = set(faults)
        said = []
        for fault in wanted - self._on:
            self._switch(fault, on=True)
            said.append(f"fault {fault.kind} begins")
        for fault in self._on - wanted:
            self._switch(fault, on=False)
            said.append(f"fault {fault.kind} ends")
        self._on = wanted
        return said

    def _switch(self, fault: Fault, *, on: bool) -> None:
        parts = self._region.parts
        match fault.kind:
            case "task_set_killed":
                change = parts.tasks.kill_task_set if on else parts.tasks.revive_task_set
                change(fault.task_set)
            case "assignment_unreadable":
                name = f"{PREFIX}/assignment"
                (parts.access.deny_parameter if on else parts.access.allow_parameter)(name)
            case "redis_down":
                (parts.cache.stop if on else parts.cache.start)()
            case "shared_incident" | "classifier_down" | "model_down":
                pass
