"""Everything that a rollback should have changed, read where it must be: no word is taken for it.

The two messages are the exception: that a topic took one is all there is to see.
"""

from __future__ import annotations

from dataclasses import dataclass

from canary.aws.executions import Executions
from canary.aws.functions import Function
from canary.aws.memories import Memories
from canary.aws.parameters import Parameters
from canary.aws.records import Releases
from canary.aws.rollbacks import Rollbacks
from canary.release.drill import DRILL_CANDIDATE, Seen

__all__ = ["DrillSight"]


@dataclass(frozen=True)
class DrillSight:
    """Reads tables, parameters, the cache and the execution."""

    releases: Releases
    rollbacks: Rollbacks
    memories: Memories
    parameters: Parameters
    executions: Executions
    session_flag: Function

    def look(self, drill_id: str) -> Seen:
        """What stands now."""
        record, lock = self.releases.load(drill_id), self.releases.lock()
        found = self.rollbacks.find(drill_id)
        memory = self.memories.candidate(DRILL_CANDIDATE)
        return Seen(
            record=record,
            lock_holder=lock.release_id if lock else None,
            ticked=frozenset(found.steps if found else ()),
            snapshot=(found.fields.get("snapshot") or {}) if found else {},
            assignment=self.parameters.get_json("assignment"),
            status=self.parameters.get("status"),
            flag=self.session_flag.call({})["active"],
            remembered={each.release_id: each.strike for each in memory.rollbacks},
            execution=self.executions.status(record.execution_arn) if record else "unknown",
        )
