"""An answer as server-sent events: what a model says goes on to the customer while it comes.

The turn runs on its own and fills the relay; the response empties it. A customer who leaves takes
the response away, and the turn is still asked, counted and written down to its end.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

__all__ = ["EVENTS", "STREAM", "Relay", "sse"]

EVENTS = "text/event-stream"
STREAM = {
    "type": "object",
    "description": 'each event: `delta` (`{"text"}`: the next piece), `restart` (`{}`: what was '
    "said is void, an answer begins anew), and one last: `done` (an Answer) or `error` "
    "(an Unanswered)",
    "properties": {
        "event": {"enum": ["delta", "restart", "done", "error"]},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
    "required": ["event", "data"],
}


class Relay:
    """A queue of events between one turn and its customer."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[str | None] = asyncio.Queue()
        self._first: str | None = None
        self._said = False

    def piece(self, text: str) -> None:
        """The model said something."""
        self._said = True
        self._queue.put_nowait(sse("delta", json.dumps({"text": text}, ensure_ascii=False)))

    def restart(self) -> None:
        """Another attempt begins; where nothing was said yet, the customer need not know."""
        if self._said:
            self._queue.put_nowait(sse("restart", "{}"))

    def end(self) -> None:
        """The turn is over."""
        self._queue.put_nowait(None)

    async def begins(self) -> bool:
        """Wait for the first event; false when the turn is over without one."""
        self._first = await self._queue.get()
        return self._first is not None

    async def events(self) -> AsyncIterator[str]:
        """Every event, the first included, until the turn is over."""
        event = self._first
        while event is not None:
            yield event
            event = await self._queue.get()


def sse(event: str, data: str) -> str:
    """One server-sent event; `data` is JSON, which has no line ends."""
    return f"event: {event}\ndata: {data}\n\n"
