"""What a look knows: counts and moments, never raw rows.

`Moments` are per randomised unit (customer), so that a standard error can be cluster-robust: with
n_i the unit's denominator and y_i its numerator, the sums are over units.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from canary.decision.pairs import PairsByMetric
from canary.ledger.view import LedgerView

__all__ = ["Cell", "Draws", "Facts", "IntentCell", "LatencyTail", "Moments"]


class Moments(NamedTuple):
    """Sums over the units of one cell: count, n, y, n*n, n*y, y*y."""

    units: float
    n: float
    y: float
    nn: float
    ny: float
    yy: float


@dataclass(frozen=True)
class Cell:
    """One arm within one stratum (intent of the unit's first message, probability in force).

    `measures` maps a metric's name to its moments; a metric without data in the cell is absent.
    """

    stratum: str
    p_canary: float
    stage: int
    arm: str
    measures: Mapping[str, Moments]


@dataclass(frozen=True)
class LatencyTail:
    """The slowest conversations of one arm: `n` in all, the slowest first, in milliseconds."""

    n: int
    slowest_ms: Sequence[float] | NDArray[np.float64]


@dataclass(frozen=True)
class IntentCell:
    """What one arm's customers of one stratum asked for after their first message.

    Sums over customers: `n` messages, `nn` their squares, and by intent in the policy's order `y`
    messages, `ny` their products with n; `yy[i][j - i]` is that of intents i and j, j from i on.
    """

    stratum: str
    p_canary: float
    arm: str
    units: float
    n: float
    nn: float
    y: tuple[float, ...]
    ny: tuple[float, ...]
    yy: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Draws:
    """First draws of units at one stage: how many fell to each arm, and what was asked."""

    stage: int
    p_canary: float
    control: int
    canary: int


@dataclass(frozen=True)
class Facts:
    """Everything one look reads. `as_of` is epoch seconds; cells are matured outcomes only."""

    as_of: float
    cells: tuple[Cell, ...] = ()
    """Since the release's first exposure."""
    block_cells: tuple[Cell, ...] = ()
    """Since the present block started."""
    latency: Mapping[str, LatencyTail] = field(default_factory=dict)
    """By arm, since the present block started."""
    draws: tuple[Draws, ...] = ()
    groups: Mapping[str, Mapping[str, tuple[Cell, ...]]] = field(default_factory=dict)
    """The primary metric at the last test stage, in parts: `weekday` ("0" is Monday), `calendar`
    ("inside", "outside" a closure) and `exposure` ("early" in a customer's days, "late")."""
    later_intents: tuple[IntentCell, ...] = ()
    """Over the block's last day; observed, and read by no rule."""
    raised: Mapping[str, float] = field(default_factory=dict)
    """The alarms in ALARM, and since when (epoch seconds)."""
    late: bool = False
    """True when the feed is behind its watermark: every verdict is then INCONCLUSIVE."""
    ledger: LedgerView | None = None
    """What the ledger holds of the release's test; None for a release without a registration."""

    @functools.cached_property
    def exposure(self) -> PairsByMetric:
        """The pairs of `cells`, shared by everything that reads this look."""
        return PairsByMetric(self.cells)

    @functools.cached_property
    def block(self) -> PairsByMetric:
        """The pairs of `block_cells`, shared by everything that reads this look."""
        return PairsByMetric(self.block_cells)
