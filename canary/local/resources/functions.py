"""Lambda: functions, versions, aliases, layers, permissions and asynchronous settings."""

from __future__ import annotations

import contextlib
from typing import Any

from canary.local.cloudformation import Made, Request, handles, native
from canary.local.shapes import to_request

_NOT_AN_API_PROPERTY = (
    "Tags",
    "ReservedConcurrentExecutions",
    "DeadLetterConfig",
    "LoggingConfig",
    "TracingConfig",
    "RuntimeManagementConfig",
    "RecursiveLoop",
    "SnapStart",
    "Layers",
)

native("AWS::Lambda::EventSourceMapping", "live", "moto polls the source")


@handles(
    "AWS::Lambda::Function",
    "live",
    "the asset's handler in a warm process with the template's environment, time-out and reserved "
    "concurrency; no memory limit, no network isolation; a Node function of the CDK is not run",
    name_property="FunctionName",
)
def function(request: Request) -> Made:
    """A function, created or with new code and configuration."""
    client = request.parts.emulator.client("lambda")
    properties = {**request.properties, "FunctionName": request.name}
    arguments = to_request(client, "create_function", properties, ignore=_NOT_AN_API_PROPERTY)
    if request.previous is None:
        client.create_function(**arguments)
    else:
        code = arguments.pop("Code")
        client.update_function_code(FunctionName=request.name, **code)
        arguments.pop("PackageType", None)
        client.update_function_configuration(
            **{key: value for key, value in arguments.items() if key != "Architectures"}
        )
    if (reserved := properties.get("ReservedConcurrentExecutions")) is not None:
        client.put_function_concurrency(
            FunctionName=request.name, ReservedConcurrentExecutions=int(reserved)
        )
    dead_letters = (properties.get("DeadLetterConfig") or {}).get("TargetArn")
    request.parts.functions.configure(
        request.name, dead_letters=dead_letters, layered=bool(properties.get("Layers"))
    )
    return Made(request.name, {"Arn": request.arn("lambda", f"function:{request.name}")})


@handles("AWS::Lambda::Version", "live", "a copy of the function's code and configuration")
def version(request: Request) -> Made:
    """A published version."""
    client = request.parts.emulator.client("lambda")
    answer = client.publish_version(FunctionName=request.properties["FunctionName"])
    arn = answer["FunctionArn"]
    return Made(arn, {"Version": answer["Version"], "FunctionArn": arn, "FunctionVersion": arn})


@handles("AWS::Lambda::Alias", "live", "points at one version; no weighted routing")
def alias(request: Request) -> Made:
    """An alias of a function."""
    client = request.parts.emulator.client("lambda")
    properties = request.properties
    if properties.get("RoutingConfig"):
        raise ValueError("an alias with a routing configuration is not emulated")
    if request.previous is not None:
        client.update_alias(
            FunctionName=properties["FunctionName"],
            Name=properties["Name"],
            FunctionVersion=properties["FunctionVersion"],
        )
        return request.previous
    ignore = ("ProvisionedConcurrencyConfig",)
    answer = client.create_alias(**to_request(client, "create_alias", properties, ignore))
    return Made(answer["AliasArn"], {"AliasArn": answer["AliasArn"]})


@handles(
    "AWS::Lambda::LayerVersion",
    "stand-in",
    "the same packages come from this machine's environment: versions and platform differ",
)
def layer_version(request: Request) -> Made:
    """A layer by name; its content is not unpacked."""
    name = request.properties.get("LayerName", request.name)
    arn = request.arn("lambda", f"layer:{name}:1")
    return Made(arn, {"LayerVersionArn": arn})


@handles(
    "AWS::Lambda::Permission",
    "live",
    "a service without it cannot invoke the function",
)
def permission(request: Request) -> Made:
    """A statement of a function's resource policy."""
    client = request.parts.emulator.client("lambda")
    properties: dict[str, Any] = {**request.properties, "StatementId": request.logical_id}
    with contextlib.suppress(client.exceptions.ResourceNotFoundException):
        client.remove_permission(
            FunctionName=properties["FunctionName"], StatementId=request.logical_id
        )
    client.add_permission(**to_request(client, "add_permission", properties))
    request.parts.functions.scope_permission(properties["FunctionName"], request.logical_id)
    return Made(request.name, {"Id": request.name})


@handles("AWS::Lambda::EventInvokeConfig", "live", "retries and destinations are honoured")
def event_invoke_config(request: Request) -> Made:
    """How asynchronous invocations of a function are retried, and where failures go."""
    properties = request.properties
    destinations = properties.get("DestinationConfig") or {}
    request.parts.functions.set_event_invoke(
        properties["FunctionName"],
        attempts=int(properties.get("MaximumRetryAttempts", 2)),
        on_failure=(destinations.get("OnFailure") or {}).get("Destination"),
    )
    return Made(request.name)
