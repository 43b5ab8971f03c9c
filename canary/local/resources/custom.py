"""Custom resources: the template's own function is called, framework or not."""

from __future__ import annotations

import json
import uuid
from typing import Any

from canary.local.cloudformation import Made, Request, handles, handles_custom, removes

_ON_EVENT = "USER_ON_EVENT_FUNCTION_ARN"
_IS_COMPLETE = "USER_IS_COMPLETE_FUNCTION_ARN"
_POLL_SECONDS = 5.0
_MAX_POLLS = 720

for _type, _why in {
    "Custom::VpcRestrictDefaultSG": "the CDK's Node function; no packet passes a security group",
    "Custom::S3AutoDeleteObjects": "the CDK's Node function; buckets end with the region",
    "Custom::LogRetention": "the CDK's Node function; logs end with the region",
}.items():

    @handles(_type, "not run", _why)
    def _not_run(request: Request) -> Made:
        return Made(request.logical_id)


@handles_custom("the template's function is called; the provider framework (Node) is replaced")
def custom_resource(request: Request) -> Made:
    """Call the function behind the service token and take its answer.

    Raises `ValueError` when the function is not one of ours: it must be a Python function, or the
    provider framework's, which names one.
    """
    functions = request.parts.functions
    token = request.properties["ServiceToken"]
    environment = functions.environment(token)
    target = environment.get(_ON_EVENT, token)
    event = _event(request)
    answer = _call(request, target, event)
    if (checker := environment.get(_IS_COMPLETE)) is not None:
        for _ in range(_MAX_POLLS):
            done = _call(request, checker, {**event, **answer})
            if done.get("IsComplete"):
                answer["Data"] = {**answer.get("Data", {}), **done.get("Data", {})}
                break
            request.parts.clock.sleep(_POLL_SECONDS)
        else:
            raise ValueError(f"{checker} never answered IsComplete")
    identity = answer.get("PhysicalResourceId") or event.get("PhysicalResourceId")
    return Made(identity or request.logical_id, answer.get("Data") or {})


@removes("AWS::CloudFormation::CustomResource")
def remove_custom_resource(request: Request, made: Made) -> None:
    """Tell the function that its resource is gone."""
    token = request.properties["ServiceToken"]
    target = request.parts.functions.environment(token).get(_ON_EVENT, token)
    event = _event(request) | {"RequestType": "Delete", "PhysicalResourceId": made.id}
    _call(request, target, event)


def _event(request: Request) -> dict[str, Any]:
    properties = {k: v for k, v in request.properties.items() if k != "ServiceTimeout"}
    event: dict[str, Any] = {
        "RequestType": "Create" if request.previous is None else "Update",
        "RequestId": str(uuid.uuid4()),
        "StackId": request.stack_id,
        "LogicalResourceId": request.logical_id,
        "ResourceType": request.type,
        "ResourceProperties": properties,
    }
    if request.previous is not None:
        event["PhysicalResourceId"] = request.previous.id
        event["OldResourceProperties"] = request.previous_properties
    return event


def _call(request: Request, function: str, event: dict[str, Any]) -> dict[str, Any]:
    outcome = request.parts.functions.invoke(function, event)
    if outcome.error is not None:
        raise ValueError(f"{function}: {outcome.error}")
    answer = json.loads(outcome.payload)
    return answer if isinstance(answer, dict) else {}
