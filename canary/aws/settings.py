"""A function's settings: its environment, read once at start into a frozen dataclass."""

from __future__ import annotations

import dataclasses
import os
from typing import TypeVar

__all__ = ["MissingSettingError", "from_environment"]

_T = TypeVar("_T")


class MissingSettingError(RuntimeError):
    """The function was deployed without something it needs."""


def from_environment(kind: type[_T]) -> _T:
    """Fill dataclass `kind`: field `releases_table` comes from `RELEASES_TABLE`.

    A field with a default may be absent. Raises `MissingSettingError` that names all others.
    """
    found: dict[str, str] = {}
    missing: list[str] = []
    for item in dataclasses.fields(kind):  # type: ignore[arg-type]
        name = item.name.upper()
        if value := os.environ.get(name):
            found[item.name] = value
        elif item.default is dataclasses.MISSING:
            missing.append(name)
    if missing:
        raise MissingSettingError(f"environment variables not set: {', '.join(missing)}")
    return kind(**found)
