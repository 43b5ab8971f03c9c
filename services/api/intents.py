"""What a message is about, by the classifier behind a SageMaker endpoint."""

from __future__ import annotations

import json
import logging
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from cachetools import TTLCache

from canary.aws import clock
from services.api.breaker import Breaker

__all__ = ["FALLBACK_INTENT", "IntentClassifier"]

FALLBACK_INTENT = "faq"
"""Where a message goes that cannot be classified: a high-volume intent, so the lowest canary rate
applies, and one that is not critical to revenue."""

KNOWN_MESSAGES = 10_000
"""How many messages a task knows the intent of: at most 40 MB of the longest there are."""
KNOWN_SECONDS = 3_600.0
"""A new classifier is heard on everything within the hour."""
_FAILURES = (BotoCoreError, ClientError, OSError, TimeoutError, ValueError, KeyError, TypeError)
_log = logging.getLogger("canary.api")


class IntentClassifier:
    """Asks the endpoint; a failure becomes `FALLBACK_INTENT`, for that message once.

    What it answered is remembered, for customers say the same things, greetings above all. After
    some failures in a row it is left alone for a while, so that no turn waits for it.
    """

    def __init__(self, runtime: Any, endpoint: str) -> None:
        self._runtime = runtime
        self._endpoint = endpoint
        self.breaker = Breaker()
        self._known: TTLCache[str, str] = TTLCache(KNOWN_MESSAGES, KNOWN_SECONDS, timer=clock.now)

    async def classify(self, message: str) -> str:
        """The intent of one message; never raises for a classifier that fails."""
        if known := self._known.get(message):
            return known
        if not self.breaker.admits():
            return FALLBACK_INTENT
        try:
            intent = await self._ask(message)
        except _FAILURES as error:
            if not self.breaker.failing:
                _log.warning("intent classifier %s failed: %r", self._endpoint, error)
            self.breaker.failed()
            return FALLBACK_INTENT
        self.breaker.succeeded()
        self._known[message] = intent
        return intent

    async def _ask(self, message: str) -> str:
        answer = await self._runtime.invoke_endpoint(
            EndpointName=self._endpoint,
            ContentType="application/json",
            Accept="application/json",
            Body=json.dumps({"text": message}).encode(),
        )
        async with answer["Body"] as stream:
            return str(json.loads(await stream.read())["intent"])
