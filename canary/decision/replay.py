"""What a look's decision is when it is made again, and where that differs from what was kept."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from canary.decision.record import LookRecord

__all__ = ["Difference", "Replay", "Replayed", "replay"]

ROUNDING = 1e-9
"""Relative: what two machines' libraries of mathematics may differ by, and no rule notices."""


class Replayed(StrEnum):
    """What came of making a decision again."""

    SAME = "same"
    """Bit for bit."""
    ROUNDING = "rounding"
    """Every word and verdict; numbers but for their last digits, as on another processor."""
    DIFFERS = "differs"


@dataclass(frozen=True)
class Difference:
    """One place where the two decisions differ; a side that lacks it has `None`."""

    path: str
    kept: Any
    made: Any

    @property
    def rounding(self) -> bool:
        """Whether both are numbers that differ in their last digits only."""
        return _number(self.kept) and _number(self.made) and _close(self.kept, self.made)


@dataclass(frozen=True)
class Replay:
    """The decision made again, and every difference from the one that was kept."""

    made: Mapping[str, Any]
    differences: tuple[Difference, ...]

    @property
    def outcome(self) -> Replayed:
        """The same, the same but for rounding, or another decision."""
        if not self.differences:
            return Replayed.SAME
        if all(each.rounding for each in self.differences):
            return Replayed.ROUNDING
        return Replayed.DIFFERS


def replay(record: LookRecord) -> Replay:
    """Make the look's decision again from what it read. Raises what the engine raises."""
    made = record.replay()
    return Replay(made, tuple(_differences("", record.decision, made)))


def _differences(path: str, kept: Any, made: Any) -> Iterator[Difference]:
    if isinstance(kept, Mapping) and isinstance(made, Mapping):
        for name in sorted(kept.keys() | made.keys()):
            yield from _differences(
                f"{path}.{name}" if path else name, kept.get(name), made.get(name)
            )
    elif isinstance(kept, list) and isinstance(made, list):
        for index in range(max(len(kept), len(made))):
            one, other = (side[index] if index < len(side) else None for side in (kept, made))
            yield from _differences(f"{path}[{index}]", one, other)
    elif kept != made or isinstance(kept, bool) != isinstance(made, bool):
        yield Difference(path, kept, made)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _close(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=ROUNDING)
