"""Checks that several sections share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from canary.policy.problem import Problem

__all__ = ["one_of", "repeated"]


def repeated(path: str, key: str, values: Sequence[Any]) -> Iterator[Problem]:
    """A problem for each value that an earlier entry of the array already has."""
    for index, value in enumerate(values):
        first = values.index(value)
        if first < index:
            expected = f"different from {path}[{first}].{key}"
            yield Problem(f"{path}[{index}].{key}", value, expected)


def one_of(names: Sequence[str] | set[str] | frozenset[str]) -> str:
    """The words for a choice among names."""
    return f"one of {', '.join(sorted(names))}" if names else "nothing"
