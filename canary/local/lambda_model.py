"""What running a function comes to, and what its template says beyond the emulator's own model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from moto.awslambda.exceptions import LambdaClientError

__all__ = ["Failure", "Outcome", "Settings", "ThrottledError", "plain_name"]


@dataclass(frozen=True)
class Outcome:
    """What one invocation answered: JSON text, and `error` when the function failed."""

    payload: str
    error: str | None
    logs: str


@dataclass(frozen=True)
class Failure:
    """An event that no invocation could handle, or that its sender was not allowed to send."""

    function: str
    reason: str
    event: Any


@dataclass
class Settings:
    """A function's dead-letter target, its destination on failure, its retries, its layer."""

    dead_letters: str | None = None
    on_failure: str | None = None
    attempts: int = 2
    layered: bool = False


class ThrottledError(LambdaClientError):
    """Every reserved execution of the function is busy."""

    code = 429

    def __init__(self) -> None:
        super().__init__("TooManyRequestsException", "Rate Exceeded.")


def plain_name(name_or_arn: str) -> str:
    """A function's name without account, region and qualifier."""
    return name_or_arn.rsplit(":function:", maxsplit=1)[-1].split(":", maxsplit=1)[0]
