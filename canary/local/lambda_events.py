"""Asynchronous invocations: events that wait, are retried, and in the end go where failures go."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from moto.awslambda.models import LambdaFunction

from canary.local.clock import Clock
from canary.local.emulator import Emulator
from canary.local.lambda_model import Failure, Outcome, Settings, ThrottledError

__all__ = ["FunctionEvents"]

_RETRY_SECONDS = (60.0, 120.0)
"""Virtual seconds before the second and the third attempt of an asynchronous event."""
_THROTTLE_POLL_SECONDS = 0.05


class FunctionEvents:
    """Runs functions on events, each in a thread of its own; `failures` keeps what none handled.

    `run` runs one version of a function and may raise `ThrottledError`; `find` and `settings` know
    a function by its name.
    """

    def __init__(
        self,
        emulator: Emulator,
        clock: Clock,
        *,
        run: Callable[[LambdaFunction, Any], Outcome],
        find: Callable[[str], LambdaFunction],
        settings: Callable[[str], Settings],
    ) -> None:
        self.failures: list[Failure] = []
        self._emulator = emulator
        self._clock = clock
        self._run = run
        self._find = find
        self._settings = settings
        self._waiting: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Give up what waits."""
        self._stopping.set()

    def start(self, function: str, event: Any) -> None:
        """Run a function on an event, later and with retries, as an `Event` invocation does."""
        target = self._find(function)
        self._count(target.function_name, 1)
        threading.Thread(
            target=self._run_with_retries,
            args=(target, json.loads(json.dumps(event, default=str))),
            name=f"event-{target.function_name}",
            daemon=True,
        ).start()

    def busy(self, name: str) -> bool:
        """Whether a function has an event that is not handled yet."""
        return self._waiting[name] > 0

    def wait_until_idle(self, seconds: float) -> bool:
        """Whether every event was handled within so many real seconds."""
        deadline = time.monotonic() + seconds
        while any(self._waiting.values()) and time.monotonic() < deadline:
            time.sleep(_THROTTLE_POLL_SECONDS)
        return not any(self._waiting.values())

    def _run_with_retries(self, function: LambdaFunction, event: Any) -> None:
        settings = self._settings(function.function_name)
        outcome = Outcome("null", "never ran", "")
        try:
            for attempt in range(settings.attempts + 1):
                if attempt and self._clock.sleep(_RETRY_SECONDS[attempt - 1], self._stopping):
                    return
                outcome = self._run_when_free(function, event)
                if outcome.error is None or self._stopping.is_set():
                    return
            reason = outcome.error or ""
            self.failures.append(Failure(function.function_name, reason, event))
            self._send_on(function, settings, event, outcome)
        finally:
            self._count(function.function_name, -1)

    def _run_when_free(self, function: LambdaFunction, event: Any) -> Outcome:
        while not self._stopping.is_set():
            try:
                return self._run(function, event)
            except ThrottledError:
                self._stopping.wait(_THROTTLE_POLL_SECONDS)
        return Outcome("null", None, "")

    def _send_on(
        self, function: LambdaFunction, settings: Settings, event: Any, outcome: Outcome
    ) -> None:
        if settings.dead_letters:
            self._send(settings.dead_letters, json.dumps(event))
        if settings.on_failure:
            record = {
                "version": "1.0",
                "requestContext": {
                    "functionArn": function.function_arn,
                    "condition": "RetriesExhausted",
                    "approximateInvokeCount": settings.attempts + 1,
                },
                "requestPayload": event,
                "responsePayload": json.loads(outcome.payload),
            }
            self._send(settings.on_failure, json.dumps(record))

    def _send(self, target: str, text: str) -> None:
        service = target.split(":")[2]
        if service == "sqs":
            client = self._emulator.client("sqs")
            url = client.get_queue_url(QueueName=target.rsplit(":", 1)[1])["QueueUrl"]
            client.send_message(QueueUrl=url, MessageBody=text)
        elif service == "sns":
            self._emulator.client("sns").publish(TopicArn=target, Message=text)
        elif service == "lambda":
            self.start(target, json.loads(text))
        else:
            raise ValueError(f"a function's failures cannot be sent to {target}")

    def _count(self, name: str, change: int) -> None:
        with self._lock:
            self._waiting[name] += change
