"""Durations as a policy writes them ("4h") and as code reads them (seconds)."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

__all__ = ["Duration", "duration_text", "duration_words", "parse_duration"]

_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_NAMES = {"d": "day", "h": "hour", "m": "minute", "s": "second"}
_WRITTEN = re.compile(r"(\d+)([dhms])")


def parse_duration(text: Any) -> int:
    """Seconds of a duration such as "60s", "30m", "4h" or "28d". Raises `ValueError`."""
    match = _WRITTEN.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError('a duration such as "60s", "30m", "4h" or "28d"')
    return int(match[1]) * _UNITS[match[2]]


def duration_text(seconds: int) -> str:
    """The shortest way to write whole seconds that `parse_duration` reads back."""
    number, unit = _largest(seconds)
    return f"{number}{unit}"


def duration_words(seconds: int) -> str:
    """The same for a sentence: "4 hours", "1 day"."""
    number, unit = _largest(seconds)
    return f"{number} {_NAMES[unit]}{'' if number == 1 else 's'}"


def _largest(seconds: int) -> tuple[int, str]:
    """The largest unit that divides the duration; days only from two on ("24h", but "2d")."""
    for unit, size in _UNITS.items():
        if seconds and seconds % size == 0 and (unit != "d" or seconds >= 2 * size):
            return seconds // size, unit
    return seconds, "s"


Duration = Annotated[
    int,
    BeforeValidator(parse_duration),
    Field(ge=0, description='a duration such as "60s", "30m", "4h" or "28d"'),
]
