"""Which properties make CloudFormation replace a resource, by AWS's own schemas.

cfn-lint carries them, one a type and region; it is an extra of this package, loaded when asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

__all__ = ["Creation", "Schemas", "SchemasMissingError", "lint_schemas"]


class SchemasMissingError(Exception):
    """cfn-lint is not installed."""


@dataclass(frozen=True)
class Creation:
    """The properties of one type that cannot be updated, as paths such as `Scale/Unit`.

    `conditional` ones sometimes can. `identity` is what names the resource: a replacement that
    keeps the same given name is refused.
    """

    only: tuple[str, ...] = ()
    conditional: tuple[str, ...] = ()
    identity: tuple[str, ...] = ()
    known: bool = True


Schemas = Callable[[str], Creation]
"""From a resource type to what is known of it."""


def lint_schemas(region: str) -> Schemas:
    """The schemas of one region, each read once. Raises `SchemasMissingError`."""
    try:
        from cfnlint.schema import (  # noqa: PLC0415 - an extra
            PROVIDER_SCHEMA_MANAGER,
            ResourceNotFoundError,
        )
    except ImportError as error:
        raise SchemasMissingError(
            "cfn-lint is not installed: pip install 'canary[review]'"
        ) from error

    @lru_cache
    def creation(kind: str) -> Creation:
        try:
            found = PROVIDER_SCHEMA_MANAGER.get_resource_schema(region, kind).schema
        except ResourceNotFoundError:
            return Creation(known=False)
        return read_schema(found)

    return creation


def read_schema(schema: dict[str, Any]) -> Creation:
    """What a resource type's schema says about its creation."""
    own = set(_paths(schema.get("readOnlyProperties", ())))
    identity = _paths(schema.get("primaryIdentifier", ()))
    return Creation(
        only=_paths(schema.get("createOnlyProperties", ())),
        conditional=_paths(schema.get("conditionalCreateOnlyProperties", ())),
        identity=() if own & set(identity) else identity,
    )


def _paths(pointers: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(each.removeprefix("/properties/") for each in pointers))
