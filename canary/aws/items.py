"""Python values as DynamoDB attribute values, and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

__all__ = ["from_item", "to_item"]

_SERIALIZER = TypeSerializer()
_DESERIALIZER = TypeDeserializer()


def to_item(value: Mapping[str, Any]) -> dict[str, Any]:
    """Attribute values of a plain mapping; a float that is not finite becomes null."""
    return {key: _SERIALIZER.serialize(_storable(each)) for key, each in value.items()}


def from_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values of an item: a Decimal becomes an int where it is whole, else a float."""
    return {key: _plain(_DESERIALIZER.deserialize(each)) for key, each in item.items()}


def _storable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _storable(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_storable(each) for each in value]
    if isinstance(value, float):
        return Decimal(f"{value:.15g}") if math.isfinite(value) else None
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value
