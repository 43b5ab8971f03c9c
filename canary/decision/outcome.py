"""A look's decision, with everything that led to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from canary.decision.verdicts import Verdict, exact, plain
from canary.release.events import LookTaken
from canary.release.model import Cause, DecisionKind

__all__ = ["Decision", "Rule", "look_taken"]

_REMEMBERED = (
    *("rule", "hold_until", "looks_done", "information", "benefit", "v_max", "blocks_judged"),
    *("extension", "extended_until"),
)
"""What the record takes from a decision beside its `to_dict`."""


@dataclass(frozen=True)
class Rule:
    """One rule of the progression as it was applied: what it read, and what it said."""

    name: str
    inputs: Mapping[str, Any]
    outcome: str


@dataclass(frozen=True)
class Decision:
    """What to do now, and when to look again at the latest.

    `shift_needed` says that the stage asked for is not in force and traffic must be moved first.
    `rule` and `hold_until` go with a hold that a rule asks for. The fields from `looks_done` on are
    what the record must remember of the look; `None` changes nothing.
    """

    kind: DecisionKind
    reason: str
    wait_seconds: int
    at: float
    stage: int
    cause: Cause | None = None
    alarms: tuple[str, ...] = ()
    shift_needed: bool = False
    rule: str = ""
    hold_until: float | None = None
    verdicts: tuple[Verdict, ...] = ()
    rules: tuple[Rule, ...] = field(default=())
    looks_done: int | None = None
    information: float | None = None
    benefit: bool | None = None
    v_max: float | None = None
    blocks_judged: int | None = None
    extension: str = ""
    extended_until: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, for the record and the dashboard: numbers to six significant digits."""
        return self._plain(plain)

    def to_exact_dict(self) -> dict[str, Any]:
        """The same with every digit, and with `remembered`: all that the decision consists of.

        Made of JSON's own types, so that it equals itself read back.
        """
        remembered = {name: getattr(self, name) for name in _REMEMBERED}
        return self._plain(exact) | {"remembered": remembered}

    def _plain(self, number: Callable[[float], float | None]) -> dict[str, Any]:
        return {
            "decision": self.kind.value,
            "reason": self.reason,
            "cause": self.cause.value if self.cause else None,
            "wait_seconds": self.wait_seconds,
            "shift_needed": self.shift_needed,
            "at": self.at,
            "stage": self.stage,
            "alarms": list(self.alarms),
            "verdicts": [verdict.to_dict(number) for verdict in self.verdicts],
            "rules": [
                {"name": rule.name, "inputs": _json(rule.inputs, number), "outcome": rule.outcome}
                for rule in self.rules
            ],
        }


def look_taken(decision: Decision) -> LookTaken:
    """The event that enters a decision into the release's record."""
    return LookTaken(
        at=decision.at,
        kind=decision.kind,
        decision=decision.to_dict(),
        cause=decision.cause,
        detail=decision.reason,
        alarms=decision.alarms,
        looks_done=decision.looks_done,
        information=decision.information,
        benefit=decision.benefit,
        v_max=decision.v_max,
        blocks_judged=decision.blocks_judged,
        extension=decision.extension,
        extended_until=decision.extended_until,
        rule=decision.rule,
        hold_until=decision.hold_until,
    )


def _json(values: Mapping[str, Any], number: Callable[[float], float | None]) -> dict[str, Any]:
    return {name: _json_value(value, number) for name, value in values.items()}


def _json_value(value: Any, number: Callable[[float], float | None]) -> Any:
    if isinstance(value, float):
        return number(value)
    return list(value) if isinstance(value, tuple) else value
