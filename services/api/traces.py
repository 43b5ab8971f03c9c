"""Sampled traces: some turns as X-Ray segments, sent in the background and never waited for.

They show where a turn's time went. What decides about a release is counted elsewhere, of every
turn: a trace that is lost changes nothing.
"""

from __future__ import annotations

import json
import logging
import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import mmh3
from botocore.exceptions import BotoCoreError, ClientError

from canary.aws import clock

__all__ = ["RATE", "Step", "Traces", "segment", "traced"]

RATE = 0.05
"""The share of turns that is traced, in both arms alike."""
SEND_SECONDS = 5.0
_BATCH = 50
"""Documents that one call takes."""
_BUFFER = 500
_ROOT = re.compile(r"Root=(1-[0-9a-f]{8}-[0-9a-f]{24})")
_log = logging.getLogger("canary.api")


@dataclass(frozen=True)
class Step:
    """A part of a turn, from `begun` to `ended` (epoch seconds)."""

    name: str
    begun: float
    ended: float


def traced(conversation_id: str, turn: int, rate: float = RATE) -> bool:
    """Whether this turn is traced: by a hash of its own, so that no arm and no customer is kept."""
    return mmh3.hash(f"trace:{conversation_id}:{turn}", signed=False) / 2**32 < rate


def segment(
    header: str,
    conversation_id: str,
    turn: int,
    steps: Sequence[Step],
    annotations: Mapping[str, str | int | None],
    *,
    fault: bool,
    throttle: bool,
) -> dict[str, Any]:
    """A segment document with a subsegment for each step; it carries no text of the customer's.

    The trace is the load balancer's (`header`, X-Amzn-Trace-Id), as its access log has it, else
    one of its own (https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html).
    """
    begun = min(step.begun for step in steps)
    known = _ROOT.search(header)
    names = [f"{conversation_id}:{turn}:{begun}:{index}" for index in range(len(steps) + 2)]
    ids = [mmh3.hash_bytes(name).hex() for name in names]
    return {
        "name": "api",
        "id": ids[0][:16],
        "trace_id": known[1] if known else f"1-{int(begun):08x}-{ids[1][:24]}",
        "start_time": begun,
        "end_time": max(step.ended for step in steps),
        "fault": fault,
        "throttle": throttle,
        "annotations": {key: value for key, value in annotations.items() if value is not None},
        "subsegments": [
            {
                "name": step.name,
                "id": identity[:16],
                "start_time": step.begun,
                "end_time": step.ended,
            }
            for step, identity in zip(steps, ids[2:], strict=True)
        ],
    }


class Traces:
    """A bounded buffer of segments; the oldest goes when it is full, and what is lost is told."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._waiting: deque[str] = deque()
        self._lost = 0

    def add(self, document: Mapping[str, Any]) -> None:
        """Keep a segment until it is sent."""
        if len(self._waiting) == _BUFFER:
            self._waiting.popleft()
            self._lost += 1
        self._waiting.append(json.dumps(document))

    async def send(self) -> None:
        """Send what waits, each segment once; what X-Ray does not take is lost."""
        while self._waiting:
            size = min(_BATCH, len(self._waiting))
            batch = [self._waiting.popleft() for _ in range(size)]
            try:
                answer = await self._client.put_trace_segments(TraceSegmentDocuments=batch)
            except (BotoCoreError, ClientError, OSError, TimeoutError):
                self._lost += size
                break
            self._lost += len(answer.get("UnprocessedTraceSegments", []))
        if self._lost:
            _log.warning("%d traces were lost", self._lost)
            self._lost = 0

    async def run(self) -> None:
        """Send every few seconds, for ever."""
        while True:
            await clock.pause(SEND_SECONDS)
            await self.send()
