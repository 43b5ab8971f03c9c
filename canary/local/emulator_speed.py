"""What moto does in a roundabout way on every request, done directly; nothing answers otherwise.

A release asks the records' table most, and its answers are deep: moto works each of their values
out by the service's whole model, and copies it once a level. A region's pace hangs on it.
"""

from __future__ import annotations

import functools
from typing import Any

from moto import backends
from moto.core import responses
from moto.core.serialize import BaseJSONSerializer
from moto.core.utils import method_names_from_class
from moto.dynamodb.models.dynamo_type import DynamoType

from canary.local.patches import Patches

__all__ = ["install"]

_VALUE = "AttributeValue"


def install(patches: Patches) -> None:
    """Every patch below, before the first request."""
    write_attribute_values_as_they_are(patches)
    copy_attribute_values_once(patches)
    list_services_once(patches)
    list_actions_once(patches)


def write_attribute_values_as_they_are(patches: Patches) -> None:
    """An attribute's value is already what goes over the wire; bytes would fail, not be wrong."""
    original = BaseJSONSerializer._serialize_type_structure

    def serialize(
        self: BaseJSONSerializer, serialized: Any, value: Any, shape: Any, key: str
    ) -> None:
        if key and shape.name == _VALUE and isinstance(value, dict):
            self._default_serialize(serialized, value, shape, key)
        else:
            original(self, serialized, value, shape, key)

    patches.set(BaseJSONSerializer, "_serialize_type_structure", serialize)


def copy_attribute_values_once(patches: Patches) -> None:
    """Moto copies a value deeply at each of its levels."""
    original = DynamoType.to_regular_json

    def to_regular_json(self: DynamoType) -> dict[str, Any]:
        if self.is_map():
            return {self.type: {name: _regular(each) for name, each in self.value.items()}}
        if self.is_list():
            return {self.type: [_regular(each) for each in self.value]}
        found: dict[str, Any] = original(self)
        return found

    patches.set(DynamoType, "to_regular_json", to_regular_json)


def _regular(value: Any) -> Any:
    return value.to_regular_json() if isinstance(value, DynamoType) else value


def list_services_once(patches: Patches) -> None:
    """Moto reads its own directory to tell the service of each request."""
    services = tuple(backends.list_of_moto_modules())
    patches.set(backends, "list_of_moto_modules", lambda: services)


def list_actions_once(patches: Patches) -> None:
    """Moto inspects a service's whole class to see whether it has the action of a request."""
    cached = functools.cache(method_names_from_class)
    patches.set(responses, "method_names_from_class", cached)
