"""What a customer says, and what they get."""

from __future__ import annotations

from dataclasses import dataclass

from canary.routing.assignment import Resolution
from services.api.gateway_client import Attempt

__all__ = ["Question", "Reply"]


@dataclass(frozen=True)
class Question:
    """What a customer says; `unit_id` is who is randomised: the customer, else the session."""

    unit_id: str
    conversation_id: str
    message: str
    trace: str = ""
    """The load balancer's X-Amzn-Trace-Id, for a sampled trace."""
    prime: bool = False
    """The customer's tier, which contextual bandits read."""


@dataclass(frozen=True)
class Reply:
    """What the customer gets: an answer, or the failure of the last attempt."""

    resolution: Resolution
    turn: int
    attempt: Attempt
