"""A line of the ledger: a registration, the level it reserved, and how it ended.

Standard library only: functions without a layer import this.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from canary.ledger.registration import Registration
from canary.release.model import Phase, ReleaseState

__all__ = ["Entry", "Family", "Outcome", "Settlement", "settlement_of"]

Family = Literal["revenue_critical", "other"]


class Outcome(StrEnum):
    """How a registered test ended."""

    PROMOTED = "promoted"
    """Its boundary was crossed, the ledger consented, and the candidate took all traffic."""
    REJECTED = "rejected"
    """The candidate lost."""
    ROLLED_BACK = "rolled_back"
    """Traffic went back before the candidate was promoted: by an alarm, a person, a machine."""
    ABANDONED = "abandoned"
    """No customer ever met the candidate."""


@dataclass(frozen=True)
class Settlement:
    """The end of a test, written once; `at` is epoch seconds.

    `p` is the last look's, two-sided and 1 for what speaks against the candidate; None when the
    test ended before it. `discovery` says that it counts as a rejection of its null
    hypothesis: only a promotion does.
    """

    at: float
    outcome: Outcome
    p: float | None
    discovery: bool


@dataclass(frozen=True)
class Entry:
    """One test: `number` counts a family's registrations from 1, `level` was reserved with it."""

    registration: Registration
    family: Family
    number: int
    method: Literal["lord", "bh", "alpha_investing"]
    q: float
    """The false discovery rate that the family is held to."""
    level: float
    lord_level: float
    """LORD++'s level, whichever rule `method` reserved by."""
    wealth: float
    """Alpha investing's wealth before this test reserved its part."""
    release_id: str = ""
    """The one release attempt that runs it; empty until one was admitted."""
    started_at: float | None = None
    """When that attempt was admitted, epoch seconds."""
    settlement: Settlement | None = None

    @property
    def test_id(self) -> str:
        """The test's name."""
        return self.registration.test_id

    @property
    def discovered(self) -> bool:
        """Whether it has been settled as a rejection of its null hypothesis."""
        return self.settlement is not None and self.settlement.discovery

    @property
    def state(self) -> str:
        """Its outcome, or `registered` before a release has taken it and `running` after that."""
        if self.settlement is not None:
            return self.settlement.outcome.value
        return "running" if self.release_id else "registered"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for a table or JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Entry:
        """Read what `to_dict` wrote. Raises `KeyError` or `TypeError` on another shape."""
        known = {item.name for item in dataclasses.fields(cls)}
        data = {key: each for key, each in value.items() if key in known}
        data["registration"] = Registration.from_dict(value["registration"])
        data["number"] = int(value["number"])
        for name in ("q", "level", "lord_level", "wealth"):
            data[name] = float(value[name])
        started = value.get("started_at")
        data["started_at"] = None if started is None else float(started)
        data["settlement"] = _settlement(value.get("settlement"))
        return cls(**data)


def settlement_of(state: ReleaseState, at: float) -> Settlement:
    """How the test of a release that is over is settled at epoch second `at`.

    Only a promotion is a discovery: whatever its p-value, a test whose candidate was rolled back,
    rejected or abandoned claims nothing. Raises `ValueError` while the release is not over.
    """
    if not state.terminal:
        raise ValueError(f"{state.release_id}: {state.phase} is not the end of a release")
    if state.phase is Phase.PROMOTED:
        outcome = Outcome.PROMOTED
    elif state.first_exposure_at is None:
        outcome = Outcome.ABANDONED
    elif state.phase is Phase.REJECTED:
        outcome = Outcome.REJECTED
    else:
        outcome = Outcome.ROLLED_BACK
    return Settlement(at, outcome, state.p_value, discovery=outcome is Outcome.PROMOTED)


def _settlement(value: Mapping[str, Any] | None) -> Settlement | None:
    if not value:
        return None
    p = value.get("p")
    return Settlement(
        at=float(value["at"]),
        outcome=Outcome(value["outcome"]),
        p=None if p is None else float(p),
        discovery=bool(value["discovery"]),
    )
