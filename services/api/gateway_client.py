"""One attempt at the gateway: what came back, in the API's own words.

An attempt never raises for what the gateway or the network does. It is counted in the arm that was
asked, so a failure here is never hidden by a retry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import aiohttp
import orjson
from yarl import URL

__all__ = ["Attempt", "GatewayClient", "Outcome", "Relay"]

Arm = Literal["control", "canary"]
Outcome = Literal["ok", "refused", "throttled", "error", "timeout"]

ARM_HEADER = "x-canary-arm"
JSON, LINES = "application/json", "application/x-ndjson"
CONNECT_SECONDS = 1.0
ATTEMPT_SECONDS = 25.0
DRAW_SECONDS = 2.0
PIECE_SECONDS = 12.0
"""For a stream's next piece; above the gateway's own, whose answer says what went wrong."""
KEEP_ALIVE_SECONDS = 45.0
"""Below the load balancer's idle time-out of 60 s, so that it is never the first to hang up."""

_TIMEOUT_OF_CALL = aiohttp.ClientTimeout(total=ATTEMPT_SECONDS, sock_connect=CONNECT_SECONDS)
_STREAM_TIMEOUT = aiohttp.ClientTimeout(
    total=ATTEMPT_SECONDS, sock_connect=CONNECT_SECONDS, sock_read=PIECE_SECONDS
)
_GUARDRAIL = "guardrail_intervened"
_THROTTLED, _TIMEOUT, _OK, _STREAM_FAILED = 429, 504, 200, 502


class Relay(Protocol):
    """Takes an answer piece by piece, while it comes."""

    def piece(self, text: str) -> None:
        """The next piece."""


@dataclass(frozen=True)
class Attempt:
    """One call: how it ended, and what the answering arm reported (`arm` None: nobody said)."""

    outcome: Outcome
    arm: Arm | None = None
    model_id: str | None = None
    text: str = ""
    model_ms: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0

    @property
    def answered(self) -> bool:
        """Whether the customer can be given this; a guardrail's refusal is an answer."""
        return self.outcome in ("ok", "refused")

    @property
    def failed(self) -> bool:
        """Whether it counts as an error of its arm; throttling is counted apart."""
        return self.outcome in ("error", "timeout", "refused")


class GatewayClient:
    """The gateway's load balancer, whose rules read the arm from a header."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._draw = URL(f"{url.rstrip('/')}/arm")
        self._converse = URL(f"{url.rstrip('/')}/v1/converse")

    @staticmethod
    def open_session() -> aiohttp.ClientSession:
        """A session with enough connections."""
        connector = aiohttp.TCPConnector(limit=512, keepalive_timeout=KEEP_ALIVE_SECONDS)
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    async def draw(self) -> Arm | None:
        """The arm that the listener's draw rule chooses, or None when it gives no answer."""
        timeout = aiohttp.ClientTimeout(total=DRAW_SECONDS, sock_connect=CONNECT_SECONDS)
        try:
            async with self._session.get(self._draw, timeout=timeout) as response:
                body = await response.json() if response.status == _OK else {}
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return None
        return _arm(body.get("arm"))

    async def converse(
        self,
        arm: Arm,
        messages: Sequence[Mapping[str, str]],
        *,
        conversation_id: str,
        turn: int,
        attempt: int,
        intent: str,
        relay: Relay | None = None,
        instruction: str = "",
    ) -> Attempt:
        """Ask `arm` for an answer, once, to its last byte; a `relay` is given the pieces.

        `instruction` goes to the model with its system prompt.
        """
        document = {
            "messages": messages,
            "conversation_id": conversation_id,
            "turn": turn,
            "attempt": attempt,
            "intent": intent,
            "stream": relay is not None,
            **({"instruction": instruction} if instruction else {}),
        }
        answering: Arm | None = None
        header = {ARM_HEADER: arm, "content-type": JSON}
        timeout = _STREAM_TIMEOUT if relay else _TIMEOUT_OF_CALL
        try:
            async with self._session.post(
                self._converse, data=orjson.dumps(document), headers=header, timeout=timeout
            ) as response:
                answering = _arm(response.headers.get(ARM_HEADER))
                if relay is not None and response.content_type == LINES:
                    body = await _relayed(response, relay)
                else:
                    body = _document(await response.read())
                status = response.status
        except TimeoutError:
            return Attempt("timeout", answering)
        except (aiohttp.ClientError, OSError, ValueError):
            return Attempt("error", answering)
        if "error" in body and status == _OK:
            status = _THROTTLED if body["error"] == "throttled" else _STREAM_FAILED
            status = _TIMEOUT if body["error"] == "timeout" else status
        return _attempt(status, body)


async def _relayed(response: aiohttp.ClientResponse, relay: Relay) -> dict[str, Any]:
    """Pass pieces on as they come; the last line, which is what an answer without a stream is.

    A stream without one broke off. Raises what reading raises.
    """
    lines = aiter(response.content)
    line = await anext(lines, b"")
    while "piece" in (document := _document(line)):
        relay.piece(str(document["piece"]))
        line = await anext(lines, b"")
    return document or {"error": "the stream broke off"}


def _document(raw: bytes) -> dict[str, Any]:
    """The body as a JSON object; a load balancer's own error page is none."""
    try:
        body = orjson.loads(raw)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _attempt(status: int, body: Mapping[str, Any]) -> Attempt:
    outcome: Outcome
    if status == _OK and "text" in body:
        outcome = "refused" if body.get("stop_reason") == _GUARDRAIL else "ok"
    elif status == _THROTTLED:
        outcome = "throttled"
    else:
        outcome = "timeout" if status == _TIMEOUT else "error"
    return Attempt(
        outcome=outcome,
        arm=_arm(body.get("arm")),
        model_id=body.get("model_id"),
        text=str(body.get("text", "")),
        model_ms=float(body.get("latency_ms") or 0.0),
        input_tokens=int(body.get("input_tokens") or 0),
        output_tokens=int(body.get("output_tokens") or 0),
    )


def _arm(said: Any) -> Arm | None:
    return said if said in ("control", "canary") else None
