"""Turns a template's properties into the request of an AWS API, by the API's own model."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

__all__ = ["to_request"]


def to_request(
    client: Any, operation: str, properties: dict[str, Any], ignore: Collection[str] = ()
) -> dict[str, Any]:
    """The arguments of `client.<operation>` that `properties` describe.

    Names match whatever their case, and text becomes the number or boolean that the API takes.
    Raises `ValueError` for a property the API does not know and `ignore` does not name.
    """
    name = client.meta.method_to_api_mapping[operation]
    shape = client.meta.service_model.operation_model(name).input_shape
    wanted = {key: value for key, value in properties.items() if key not in ignore}
    return dict(_structure(shape, wanted, name))


def _structure(shape: Any, value: dict[str, Any], path: str) -> dict[str, Any]:
    members = {name.lower(): name for name in shape.members}
    result = {}
    for key, each in value.items():
        name = members.get(key.lower())
        if name is None:
            raise ValueError(f"{path} has no member {key}")
        result[name] = _value(shape.members[name], each, f"{path}.{name}")
    return result


def _value(shape: Any, value: Any, path: str) -> Any:  # noqa: PLR0911 - one return a type
    match shape.type_name:
        case "structure":
            return _structure(shape, value, path)
        case "list":
            items = value if isinstance(value, list) else [value]
            return [_value(shape.member, each, path) for each in items]
        case "map":
            return {str(key): _value(shape.value, each, path) for key, each in value.items()}
        case "integer" | "long":
            return int(value)
        case "float" | "double":
            return float(value)
        case "boolean":
            return value if isinstance(value, bool) else str(value).lower() == "true"
        case "string":
            return value if isinstance(value, str) else _text(value)
        case _:
            return value


def _text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, dict | list | bool) else str(value)
