"""One model behind the Converse call of Bedrock: an answer or a named failure, never a retry.

The API tier decides what a failure means for the customer; a retry here would hide it from the
arm's error rate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from aiobotocore.config import AioConfig
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    ReadTimeoutError,
)

from canary.aws import clock

__all__ = [
    "CLIENT_CONFIG",
    "SYSTEM_PROMPT",
    "Answer",
    "Guardrail",
    "ModelCallError",
    "asked",
    "converse",
    "refused",
]

CONNECT_SECONDS = 2
READ_SECONDS = 20
MAX_TOKENS = 512
SYSTEM_PROMPT = (
    "You are MangaAssist, the assistant of a manga store. Help with finding, buying, tracking and "
    "returning manga. Put every title in quotation marks and name no title you are not sure of."
)
CLIENT_CONFIG = AioConfig(
    connect_timeout=CONNECT_SECONDS,
    read_timeout=READ_SECONDS,
    max_pool_connections=256,
    retries={"total_max_attempts": 1, "mode": "standard"},
    # The request is made below, field by field; and a name of one's own is not composed anew for
    # each call.
    parameter_validation=False,
    user_agent="mangaassist-gateway",
)

Kind = Literal["throttled", "model_error", "timeout"]
_LATENCY_HEADER = "x-amzn-bedrock-invocation-latency"


@dataclass(frozen=True)
class Guardrail:
    """The guardrail that judges a call, in one version that never changes."""

    id: str
    version: str


@dataclass(frozen=True)
class Answer:
    """What the model said; `latency_ms` is the model's own report.

    `stop_reason` is `guardrail_intervened` where the guardrail refused the question or the answer;
    `text` is its own message then. The API tier counts that as the arm's error.
    """

    text: str
    latency_ms: float
    input_tokens: int
    output_tokens: int
    stop_reason: str


class ModelCallError(Exception):
    """The model gave no answer; `latency_ms` is how long that took."""

    def __init__(self, kind: Kind, detail: str, latency_ms: float) -> None:
        super().__init__(detail)
        self.kind: Kind = kind
        self.latency_ms = latency_ms


async def converse(
    client: Any,
    model_id: str,
    guardrail: Guardrail,
    messages: Sequence[Mapping[str, str]],
    metadata: Mapping[str, str],
    *,
    max_tokens: int = MAX_TOKENS,
    instruction: str = "",
) -> Answer:
    """Ask the model once. `metadata` goes into Bedrock's invocation log.

    `instruction` follows the system prompt: the wording that a bandit chose.

    Raises `ModelCallError`.
    """
    started = clock.monotonic()
    try:
        reply = await client.converse(
            **asked(model_id, guardrail, messages, metadata, instruction, max_tokens=max_tokens)
        )
    except ClientError as error:
        raise refused(error, started) from error
    except (TimeoutError, ReadTimeoutError, ConnectTimeoutError) as error:
        raise ModelCallError("timeout", str(error), clock.request_ms(started, 0.0)) from error
    except BotoCoreError as error:
        raise ModelCallError("model_error", str(error), clock.request_ms(started, 0.0)) from error
    return Answer(
        text="".join(block.get("text", "") for block in reply["output"]["message"]["content"]),
        latency_ms=float(reply["metrics"]["latencyMs"]),
        input_tokens=int(reply["usage"]["inputTokens"]),
        output_tokens=int(reply["usage"]["outputTokens"]),
        stop_reason=str(reply["stopReason"]),
    )


def asked(
    model_id: str,
    guardrail: Guardrail,
    messages: Sequence[Mapping[str, str]],
    metadata: Mapping[str, str],
    instruction: str,
    *,
    max_tokens: int = MAX_TOKENS,
) -> dict[str, Any]:
    """The parameters of Converse and of ConverseStream: the same question either way."""
    return {
        "modelId": model_id,
        "system": [{"text": each} for each in (SYSTEM_PROMPT, instruction) if each],
        "messages": _spoken(messages),
        "guardrailConfig": {
            "guardrailIdentifier": guardrail.id,
            "guardrailVersion": guardrail.version,
            "trace": "disabled",
        },
        "inferenceConfig": {"maxTokens": max_tokens},
        "requestMetadata": dict(metadata),
    }


def _spoken(messages: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    """The conversation as Bedrock takes it, the last message as what the guardrail judges.

    What was said before was judged when it was new, and would be paid for again each turn.
    """
    return [
        *(_message(each, {"text": each["text"]}) for each in messages[:-1]),
        *(_message(each, _judged(each["text"])) for each in messages[-1:]),
    ]


def _message(message: Mapping[str, str], content: Mapping[str, Any]) -> dict[str, Any]:
    return {"role": message["role"], "content": [content]}


def _judged(text: str) -> dict[str, Any]:
    """Text that the guardrail looks at; without such a part it looks at every message."""
    return {"guardContent": {"text": {"text": text}}}


def refused(error: ClientError, started: float) -> ModelCallError:
    """Bedrock's own error, also of a stream under way: throttling, a time-out, or another."""
    response: dict[str, Any] = error.response
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    code = response.get("Error", {}).get("Code", "")
    reported = headers.get(_LATENCY_HEADER)
    latency = float(reported) if reported else clock.request_ms(started, 0.0)
    kind: Kind = "model_error"
    if code.casefold() == "throttlingexception" or status == 429:  # noqa: PLR2004 - HTTP's own number
        kind = "throttled"
    elif code == "ModelTimeoutException":
        kind = "timeout"
    return ModelCallError(kind, str(error), latency)
