"""What stands in for `canary.aws.clock` in every process that an embedded region starts.

The deployed code keeps its own time module; this one answers the same calls from the region's
virtual clock. It uses nothing but the standard library and its neighbours, because a
function's process sees no other module of the checkout.
"""

from __future__ import annotations

import asyncio
import importlib
import sys
import time
import types

from canary.local.clock import Clock
from canary.local.patience import lengthen_timeouts

__all__ = ["install", "monotonic", "now", "pause", "request_ms", "sleep"]

_clock: Clock | None = None


def install(clock: Clock | None = None) -> None:
    """Put these functions in the place of `canary.aws.clock`, before anything imports that.

    Under a slowed clock calls to AWS may take longer too.

    `clock` defaults to the one of the environment. A function whose asset has no `canary.aws`
    reads no time through it, and nothing is replaced.
    """
    global _clock  # noqa: PLW0603 - a module has one clock, as the module it replaces has
    _clock = clock or Clock.from_env()
    lengthen_timeouts(_clock.factor)
    try:
        package = importlib.import_module("canary.aws")
    except ModuleNotFoundError:
        return
    replacement = types.ModuleType("canary.aws.clock", __doc__)
    for function in (monotonic, now, pause, request_ms, sleep):
        setattr(replacement, function.__name__, function)
    sys.modules["canary.aws.clock"] = replacement
    package.clock = replacement  # type: ignore[attr-defined]


def now() -> float:
    """The virtual time of day as epoch seconds."""
    return _region_clock().now()


def monotonic() -> float:
    """Real seconds that only grow: computation is never scaled."""
    return time.monotonic()


def sleep(seconds: float) -> None:
    """Wait virtual `seconds`, blocking the thread."""
    _region_clock().sleep(seconds)


async def pause(seconds: float) -> None:
    """Wait virtual `seconds`, letting other coroutines run."""
    await asyncio.sleep(_region_clock().real_seconds(seconds))


def request_ms(started: float, model_ms: float) -> float:
    """The model's simulated milliseconds plus the real overhead around them.

    `started` is a value of `monotonic()`. The model slept `model_ms` on the virtual clock, so that
    this much, divided by the factor, of the elapsed real time was the model's and not overhead.
    """
    elapsed_ms = (time.monotonic() - started) * 1000.0
    return model_ms + max(0.0, elapsed_ms - _region_clock().real_seconds(model_ms))


def _region_clock() -> Clock:
    if _clock is None:
        raise RuntimeError("the region's clock was not installed in this process")
    return _clock
