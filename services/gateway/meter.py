"""What this task's calls of its model came to, as embedded metrics of its arm.

They say how the model does between releases too, when the API counts for nobody.
"""

from __future__ import annotations

from collections import Counter

from canary.aws import clock
from canary.aws.embedded_metrics import metric_line, write
from services.gateway.model import Answer, ModelCallError
from services.gateway.settings import Settings

__all__ = ["Meter"]

PUBLISH_SECONDS = 10.0
_FAILURES = {
    "throttled": "ModelThrottles",
    "timeout": "ModelTimeouts",
    "model_error": "ModelErrors",
}
_NAMES = ("ModelCalls", *_FAILURES.values(), "InputTokens", "OutputTokens")


class Meter:
    """Counts calls until the next line is written."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._counts: Counter[str] = Counter()

    def record(self, end: Answer | ModelCallError) -> None:
        """One call of the model is over."""
        self._counts["ModelCalls"] += 1
        if isinstance(end, ModelCallError):
            self._counts[_FAILURES[end.kind]] += 1
            return
        self._counts["InputTokens"] += end.input_tokens
        self._counts["OutputTokens"] += end.output_tokens

    def publish(self) -> None:
        """Write what was counted since the last line, if anything was."""
        counts, self._counts = self._counts, Counter()
        if counts:
            values = {name: float(counts[name]) for name in _NAMES}
            about = {"model_id": self._settings.model_id}
            settings = self._settings
            namespace, arm = settings.metrics_namespace, settings.arm
            write(metric_line(namespace, arm, clock.now(), values, about))

    async def run(self) -> None:
        """Publish every 10 s, for ever."""
        while True:
            await clock.pause(PUBLISH_SECONDS)
            self.publish()
