"""A circuit breaker: what failed often is left alone for a while, then asked once to see."""

from __future__ import annotations

from canary.aws import clock

__all__ = ["Breaker"]

FAILURES = 5
OPEN_SECONDS = 10.0


class Breaker:
    """Opens after `FAILURES` in a row, for `OPEN_SECONDS`; then one call decides."""

    def __init__(self) -> None:
        self._failures = 0
        self._closed_again_at = 0.0

    @property
    def failing(self) -> bool:
        """Whether the last call failed."""
        return self._failures > 0

    @property
    def open(self) -> bool:
        """Whether calls are refused at this moment."""
        return self._failures >= FAILURES and clock.now() < self._closed_again_at

    def admits(self) -> bool:
        """Whether a call may be made now. The one that looks whether it is over holds off others.

        A caller that was admitted says how it went, by `succeeded` or `failed`.
        """
        if self._failures < FAILURES:
            return True
        if self.open:
            return False
        self._closed_again_at = clock.now() + OPEN_SECONDS
        return True

    def succeeded(self) -> None:
        """The call was answered."""
        self._failures = 0

    def failed(self) -> None:
        """The call was not answered."""
        self._failures += 1
        if self._failures >= FAILURES:
            self._closed_again_at = clock.now() + OPEN_SECONDS
