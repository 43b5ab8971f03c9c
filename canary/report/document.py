"""The report as one JSON-ready document: every number that its page shows, and no other.

The same input gives the same document. Fractions of one, epoch seconds, milliseconds; null is not
known. Effects of the primary metric are turned so that more is better; in the forests they are
canary minus control.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from canary.decision.record import LookRecord
from canary.release.model import ReleaseState
from canary.report.checks import by_time, ramp, sample_ratio
from canary.report.concerns import concerns
from canary.report.conduct import exclusions, samples, spreads
from canary.report.course import compiled, primary
from canary.report.effects import forests
from canary.report.evidence import Evidence
from canary.report.gates import composite, gates
from canary.report.ledger import ledger_status
from canary.report.ruling import decisions, rules, ruling

__all__ = ["SCHEMA", "report_document"]

SCHEMA = 1
"""The version of the document's shape; a key that changes its meaning raises it."""


def report_document(
    state: ReleaseState,
    records: Sequence[LookRecord],
    *,
    at: float,
    evidence: Evidence | None = None,
    ledger: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The report of the release in `state` at epoch second `at`, from its looks in order of time.

    Without `evidence` the parts that need the events say so. What the looks have read of the ledger
    is shown unless `ledger` says more; with neither, the test is shown as not registered.
    """
    policy = compiled(state.policy)
    last = records[-1].decision if records else next(iter(state.decisions[-1:]), None)
    cells = records[-1].facts.cells if records else ()
    test = primary(state, records)
    exposed = state.first_exposure_at
    document = {
        "schema": SCHEMA,
        "release": {
            "release_id": state.release_id,
            "test_id": state.test_id,
            "candidate": state.candidate,
            "control": state.control,
            "region": state.region,
            "phase": state.phase.value,
            "stage": state.stage,
            "rate": policy.stages[state.stage].rate,
            "revoked": state.revoked,
            "cause": state.cause.value if state.cause else None,
            "strike": state.strike,
            "policy": state.policy_digest,
            "admitted_at": state.admitted_at,
            "first_exposure_at": exposed,
            "exposed_seconds": None if exposed is None else max(0.0, _until(records, at) - exposed),
            "looks": len(records),
            "last_look_at": records[-1].facts.as_of if records else None,
            "written_at": at,
            "policy_changes": list(policy.changes),
        },
        "verdict": ruling(state, last, test, policy.metric(test["metric"])),
        "primary": test,
        "forests": forests(policy, cells),
        "gates": gates(policy, records),
        "composite": composite(policy, records),
        "ramp": ramp(policy, state, records),
        "sample_ratio": sample_ratio(policy, records),
        "by_time": by_time(policy, records),
        "spreads": spreads(policy, records, evidence),
        "exclusions": exclusions(policy, cells, evidence),
        "rules": rules(last),
        "decisions": decisions(state, records),
        "ledger": ledger_status(records, ledger),
        "samples": samples(evidence),
    }
    return {**document, "concerns": concerns(document)}


def _until(records: Sequence[LookRecord], at: float) -> float:
    """What is known ends with the last look."""
    return records[-1].facts.as_of if records else at
