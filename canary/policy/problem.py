"""What is wrong with a policy, said so that it can be put right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

__all__ = ["PolicyError", "Problem"]

_SHOWN = 60
"""Characters of a value that a line shows."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: where (`stages[2].rate`), what stands there, what would be right.

    `value` is None where nothing stands.
    """

    path: str
    value: Any
    expected: str

    def __str__(self) -> str:
        found = "nothing here" if self.value is None else _shown(self.value)
        return f"{self.path}: {found}; {self.expected}"


class PolicyError(ValueError):
    """A policy, or a scenario's pace, that cannot be used: every problem at once."""

    def __init__(self, problems: Iterable[Problem], source: str = "policy") -> None:
        self.problems = tuple(problems)
        self.source = source
        super().__init__("\n".join(f"{source}: {problem}" for problem in self.problems))


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
