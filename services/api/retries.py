"""How often this task may ask a model again that has just failed.

When control fails for every turn, second attempts would double the load of what is down already.
"""

from __future__ import annotations

__all__ = ["RetryBudget"]

SHARE = 0.1
"""Second attempts per turn, in the long run."""
MOST = 20.0
"""And this many at once after a quiet time, so that a single failure is always tried again."""


class RetryBudget:
    """Each turn adds a tenth of a retry; a retry takes one."""

    def __init__(self) -> None:
        self._left = MOST

    def turn(self) -> None:
        """A turn is served."""
        self._left = min(MOST, self._left + SHARE)

    def take(self) -> bool:
        """Whether one more attempt may be made; it is counted when it may."""
        if self._left < 1:
            return False
        self._left -= 1
        return True
