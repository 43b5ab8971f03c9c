"""A release's report from what its region has stored: record, looks, events, rollback."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from canary.aws.athena import QueryError
from canary.aws.looks import Looks
from canary.aws.report_evidence import EvidenceStore
from canary.aws.rollbacks import Rollbacks
from canary.decision.record import LookRecord
from canary.policy.compiled import CompiledPolicy
from canary.release.model import ReleaseState
from canary.report.document import report_document
from canary.report.evidence import Evidence

__all__ = ["ReportMaker"]


@dataclass(frozen=True)
class ReportMaker:
    """Makes a report's document; it writes nothing."""

    looks: Looks
    evidence: EvidenceStore
    rollbacks: Rollbacks

    def document(
        self, state: ReleaseState, now: float, ledger: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The report at epoch second `now`.

        Events that cannot be read are said to be missing in it, and on standard output why: what
        the looks say is worth reading without them.
        """
        records = self.looks.read(state.release_id)
        evidence = self._evidence(state, self._until(state, records, now))
        # The embedded region's clock runs ahead of the clock of whoever asks it.
        at = max(now, records[-1].facts.as_of) if records else now
        return report_document(state, records, at=at, evidence=evidence, ledger=ledger)

    def _until(self, state: ReleaseState, records: Sequence[LookRecord], now: float) -> float:
        """Both arms are cut at the same instant: a rollback's, else the last look's."""
        if state.revoked or state.terminal:
            rollback = self.rollbacks.find(state.release_id)
            shifted = str(rollback.fields.get("shifted_at") or "") if rollback else ""
            if shifted:
                return dt.datetime.fromisoformat(shifted).timestamp()
        return records[-1].facts.as_of if records else now

    def _evidence(self, state: ReleaseState, as_of: float) -> Evidence | None:
        policy = CompiledPolicy.from_json(state.policy)
        try:
            return self.evidence.read(state, policy, as_of)
        except (BotoCoreError, ClientError, QueryError) as error:
            print(f"report of {state.release_id} without its events: {error}")  # noqa: T201 - the log
            return None
