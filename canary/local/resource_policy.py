"""Whether a function's resource policy admits a service: the one permission the region checks."""

from __future__ import annotations

import fnmatch
import json
from typing import Any

from botocore.exceptions import ClientError

__all__ = ["admits"]


def admits(client: Any, function: str, *, principal: str, source_arn: str, account: str) -> bool:
    """Whether `principal` may invoke `function` (an ARN, alias or version included).

    A statement counts when its conditions on the source's ARN and account hold; a condition on
    anything else does not hold. `client` is a Lambda client.
    """
    name, qualifier = _split(function)
    try:
        answer = client.get_policy(
            FunctionName=name, **({"Qualifier": qualifier} if qualifier else {})
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return False
        raise
    context = {"aws:sourcearn": source_arn, "aws:sourceaccount": account}
    return any(
        _allows(statement, principal, function, context)
        for statement in json.loads(answer["Policy"])["Statement"]
    )


def _split(function: str) -> tuple[str, str]:
    parts = function.split(":")
    if len(parts) > 7:  # noqa: PLR2004 - arn:aws:lambda:region:account:function:name:qualifier
        return ":".join(parts[:7]), parts[7]
    return function, ""


def _allows(
    statement: dict[str, Any], principal: str, function: str, context: dict[str, str]
) -> bool:
    who = statement.get("Principal")
    services = who.get("Service") if isinstance(who, dict) else who
    actions = statement.get("Action")
    resource = statement.get("Resource", function)
    return (
        statement.get("Effect") == "Allow"
        and principal in ([services] if isinstance(services, str) else services or [])
        and "lambda:InvokeFunction" in ([actions] if isinstance(actions, str) else actions or [])
        and resource in (function, _split(function)[0])
        and all(
            _holds(kind, key, wanted, context)
            for kind, tests in (statement.get("Condition") or {}).items()
            for key, wanted in tests.items()
        )
    )


def _holds(kind: str, key: str, wanted: Any, context: dict[str, str]) -> bool:
    found = context.get(key.lower())
    options = [wanted] if isinstance(wanted, str) else wanted
    if found is None:
        return False
    if kind in ("ArnLike", "StringLike"):
        return any(fnmatch.fnmatchcase(found, option) for option in options)
    return kind in ("StringEquals", "ArnEquals") and found in options
