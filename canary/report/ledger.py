"""What the ledger of tests says of this one: its answer to the last look, or what was reserved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from canary.decision.record import LookRecord

__all__ = ["RULE", "ledger_status"]

RULE = "ledger"
"""The name under which a look notes that it has asked for the ledger's consent."""


def ledger_status(
    records: Sequence[LookRecord], told: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Names and values to show; `told` comes before what the looks have read.

    A look asks once, at the last look of the test. Before it only what the registration reserved is
    known; without a registration nothing is.
    """
    known = told or _answer(records) or _reserved(records)
    if known is None:
        return {"registered": False, "entries": []}
    entries = [{"name": name.replace("_", " "), "value": value} for name, value in known.items()]
    return {"registered": True, "entries": entries}


def _answer(records: Sequence[LookRecord]) -> dict[str, Any] | None:
    for record in reversed(records):
        for rule in record.decision["rules"]:
            if rule["name"] == RULE:
                return {"answer": rule["outcome"], **rule["inputs"]}
    return None


def _reserved(records: Sequence[LookRecord]) -> dict[str, Any] | None:
    """The view that a look was given; facts of a region without a ledger have none."""
    view = vars(records[-1].facts).get(RULE) if records else None
    if view is None:
        return None
    fields = dict(vars(view))
    settled = fields.pop("settled", ())
    return {"answer": "not asked yet", **fields, "tests settled before": len(settled)}
