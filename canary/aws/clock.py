"""Time, for everything that is deployed: the one place that reads it or waits for it.

The embedded region replaces this module, so use it by attribute (`clock.now()`), never bind its
functions at import.
"""

from __future__ import annotations

import time

__all__ = ["monotonic", "now", "pause", "request_ms", "sleep"]


def now() -> float:
    """The time of day as epoch seconds."""
    return time.time()


def monotonic() -> float:
    """Seconds that only grow, for differences."""
    return time.monotonic()


def sleep(seconds: float) -> None:
    """Wait, blocking the thread."""
    time.sleep(seconds)


async def pause(seconds: float) -> None:
    """Wait, letting other coroutines run."""
    import asyncio  # noqa: PLC0415 - a tenth of a function's start, and functions have no loop

    await asyncio.sleep(seconds)


def request_ms(started: float, model_ms: float) -> float:  # noqa: ARG001 - simulated time needs it
    """Milliseconds since the `monotonic()` value `started`.

    `model_ms`, the model's own reported part, is already in the elapsed time here; where a model's
    time is simulated, it is what is added instead.
    """
    return (time.monotonic() - started) * 1000.0
