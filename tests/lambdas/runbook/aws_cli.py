"""The AWS CLI's reading of a command line, over botocore's own models of the services.

It knows what the CLI derives from a model (operations, options, their types) and the two customs
that the runbook uses: `deploy` for CodeDeploy, and `lambda invoke` with its file for the answer.
"""

from __future__ import annotations

import json
from typing import Any

import boto3
from botocore import xform_name
from botocore.exceptions import UnknownServiceError
from botocore.model import OperationModel, Shape
from botocore.validate import ParamValidator

_SERVICES = {"deploy": "codedeploy"}
_OF_THE_CLI = {"--cli-binary-format"}
_FILE = ("lambda", "invoke")


class UsageError(Exception):
    """The AWS CLI would refuse this command line."""


def call(words: tuple[str, ...], region: str) -> dict[str, Any]:
    """Run `aws SERVICE OPERATION ...`; the service's answer.

    Raises `UsageError` for what the CLI refuses, `ClientError` for what the service does.
    """
    service = _SERVICES.get(words[1], words[1])
    try:
        client = boto3.client(service, region_name=region)
    except UnknownServiceError as error:
        raise UsageError(str(error)) from error
    operation = _operation(client, words[2])
    rest = list(words[3:])
    if (service, words[2]) == _FILE:
        if not rest or rest[-1].startswith("--"):
            raise UsageError("lambda invoke wants a file for the answer")
        rest.pop()
    given = _parameters(operation, rest)
    report = ParamValidator().validate(given, operation.input_shape)
    if report.has_errors():
        raise UsageError(report.generate_report())
    answer: dict[str, Any] = getattr(client, xform_name(operation.name))(**given)
    return answer


def _operation(client: Any, name: str) -> OperationModel:
    model = client.meta.service_model
    for each in model.operation_names:
        if xform_name(each, "-") == name:
            found: OperationModel = model.operation_model(each)
            return found
    raise UsageError(f"aws {model.service_name} has no {name}")


def _parameters(operation: OperationModel, words: list[str]) -> dict[str, Any]:
    options = {
        f"--{xform_name(name, '-')}": (name, shape)
        for name, shape in operation.input_shape.members.items()
    }
    given: dict[str, Any] = {}
    while words:
        option = words.pop(0)
        values: list[str] = []
        while words and not words[0].startswith("--"):
            values.append(words.pop(0))
        if option in _OF_THE_CLI:
            continue
        if option not in options:
            raise UsageError(f"aws {operation.name} has no {option}")
        name, shape = options[option]
        given[name] = _value(option, shape, values)
    return given


def _value(option: str, shape: Shape, values: list[str]) -> Any:
    """An option's value by the type of its member, as the CLI takes it."""
    kind = shape.type_name
    if kind == "boolean" and not values:
        return True
    if kind == "list" and shape.member.type_name not in ("structure", "list", "map"):
        return [_value(option, shape.member, [each]) for each in values]
    if len(values) != 1:
        raise UsageError(f"{option}: one value is wanted, not {len(values)}")
    (value,) = values
    match kind:
        case "structure" | "map" | "list":
            return json.loads(value)
        case "integer" | "long":
            return int(value)
        case "blob":
            return value.encode()
        case "string":
            return value
    raise UsageError(f"{option}: a {kind} is not read here")
