"""A look with all that it read, so that its decision can be made again, bit for bit."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from canary.decision.engine import evaluate
from canary.decision.facts import Cell, Draws, Facts, IntentCell, LatencyTail, Moments
from canary.ledger.view import LedgerView
from canary.policy.compiled import CompiledPolicy
from canary.release.model import ReleaseState

__all__ = ["LookRecord"]


@dataclass(frozen=True)
class LookRecord:
    """One look: the record and the facts that it read, and the decision as it was taken.

    `state` is the release before the look, with its copy of the policy; `decision` is the
    decision's own `to_exact_dict`: all of it, with every digit.
    """

    state: ReleaseState
    facts: Facts
    asked_stage: int | None
    decision: Mapping[str, Any]

    def replay(self) -> dict[str, Any]:
        """The decision that the engine takes today on what the look read."""
        policy = CompiledPolicy.from_json(self.state.policy)
        taken = evaluate(policy, self.state, self.facts, asked_stage=self.asked_stage)
        return taken.to_exact_dict()

    def to_json(self) -> str:
        """Canonical JSON: sorted keys, no spaces; every float as Python writes it, so exact."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> LookRecord:
        """Read what `to_json` wrote. Raises `KeyError` or `TypeError` on another shape."""
        value = json.loads(text)
        return cls(
            state=ReleaseState.from_dict(value["state"]),
            facts=_facts(value["facts"]),
            asked_stage=value["asked_stage"],
            decision=value["decision"],
        )


def _facts(value: dict[str, Any]) -> Facts:
    known = dict(value)
    known["cells"] = _cells(value["cells"])
    known["block_cells"] = _cells(value["block_cells"])
    known["latency"] = {
        arm: LatencyTail(tail["n"], tuple(tail["slowest_ms"]))
        for arm, tail in value["latency"].items()
    }
    known["draws"] = tuple(Draws(**each) for each in value["draws"])
    known["later_intents"] = tuple(
        IntentCell(
            **{
                **each,
                "y": tuple(each["y"]),
                "ny": tuple(each["ny"]),
                "yy": tuple(tuple(row) for row in each["yy"]),
            }
        )
        for each in value.get("later_intents", ())
    )
    known["groups"] = {
        kind: {name: _cells(cells) for name, cells in parts.items()}
        for kind, parts in value["groups"].items()
    }
    if ledger := value.get("ledger"):
        known["ledger"] = LedgerView.from_dict(ledger)
    return Facts(**known)


def _cells(values: list[dict[str, Any]]) -> tuple[Cell, ...]:
    return tuple(
        Cell(
            **{
                **value,
                "measures": {name: Moments(*each) for name, each in value["measures"].items()},
            }
        )
        for value in values
    )
