"""An alarm's actions: SNS topics and Lambda functions, as the template names them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, Protocol

from canary.local.alarm_messages import Change, invocation, sns_notice

__all__ = ["ActionError", "ActionRunner", "Clients", "InvokeFor"]

PRINCIPAL = "lambda.alarms.cloudwatch.amazonaws.com"

_log = logging.getLogger(__name__)


class ActionError(RuntimeError):
    """An action that could not be carried out, as the alarm's history would say on AWS."""


class Clients(Protocol):
    """Makes clients of the emulator: `Emulator`, or a `boto3.Session`."""

    def client(self, service: str) -> Any:
        """A client of a service, pointed at the emulator."""


InvokeFor = Callable[[str, str, str, Any], bool]
"""invoke_for(principal, source_arn, function, event): invoke asynchronously if the function's
resource policy admits the principal; whether it did."""


class ActionRunner:
    """Carries out actions on a few threads, so that a slow one never holds up the evaluator."""

    def __init__(
        self, clients: Clients, invoke_for: InvokeFor, *, account: str, region: str
    ) -> None:
        self._clients = clients
        self._invoke_for = invoke_for
        self._account = account
        self._region = region
        self._threads = ThreadPoolExecutor(4, "alarm-action")
        self._running: set[Future[None]] = set()
        self.failures: list[str] = []
        """What went wrong, one line each, in order."""

    def start(self, alarm: Any, new: Change, old: Change) -> None:
        """Begin every action of the alarm for its new state, if its actions are enabled."""
        if not alarm.actions_enabled:
            return
        actions = {
            "ALARM": alarm.alarm_actions,
            "OK": alarm.ok_actions,
            "INSUFFICIENT_DATA": alarm.insufficient_data_actions,
        }[new.value]
        for action in actions:
            running = self._threads.submit(self._run, action, alarm, new, old)
            self._running.add(running)
            running.add_done_callback(self._running.discard)

    def finish(self, timeout: float = 10.0) -> None:
        """Wait (real seconds) for the actions under way."""
        wait(set(self._running), timeout)

    def close(self) -> None:
        """Stop; actions not begun are dropped."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _run(self, action: str, alarm: Any, new: Change, old: Change) -> None:
        try:
            self._act(action, alarm, new, old)
        except Exception as error:  # noqa: BLE001 - whatever an action raises goes on record
            text = f"alarm {alarm.name}: action {action} failed: {error}"
            self.failures.append(text)
            _log.warning("%s", text)

    def _act(self, action: str, alarm: Any, new: Change, old: Change) -> None:
        service = action.split(":")[2] if action.count(":") > 4 else ""  # noqa: PLR2004
        if service == "sns":
            subject, message = sns_notice(alarm, self._account, self._region, new, old)
            self._clients.client("sns").publish(TopicArn=action, Subject=subject, Message=message)
        elif service == "lambda":
            self._invoke(action, alarm, new, old)
        else:
            raise ActionError("only SNS topics and Lambda functions are supported")

    def _invoke(self, function: str, alarm: Any, new: Change, old: Change) -> None:
        event = invocation(alarm, self._account, self._region, new, old)
        if not self._invoke_for(PRINCIPAL, alarm.alarm_arn, function, event):
            raise ActionError(f"the function's resource policy does not admit {PRINCIPAL}")
