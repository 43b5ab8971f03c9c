"""EventBridge in the embedded region: events reach the targets of the rules that match them."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from typing import Any

from moto.events.models import EventsBackend, Rule, events_backends

from canary.local.clock import Clock
from canary.local.emulator import ACCOUNT, Emulator
from canary.local.lambda_model import Failure
from canary.local.lambdas import Functions
from canary.local.patches import Patches

__all__ = ["EventBus"]

_PRINCIPAL = "events.amazonaws.com"


class EventBus:
    """The region's default bus, for events of AWS services as for those of `PutEvents`."""

    def __init__(self, emulator: Emulator, functions: Functions, clock: Clock) -> None:
        self._emulator = emulator
        self._functions = functions
        self._clock = clock

    def publish(
        self, source: str, detail_type: str, detail: dict[str, Any], *, resources: list[str]
    ) -> dict[str, Any]:
        """Send an event of a service to every rule that matches; the answer is the event."""
        event = self.event(source, detail_type, detail, resources)
        for rule in self.rules():
            self.offer(rule, event)
        return event

    def event(
        self, source: str, detail_type: str, detail: dict[str, Any], resources: list[str]
    ) -> dict[str, Any]:
        """An event stamped with the virtual time."""
        now = dt.datetime.fromtimestamp(self._clock.now(), tz=dt.UTC)
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": detail_type,
            "source": source,
            "account": ACCOUNT,
            "time": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": self._emulator.region,
            "resources": resources,
            "detail": detail,
        }

    def rules(self) -> list[Rule]:
        """Every rule of every bus."""
        backend: EventsBackend = events_backends[ACCOUNT][self._emulator.region]
        return [rule for bus in backend.event_buses.values() for rule in bus.rules.values()]

    def offer(self, rule: Rule, event: dict[str, Any]) -> None:
        """Send the event to the rule's targets if it is enabled and its pattern matches."""
        pattern: Any = rule.event_pattern
        if rule.state == "ENABLED" and pattern.get_pattern() and pattern.matches_event(event):
            self.send(rule, event)

    def send(self, rule: Rule, event: dict[str, Any]) -> None:
        """Send the event to every target of the rule; a failure is kept and stops no other."""
        for target in list(rule.targets):
            try:
                self._deliver(rule, target, _input(target, event))
            except Exception as error:  # noqa: BLE001 - one target's failure is not the sender's
                reason = f"{rule.name}: {type(error).__name__}: {error}"
                self._functions.events.failures.append(Failure(target["Arn"], reason, event))

    def install(self, patches: Patches) -> None:
        """Let the rules of moto's buses deliver here."""
        _deliver_to_every_target(patches, self)

    def _deliver(self, rule: Rule, target: dict[str, Any], event: Any) -> None:
        arn = target["Arn"]
        match arn.split(":")[2]:
            case "lambda":
                self._functions.invoke_for(_PRINCIPAL, rule.arn, arn, event)
            case "states":
                client = self._emulator.client("stepfunctions")
                client.start_execution(stateMachineArn=arn, input=json.dumps(event))
            case "sns":
                self._emulator.client("sns").publish(TopicArn=arn, Message=_text(event))
            case "sqs":
                client = self._emulator.client("sqs")
                url = client.get_queue_url(QueueName=arn.rsplit(":", 1)[1])["QueueUrl"]
                client.send_message(QueueUrl=url, MessageBody=_text(event))
            case service:
                raise ValueError(f"targets of {service} are not emulated")


def _deliver_to_every_target(patches: Patches, bus: EventBus) -> None:
    """Moto calls no function or machine, and offers every event to rules that have no pattern."""

    def send_to_targets(
        self: Rule,
        original_event: dict[str, Any],
        transform_input: bool = True,  # noqa: ARG001 - moto's signature
    ) -> None:
        event = {**original_event}
        event.pop("ingestion-time", None)
        if not isinstance(event.get("time"), str):
            stamp = dt.datetime.fromtimestamp(float(event["time"]), tz=dt.UTC)
            event["time"] = stamp.strftime("%Y-%m-%dT%H:%M:%SZ")
        bus.offer(self, event)

    patches.set(Rule, "send_to_targets", send_to_targets)


def _input(target: dict[str, Any], event: dict[str, Any]) -> Any:
    if "Input" in target:
        return json.loads(target["Input"])
    if "InputPath" in target:
        return _at(event, target["InputPath"])
    if "InputTransformer" in target:
        raise ValueError("input transformers are not emulated")
    return event


def _at(event: dict[str, Any], path: str) -> Any:
    value: Any = event
    for part in path.removeprefix("$").strip(".").split("."):
        value = value[part] if part else value
    return value


def _text(event: Any) -> str:
    return event if isinstance(event, str) else json.dumps(event)
