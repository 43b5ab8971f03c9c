"""What a message is about, by the classifier behind a SageMaker endpoint."""

from __future__ import annotations

import json
import logging
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

__all__ = ["FALLBACK_INTENT", "IntentClassifier"]

FALLBACK_INTENT = "faq"
"""Where a message goes that cannot be classified: a high-volume intent, so the lowest canary rate
applies, and one that is not critical to revenue."""

_FAILURES = (BotoCoreError, ClientError, OSError, TimeoutError, ValueError, KeyError, TypeError)
_log = logging.getLogger("canary.api")


class IntentClassifier:
    """Asks the endpoint; a failure becomes `FALLBACK_INTENT`."""

    def __init__(self, runtime: Any, endpoint: str) -> None:
        self._runtime = runtime
        self._endpoint = endpoint
        self._failing = False

    async def classify(self, message: str) -> str:
        """The intent of one message; never raises for a classifier that fails."""
        try:
            answer = await self._runtime.invoke_endpoint(
                EndpointName=self._endpoint,
                ContentType="application/json",
                Accept="application/json",
                Body=json.dumps({"text": message}).encode(),
            )
            async with answer["Body"] as stream:
                intent = str(json.loads(await stream.read())["intent"])
        except _FAILURES as error:
            if not self._failing:
                _log.warning("intent classifier %s failed: %s", self._endpoint, error)
            self._failing = True
            return FALLBACK_INTENT
        self._failing = False
        return intent
