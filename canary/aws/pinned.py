"""Conversations of a drill, pinned to the canary by the gateway's own header, and nobody else's."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from canary.aws import clock

__all__ = ["PinnedConversations", "Talk"]

ARM_HEADER = "x-canary-arm"
PAUSE_SECONDS = 0.5
TIMEOUT_SECONDS = 10.0
NOT_A_ROLE = "drill"
"""Bedrock knows `user` and `assistant`: it refuses a message of another before a model reads it,
so that the fault costs nothing, and the gateway answers 502 as for every call that failed."""


@dataclass
class Talk:
    """What some requests came to, by the arm whose task answered."""

    canary: int = 0
    control: int = 0
    failed: int = 0
    """Answers that are no 200, and requests without an answer; whoever answered is counted too."""
    last_canary_at: float | None = None
    """Epoch seconds."""
    last_error: str = ""


class PinnedConversations:
    """Asks the gateway at `url` as the API would for a customer who is pinned to the canary."""

    def __init__(self, url: str) -> None:
        self._url = url

    def talk(self, conversation_id: str, requests: int, *, broken: bool) -> Talk:
        """Send so many requests one after the other; `broken` ones are refused by the model."""
        talk = Talk()
        for number in range(requests):
            if number:
                clock.sleep(PAUSE_SECONDS)
            self._ask(talk, conversation_id, number + 1, broken=broken)
        return talk

    def _ask(self, talk: Talk, conversation_id: str, turn: int, *, broken: bool) -> None:
        role = NOT_A_ROLE if broken else "user"
        body = {
            "messages": [{"role": role, "text": "Which volume comes after the first?"}],
            "conversation_id": conversation_id,
            "turn": turn,
            "attempt": 1,
            "intent": "faq",
        }
        request = urllib.request.Request(  # noqa: S310 - the template's own address
            f"{self._url}/v1/converse",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", ARM_HEADER: "canary"},
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
                answer.read()
                self._answered(talk, answer.headers)
        except urllib.error.HTTPError as error:
            talk.failed += 1
            talk.last_error = f"{error.code} of {error.headers.get(ARM_HEADER, 'nobody')}"
            self._answered(talk, error.headers)
        except (OSError, http.client.HTTPException) as error:
            talk.failed += 1
            talk.last_error = str(error)

    def _answered(self, talk: Talk, headers: Any) -> None:
        arm = headers.get(ARM_HEADER)
        if arm == "canary":
            talk.canary += 1
            talk.last_canary_at = clock.now()
        elif arm == "control":
            talk.control += 1
