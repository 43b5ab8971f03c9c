"""CloudWatch Logs filter patterns: the part of the language that the templates use."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

__all__ = ["FilterError", "parse_filter"]

Matches = Callable[[str, Any], bool]
"""matches(line, parsed): `parsed` is the line's JSON object, or None."""

_JSON = re.compile(r"\{(.*)\}", re.DOTALL)
_CONDITION = re.compile(
    r"\s*\$\.(?P<path>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\s*"
    r"(?:IS\s+(?P<word>TRUE|FALSE|NULL)|(?P<operator>!?=)\s*(?P<value>\"[^\"]*\"|[^\s\"&|]+))\s*"
)
_OR = re.compile(r"\|\|(?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)")
"""Two bars outside quotes."""
_TERMS = re.compile(r"(\"[^\"]+\"\s*)+")
_WORDS = {"TRUE": True, "FALSE": False, "NULL": None}
_ABSENT = object()


class FilterError(ValueError):
    """A filter pattern beyond what is supported."""


@functools.lru_cache(maxsize=64)
def parse_filter(pattern: str) -> Matches:
    """The test behind `{ $.a IS TRUE }`, `{ $.a = value || $.b = value }`, `"term" "term"` or "".

    Raises `FilterError` for anything else. `*` in a value stands for any text.
    """
    pattern = pattern.strip()
    if not pattern:
        return lambda _line, _parsed: True
    if match := _JSON.fullmatch(pattern):
        conditions = [_condition(each, pattern) for each in _OR.split(match[1])]
        return lambda line, parsed: any(condition(line, parsed) for condition in conditions)
    if _TERMS.fullmatch(pattern):
        terms = re.findall(r"\"([^\"]+)\"", pattern)
        return lambda line, _parsed: all(term in line for term in terms)
    raise FilterError(f"filter pattern {pattern!r} is not supported")


def _condition(text: str, pattern: str) -> Matches:
    if match := _CONDITION.fullmatch(text):
        path = match["path"].split(".")
        if match["word"]:
            wanted = _WORDS[match["word"]]
            return lambda _line, parsed: _at(parsed, path) is wanted
        same = _equals(match["value"])
        if match["operator"] == "=":
            return lambda _line, parsed: same(_at(parsed, path))
        return lambda _line, parsed: (found := _at(parsed, path)) is not _ABSENT and not same(found)
    raise FilterError(f"filter pattern {pattern!r} is not supported")


def _at(parsed: Any, path: list[str]) -> Any:
    for name in path:
        if not isinstance(parsed, dict) or name not in parsed:
            return _ABSENT
        parsed = parsed[name]
    return parsed


def _equals(text: str) -> Callable[[Any], bool]:
    quoted = text.startswith('"')
    plain = text[1:-1] if quoted else text
    if not quoted and re.fullmatch(r"-?\d+(\.\d+)?", plain):
        number = float(plain)
        return lambda found: (
            isinstance(found, int | float) and not isinstance(found, bool) and found == number
        )
    pattern = re.compile(".*".join(map(re.escape, plain.split("*"))), re.DOTALL)
    return lambda found: isinstance(found, str) and pattern.fullmatch(found) is not None
