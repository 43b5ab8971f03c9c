"""What the vectors' inputs have in common, in their sources' words."""

from __future__ import annotations

from typing import Any

__all__ = ["UNDEFINED", "Inputs", "Outputs", "alternative", "confidence", "counts", "options"]

Inputs = dict[str, Any]
Outputs = dict[str, Any]

UNDEFINED = "error_or_inconclusive"
_ALTERNATIVES = {
    "two_sided": "two-sided",
    "two.sided": "two-sided",
    "larger": "greater",
    "smaller": "less",
}


def counts(i: Inputs) -> tuple[Any, Any, Any, Any]:
    return i["x_control"], i["n_control"], i["x_treatment"], i["n_treatment"]


def confidence(i: Inputs) -> float:
    return i.get("confidence", 0.95)


def alternative(i: Inputs) -> Any:
    word = i.get("alternative", "two-sided")
    return _ALTERNATIVES.get(word, word)


def options(i: Inputs, **names: str) -> dict[str, Any]:
    return {ours: i[theirs] for ours, theirs in names.items() if i.get(theirs) is not None}
