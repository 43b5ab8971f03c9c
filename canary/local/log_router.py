"""Where a task's lines go: metrics to the store, subscriptions to functions and delivery streams.

Once a virtual minute what has gathered is delivered: one invocation of a function, and one record
of a stream.
"""

from __future__ import annotations

import json
import logging
import threading
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from typing import Any

from canary.events import schema
from canary.local import embedded_metrics
from canary.local.firehose import DeliveryStreams
from canary.local.firehose_config import StreamError
from canary.local.lasting import LastingThread
from canary.local.log_delivery import subscription_event
from canary.local.log_filters import FilterError, parse_filter
from canary.local.metrics import MetricStore, VirtualClock
from canary.local.turn_tally import TurnTally

__all__ = ["LogRouter"]

BATCH_SECONDS = 60.0
"""Virtual seconds between two batches."""

TAIL_LINES = 200
PRINCIPAL = "logs.amazonaws.com"
EVENTS = frozenset(schema.EVENTS)
DESTINATIONS = ("lambda", "firehose")

_log = logging.getLogger(__name__)

InvokeFor = Callable[[str, str, str, Any], bool]
"""invoke_for(principal, source_arn, function, event): whether the function's policy admits it."""


class LogRouter:
    """Takes lines from any thread. `tally` counts events, `failures` says what went wrong.

    `log_groups` are the emulator's, by name, with their subscription filters.
    """

    def __init__(
        self,
        *,
        store: MetricStore,
        clock: VirtualClock,
        streams: DeliveryStreams,
        log_groups: Mapping[str, Any],
        invoke_for: InvokeFor,
        account: str,
        region: str,
    ) -> None:
        self.tally = TurnTally()
        self.failures: list[str] = []
        self._store = store
        self._clock = clock
        self._streams = streams
        self._log_groups = log_groups
        self._invoke_for = invoke_for
        self._owner = (account, region)
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._deliveries: dict[tuple[str, str, str], list[tuple[float, str]]] = defaultdict(list)
        self._tails: dict[str, deque[str]] = defaultdict(lambda: deque(maxlen=TAIL_LINES))
        self._thread = LastingThread("logs", self._run)

    def load(self) -> None:
        """Read every subscription now. Raises `FilterError` for one we cannot serve."""
        for name, group in list(self._log_groups.items()):
            for subscription in _subscriptions(group):
                parse_filter(subscription.filter_pattern)
                if _service(subscription.destination_arn) not in DESTINATIONS:
                    raise FilterError(
                        f"log group {name}: only {' and '.join(DESTINATIONS)} are supported as "
                        f"destination, not {subscription.destination_arn}"
                    )

    def start(self) -> None:
        """Deliver once a virtual minute until `stop`."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread and settle."""
        self._thread.end(within=5)
        self.settle()

    def on_line(self, log_group: str, line: str) -> None:
        """Route one line of a task; never raises: what is wrong with a line goes on record."""
        parsed = _parse(line)
        try:
            if parsed is not None and "_aws" in parsed:
                embedded_metrics.publish(self._store, parsed)
            elif parsed is not None and parsed.get("event") in EVENTS:
                self.tally.add(parsed)
            else:
                self._tails[log_group].append(line)
            self._subscribe(log_group, line, parsed)
        except (ValueError, KeyError, TypeError) as error:
            self._fail(f"{log_group}: {error!r} in {line[:200]}")

    def tail(self, log_group: str, last: int = 20) -> list[str]:
        """The last lines of a log group that are neither metrics nor events."""
        return list(self._tails.get(log_group, ()))[-last:]

    def flush(self) -> None:
        """Deliver what has gathered; a delivery stream writes in its own time."""
        with self._flushing:
            with self._lock:
                deliveries, self._deliveries = self._deliveries, defaultdict(list)
            for (group, name, destination), lines in deliveries.items():
                self._deliver(group, name, destination, lines)
            self._streams.deliver()

    def settle(self) -> None:
        """Deliver what has gathered, and write what streams still hold."""
        self.flush()
        self._streams.deliver(everything=True)

    def _run(self) -> None:
        while not self._thread.ending.wait(BATCH_SECONDS / self._clock.factor):
            self.flush()

    def _subscribe(self, log_group: str, line: str, parsed: dict[str, Any] | None) -> None:
        group = self._log_groups.get(log_group)
        if group is None:
            return
        for subscription in _subscriptions(group):
            if parse_filter(subscription.filter_pattern)(line, parsed):
                key = (log_group, subscription.name, subscription.destination_arn)
                with self._lock:
                    self._deliveries[key].append((self._clock.now(), line))

    def _deliver(
        self, log_group: str, name: str, destination: str, lines: list[tuple[float, str]]
    ) -> None:
        account, region = self._owner
        events = [
            {"id": uuid.uuid4().hex, "timestamp": int(at * 1000), "message": line}
            for at, line in lines
        ]
        event = subscription_event(log_group, "tasks", name, events, owner=account)
        if _service(destination) == "firehose":
            self._put(name, destination, event["awslogs"]["data"])
            return
        source = f"arn:aws:logs:{region}:{account}:log-group:{log_group}:*"
        try:
            admitted = self._invoke_for(PRINCIPAL, source, destination, event)
        except Exception as error:  # noqa: BLE001 - whatever the function runner raises
            self._fail(f"subscription {name} of {log_group}: {error}")
            return
        if not admitted:
            self._fail(f"subscription {name}: {destination} does not admit {PRINCIPAL}")

    def _put(self, name: str, stream: str, data: str) -> None:
        try:
            self._streams.put(stream, data)
        except StreamError as error:
            self._fail(f"subscription {name}: {error}")

    def _fail(self, text: str) -> None:
        self.failures.append(text)
        _log.warning("%s", text)


def _service(arn: str) -> str:
    return arn.split(":")[2]


def _subscriptions(group: Any) -> list[Any]:
    return list(group.subscription_filters.values())


def _parse(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        parsed = json.loads(line)
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) else None
