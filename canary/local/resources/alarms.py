"""CloudWatch: alarms, composite alarms and dashboards."""

from __future__ import annotations

from typing import Any

from canary.local.cloudformation import Made, Request, handles, native
from canary.local.shapes import to_request

native("AWS::CloudWatch::Dashboard", "stand-in", "stored, never drawn")


@handles(
    "AWS::CloudWatch::Alarm",
    "live",
    "evaluated on the virtual clock; transitions call the template's actions",
    name_property="AlarmName",
)
def alarm(request: Request) -> Made:
    """A metric alarm, in INSUFFICIENT_DATA until it is first evaluated."""
    return _put(request, "put_metric_alarm")


@handles(
    "AWS::CloudWatch::CompositeAlarm",
    "live",
    "evaluated after its children; transitions call the template's actions",
    name_property="AlarmName",
)
def composite_alarm(request: Request) -> Made:
    """A composite alarm over alarms that exist."""
    return _put(request, "put_composite_alarm")


def _put(request: Request, operation: str) -> Made:
    client = request.parts.emulator.client("cloudwatch")
    properties: dict[str, Any] = {**request.properties, "AlarmName": request.name}
    arguments = to_request(client, operation, properties, ignore=("Tags",))
    getattr(client, operation)(**arguments)
    return Made(request.name, {"Arn": request.arn("cloudwatch", f"alarm:{request.name}")})
