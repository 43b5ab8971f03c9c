"""One attempt at the gateway: what came back, in the API's own words.

An attempt never raises for what the gateway or the network does. It is counted in the arm that was
asked, so a failure here is never hidden by a retry.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import aiohttp

__all__ = ["Attempt", "GatewayClient", "Outcome"]

Arm = Literal["control", "canary"]
Outcome = Literal["ok", "refused", "throttled", "error", "timeout"]

ARM_HEADER = "x-canary-arm"
CONNECT_SECONDS = 1.0
ATTEMPT_SECONDS = 25.0
DRAW_SECONDS = 2.0
KEEP_ALIVE_SECONDS = 45.0
"""Below the load balancer's idle time-out of 60 s, so that it is never the first to hang up."""

_GUARDRAIL = "guardrail_intervened"
_THROTTLED, _TIMEOUT, _OK = 429, 504, 200


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
        self._url = url.rstrip("/")

    @staticmethod
    def open_session() -> aiohttp.ClientSession:
        """A session with this client's time-outs (seconds) and enough connections."""
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=512, keepalive_timeout=KEEP_ALIVE_SECONDS),
            timeout=aiohttp.ClientTimeout(total=ATTEMPT_SECONDS, sock_connect=CONNECT_SECONDS),
        )

    async def draw(self) -> Arm | None:
        """The arm that the listener's draw rule chooses, or None when it gives no answer."""
        timeout = aiohttp.ClientTimeout(total=DRAW_SECONDS, sock_connect=CONNECT_SECONDS)
        try:
            async with self._session.get(f"{self._url}/arm", timeout=timeout) as response:
                body = await response.json() if response.status == _OK else {}
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return None
        return _arm(body)

    async def converse(
        self,
        arm: Arm,
        messages: Sequence[Mapping[str, str]],
        *,
        conversation_id: str,
        turn: int,
        attempt: int,
        intent: str,
        instruction: str = "",
    ) -> Attempt:
        """Ask `arm` for an answer, once; `instruction` goes to the model with its system prompt."""
        document = {
            "messages": messages,
            "conversation_id": conversation_id,
            "turn": turn,
            "attempt": attempt,
            "intent": intent,
            **({"instruction": instruction} if instruction else {}),
        }
        try:
            async with self._session.post(
                f"{self._url}/v1/converse", json=document, headers={ARM_HEADER: arm}
            ) as response:
                status, body = response.status, _document(await response.read())
        except TimeoutError:
            return Attempt("timeout")
        except (aiohttp.ClientError, OSError):
            return Attempt("error")
        return _attempt(status, body)


def _document(raw: bytes) -> dict[str, Any]:
    """The body as a JSON object; a load balancer's own error page is none."""
    try:
        body = json.loads(raw)
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
        arm=_arm(body),
        model_id=body.get("model_id"),
        text=str(body.get("text", "")),
        model_ms=float(body.get("latency_ms") or 0.0),
        input_tokens=int(body.get("input_tokens") or 0),
        output_tokens=int(body.get("output_tokens") or 0),
    )


def _arm(body: Mapping[str, Any]) -> Arm | None:
    said = body.get("arm")
    return said if said in ("control", "canary") else None
