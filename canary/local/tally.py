"""What the customers saw, counted: answers, errors, broken promises of stickiness."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

__all__ = ["Tally"]


class Tally:
    """Running totals of one run."""

    def __init__(self) -> None:
        self.conversations = 0
        self.outcomes_sent = 0
        self.sticky_violations = 0
        self.turns_by_arm: Counter[str] = Counter()
        self.turns_by_model: Counter[str] = Counter()
        self.moved: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()

    def began(self) -> None:
        """A conversation began."""
        self.conversations += 1

    def answered(self, reply: Mapping[str, Any], *, previous: str | None) -> None:
        """A turn was answered; `previous` is the arm of the conversation's last turn."""
        arm, reason = str(reply["arm"]), reply.get("reassigned_reason")
        self.turns_by_arm[arm] += 1
        self.turns_by_model[str(reply["model_version"])] += 1
        if reason:
            self.moved[str(reason)] += 1
        elif previous is not None and arm != previous:
            self.sticky_violations += 1

    def failed(self, how: str) -> None:
        """The customer saw an error: an HTTP status, `timeout`, `connection` or `stream`."""
        self.errors[how] += 1

    def outcome_sent(self) -> None:
        """The API took an outcome."""
        self.outcomes_sent += 1

    def to_dict(self) -> dict[str, Any]:
        """The totals as a JSON object."""
        return {
            "conversations": self.conversations,
            "answered_turns": sum(self.turns_by_arm.values()),
            "turns_by_arm": dict(self.turns_by_arm),
            "turns_by_model": dict(self.turns_by_model),
            "customer_errors": sum(self.errors.values()),
            "errors": dict(self.errors),
            "outcomes_sent": self.outcomes_sent,
            "sticky_violations": self.sticky_violations,
            "moved": dict(self.moved),
        }
