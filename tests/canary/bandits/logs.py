"""Decisions and bandits that the tests share."""

from __future__ import annotations

from typing import Any

from canary.bandits.log import Decision
from canary.bandits.rules import Rules
from canary.bandits.state import BanditState, new_bandit

START = 1_700_000_000.0
HOUR = 3_600.0
RULES = Rules()


def thompson(*arms: str) -> BanditState:
    return new_bandit("faq", "thompson", arms or ("a", "b"), at=START, rules=RULES)


def linucb() -> BanditState:
    return new_bandit("order_tracking", "linucb", ("a", "b"), at=START, rules=RULES)


def decision(number: int, arm: str = "a", **changed: Any) -> Decision:
    """One decision a second after the start."""
    fields: dict[str, Any] = {
        "decision_id": f"d{number}",
        "intent": "faq",
        "unit_id": f"u{number}",
        "decided_at": START + number,
        "arm": arm,
        "shares": {"a": 5_000, "b": 5_000},
        "allocation": 0,
    }
    return Decision(**(fields | changed))
