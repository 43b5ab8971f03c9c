"""How often a policy may be wrong, world by world: what a default policy is held to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Target", "Verdict", "targets_of", "verdicts"]

_NULL_LIKE = (
    "null",
    "same",
    "shared_incident",
    "bursty",
    "very_bursty",
    "trough_start",
    "small_region",
    "simpson",
    "angry_silent",
)
"""Worlds whose candidate is just like the control."""
_MARGIN_GATES = {
    "at_margin_error": "error points",
    "at_margin_p99": "p99 relative",
    "at_margin_hallucination": "hallucination points",
    "at_margin_safety": "safety points",
    "at_margin_cart": "cart points",
    "at_margin_csat": "csat relative",
    "at_margin_completion": "completion points checkout_help",
    "at_margin_language": "language level",
}


@dataclass(frozen=True)
class Target:
    """One measure of a world's summary and its limit."""

    world: str
    measure: str
    kind: Literal["at most", "at least"]
    limit: float


@dataclass(frozen=True)
class Verdict:
    """What was reached; `holds` unless the whole Monte Carlo interval lies on the wrong side."""

    target: Target
    estimate: float
    lower: float
    upper: float

    @property
    def holds(self) -> bool:
        """Whether the figure is within the limit, or within Monte Carlo error of it."""
        if self.target.kind == "at most":
            return self.lower <= self.target.limit
        return self.upper >= self.target.limit


def targets_of(world: str) -> tuple[Target, ...]:
    """The targets of a world by name; none for a world that is not among them."""
    found: list[Target] = []
    if world in _NULL_LIKE:
        found.append(Target(world, "stopped", "at most", 0.01))
        if world != "same":
            found.append(Target(world, "promote", "at most", 0.025))
    if world == "same":
        found += [
            Target(world, "promote", "at least", 0.90),
            Target(world, "hold", "at most", 0.05),
        ]
    if world == "better":
        found += [
            Target(world, "promote", "at least", 0.90),
            Target(world, "days_to_promote", "at most", 16.0),
            Target(world, "hold", "at most", 0.05),
            Target(world, "stopped", "at most", 0.01),
        ]
    if world == "worse":
        found += [
            Target(world, "reject", "at least", 0.99),
            Target(world, "hours_to_stop", "at most", 12.0),
        ]
    if world in _MARGIN_GATES:
        found.append(Target(world, f"gate {_MARGIN_GATES[world]}", "at most", 0.05))
    return tuple(found)


def verdicts(world: str, found: Mapping[str, Any]) -> Iterator[Verdict]:
    """Hold a world's summary against its targets."""
    for target in targets_of(world):
        if target.measure.startswith("gate "):
            yield from _gates(target, found)
        elif "median" in found[target.measure]:
            median = found[target.measure]["median"]
            if median is not None:
                yield Verdict(target, median, median, median)
        else:
            yield Verdict(target, **found[target.measure])


def _gates(target: Target, found: Mapping[str, Any]) -> Iterator[Verdict]:
    """A gate at each of its stages, as its first block with data was judged."""
    name = target.measure.removeprefix("gate ")
    for gate, values in found["gates"].items():
        if gate.split(" ", 1)[1] == name:
            limit = Target(target.world, f"gate {gate}", target.kind, target.limit)
            yield Verdict(limit, **values["passes"])
