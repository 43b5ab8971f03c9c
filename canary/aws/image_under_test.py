"""An image of the API that no customer meets yet, asked over HTTP."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from typing import Any

from canary.aws import clock

__all__ = ["ImageUnderTest", "SmokeTestError"]

HEALTHY_ANSWERS = 3
HEALTHY_PAUSE_SECONDS = 3.0
"""The listener turns to the new tasks within seconds: one answer may still be an old task's."""
MOST_ANSWERS = 10
HEALTH_TIMEOUT_SECONDS = 3.0
CHAT_TIMEOUT_SECONDS = 30.0
UNIT = "smoke-test"
"""Always the same, so that all tests together are one unit in whatever experiment runs."""


class SmokeTestError(Exception):
    """The image does not do what it must; the message says what."""


class ImageUnderTest:
    """The API as the test listener at `url` shows it."""

    def __init__(self, url: str) -> None:
        self._url = url

    def test(self, conversation_id: str) -> None:
        """Ask until it is ready, steadily, then for one turn. Raises `SmokeTestError`."""
        self._wait_for_health()
        body = {
            "session_id": UNIT,
            "customer_id": UNIT,
            "conversation_id": conversation_id,
            "message": "Which volume comes after the first?",
        }
        status, answer = self._ask("/v1/chat", CHAT_TIMEOUT_SECONDS, body)
        if status != http.HTTPStatus.OK:
            raise SmokeTestError(f"/v1/chat answered {status}")
        if not answer.get("text"):
            raise SmokeTestError("/v1/chat answered without a text")

    def _wait_for_health(self) -> None:
        steady, said = 0, "nothing"
        for _ in range(MOST_ANSWERS):
            try:
                status, _ = self._ask("/readyz", HEALTH_TIMEOUT_SECONDS)
                said = str(status)
            except SmokeTestError as error:
                status, said = 0, str(error)
            steady = steady + 1 if status == http.HTTPStatus.OK else 0
            if steady == HEALTHY_ANSWERS:
                return
            clock.sleep(HEALTHY_PAUSE_SECONDS)
        raise SmokeTestError(
            f"/readyz did not answer 200 {HEALTHY_ANSWERS} times in a row; the last was {said}"
        )

    def _ask(
        self, path: str, timeout: float, body: dict[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        request = urllib.request.Request(  # noqa: S310 - the template's own address
            self._url + path,
            data=json.dumps(body).encode() if body else None,
            # The firewall refuses requests without a name, and known tools by theirs.
            headers={"Content-Type": "application/json", "User-Agent": UNIT},
        )
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310
                status, content = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, {}
        except (OSError, http.client.HTTPException) as error:
            raise SmokeTestError(f"{path}: {error}") from error
        return status, _object(content)


def _object(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
