"""One model behind ConverseStream: pieces of text as they come, then what they came to.

A stream that breaks off is a failure with the same names as a call that gave nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import aiohttp
from botocore.exceptions import BotoCoreError, ClientError

from canary.aws import clock
from services.gateway.model import (
    Answer,
    Guardrail,
    ModelCallError,
    asked,
    refused,
)

__all__ = ["converse_stream"]

FIRST_PIECE_SECONDS = 10.0
"""Somebody who is shown nothing for so long is better served by another attempt."""
NEXT_PIECE_SECONDS = 10.0


async def converse_stream(
    client: Any,
    model_id: str,
    guardrail: Guardrail,
    messages: Sequence[Mapping[str, str]],
    metadata: Mapping[str, str],
    *,
    instruction: str = "",
) -> AsyncIterator[str | Answer]:
    """Ask the model once; yields texts that are not empty, and the whole `Answer` as the last.

    `instruction` follows the system prompt: the wording that a bandit chose.

    The guardrail sees each piece before it is passed on (`sync`): nothing is shown that it then
    takes back. Raises `ModelCallError`, also after the first pieces.
    """
    started, loop = clock.monotonic(), asyncio.get_running_loop()
    until = loop.time() + FIRST_PIECE_SECONDS
    question = asked(model_id, guardrail, messages, metadata, instruction)
    question["guardrailConfig"]["streamProcessingMode"] = "sync"
    said: list[str] = []
    ended: dict[str, Any] = {}
    try:
        async with asyncio.timeout_at(until):
            reply = await client.converse_stream(**question)
        with contextlib.closing(reply["stream"]) as stream:
            events = aiter(stream)
            while True:
                async with asyncio.timeout_at(until):
                    event = await anext(events, None)
                if event is None:
                    break
                ended |= event.get("messageStop", {}) | event.get("metadata", {})
                text = event.get("contentBlockDelta", {}).get("delta", {}).get("text", "")
                if text:
                    said.append(text)
                    yield text
                    until = loop.time() + NEXT_PIECE_SECONDS
    except ClientError as error:
        raise refused(error, started) from error
    except TimeoutError as error:
        raise ModelCallError("timeout", str(error), clock.request_ms(started, 0.0)) from error
    except (BotoCoreError, aiohttp.ClientError, OSError) as error:
        raise ModelCallError("model_error", str(error), clock.request_ms(started, 0.0)) from error
    if "stopReason" not in ended or "usage" not in ended:
        why = "the stream ended before the answer did"
        raise ModelCallError("model_error", why, clock.request_ms(started, 0.0))
    yield Answer(
        text="".join(said),
        latency_ms=float(ended["metrics"]["latencyMs"]),
        input_tokens=int(ended["usage"]["inputTokens"]),
        output_tokens=int(ended["usage"]["outputTokens"]),
        stop_reason=str(ended["stopReason"]),
    )
