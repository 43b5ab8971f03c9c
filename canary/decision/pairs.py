"""From the facts' cells to what statistics compare: both arms of every stratum, paired once.

Dozens of verdicts of a look read the same pairs, so what they read is worked out once and kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from canary.statistics.ratio_metric import Ratio, Sums, ratio_of, total
from canary.statistics.score_process import Pair, Score, score

if TYPE_CHECKING:
    from canary.decision.facts import Cell, Moments

__all__ = ["Pairs", "PairsByMetric", "Weighted", "pairs_of", "summed"]


class Weighted(NamedTuple):
    """One arm over strata: its weighted estimate and variance, and the sizes behind them."""

    estimate: float
    variance: float
    size: float
    """The observations that would give this precision in one stratum: 1 / sum(w^2 / n)."""
    units: float


class Pairs:
    """Both arms of some strata, in order, with what verdicts read of them worked out once.

    Strata are weighted by n1 * n0 / N in both arms alike, so a ramp is not taken for an effect.
    """

    __slots__ = ("_arms", "_level", "_parts", "_score", "n_canary", "n_control", "pairs")

    def __init__(self, pairs: Iterable[Pair] = ()) -> None:
        self.pairs = tuple(pairs)
        self.n_control = self.n_canary = 0.0
        """Observations of each arm, in all strata."""
        for pair in self.pairs:
            self.n_control += pair.control.n
            self.n_canary += pair.canary.n
        self._arms: tuple[Weighted, Weighted] | None = None
        self._parts: dict[frozenset[str], Pairs] = {}
        self._score: Score | None = None
        self._level: Weighted | None = None

    def __iter__(self) -> Iterator[Pair]:
        return iter(self.pairs)

    def within(self, strata: frozenset[str]) -> Pairs:
        """Those that belong to `strata`."""
        found = self._parts.get(strata)
        if found is None:
            found = Pairs(pair for pair in self.pairs if pair.stratum in strata)
            self._parts[strata] = found
        return found

    @property
    def arms(self) -> tuple[Weighted, Weighted] | None:
        """Control and canary over the strata in which both have data; None where none has."""
        if self._arms is None:
            weighted = [pair for pair in self.pairs if pair.weight > 0]
            if weighted:
                whole = sum(pair.weight for pair in weighted)
                self._arms = (
                    _weighted([(pair.weight / whole, pair.control_ratio) for pair in weighted]),
                    _weighted([(pair.weight / whole, pair.canary_ratio) for pair in weighted]),
                )
        return self._arms

    @property
    def score(self) -> Score:
        """The score process: canary minus control, not turned."""
        if self._score is None:
            self._score = score(self.pairs)
        return self._score

    @property
    def level(self) -> Weighted | None:
        """The canary alone, all strata in one; None with fewer than two customers or no data."""
        if self._level is None:
            whole = total(pair.canary for pair in self.pairs)
            if whole.units > 1 and whole.n > 0:
                self._level = _weighted([(1.0, ratio_of(whole))])
        return self._level


class PairsByMetric:
    """The pairs of a table of cells, metric by metric, each made when it is first asked for.

    `found` are metrics' pairs that somebody has made already.
    """

    def __init__(
        self, cells: Iterable[Cell] = (), found: Mapping[str, Pairs] | None = None
    ) -> None:
        self._cells = tuple(cells)
        self._found = dict(found or {})

    def of(self, metric: str) -> Pairs:
        """Both arms of every stratum with data of the metric."""
        if metric not in self._found:
            self._found[metric] = pairs_of(self._cells, metric)
        return self._found[metric]


def pairs_of(cells: Iterable[Cell], metric: str, strata: Collection[str] | None = None) -> Pairs:
    """Both arms of every (stratum, probability) with data of `metric`, within `strata` if given.

    Raises `ValueError` for a cell of an arm that is neither control nor canary.
    """
    found: dict[tuple[str, float], dict[str, list[Moments]]] = {}
    for cell in cells:
        moments = cell.measures.get(metric)
        if moments is None or (strata is not None and cell.stratum not in strata):
            continue
        arms = found.setdefault((cell.stratum, cell.p_canary), {"control": [], "canary": []})
        if cell.arm not in arms:
            raise ValueError(f"arm: {cell.arm!r} is neither control nor canary")
        arms[cell.arm].append(moments)
    return Pairs(
        Pair(stratum, summed(arms["control"]), summed(arms["canary"]))
        for (stratum, _), arms in sorted(found.items())
    )


def summed(parts: list[Moments]) -> Sums:
    """The sums of an arm's parts; a single part is itself."""
    return parts[0] if len(parts) == 1 else total(parts)


def _weighted(parts: list[tuple[float, Ratio]]) -> Weighted:
    estimate = variance = inverse = units = 0.0
    for weight, each in parts:
        estimate += weight * each.estimate
        variance += weight * weight * each.variance
        inverse += weight * weight / each.n
        units += each.units
    return Weighted(estimate, variance, 1 / inverse, units)
