"""A simulated release's past, and what a look at any moment would read of it."""

from __future__ import annotations

import functools
import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from canary.decision.facts import Cell, Draws, Facts, LatencyTail, Moments
from canary.decision.pairs import Pairs, PairsByMetric, pairs_of, summed
from canary.ledger.view import LedgerView
from canary.policy.compiled import CompiledPolicy, Metric
from canary.simulation.draws import Purpose, generator
from canary.simulation.latency import TAIL_HOURS, slowest
from canary.simulation.rates import Rates
from canary.simulation.streams import HOUR, STEP, Stream
from canary.simulation.telemetry import CANARY, CONTROL, Counts
from canary.statistics.score_process import Pair

__all__ = ["ARMS", "History", "simulated"]

ARMS = {"control": CONTROL, "canary": CANARY}
COUNTED = "*"
"""The stratum of what is counted without one: the detector's turns."""
_EARLY_DAYS, _LATE_DAYS = 2, 5


def simulated(policy: CompiledPolicy) -> tuple[Metric, ...]:
    """The metrics that a world has numbers for, by the columns that they are made of."""
    pairs = {
        ("completed", "outcomes"),
        ("surveys", "outcomes"),
        ("csat", "surveys"),
        ("cart_abandoned", "carts"),
        *((name, "turns") for name in ("error", "slow", "throttled", "refused", "fallback")),
    }
    return tuple(
        metric
        for metric in policy.metrics
        if (metric.numerator, metric.denominator) in pairs
        or metric.source == "detector"
        or metric.measure == "quantile"
    )


@dataclass(frozen=True)
class Reading(Facts):
    """What a simulated look reads: pairs that are made at once, as nobody keeps its cells."""

    whole: PairsByMetric = field(default_factory=PairsByMetric)
    recent: PairsByMetric = field(default_factory=PairsByMetric)

    @functools.cached_property
    def exposure(self) -> PairsByMetric:
        """Since the release's first exposure."""
        return self.whole

    @functools.cached_property
    def block(self) -> PairsByMetric:
        """Since the present block started."""
        return self.recent


@dataclass
class History:
    """The stretches lived through so far; the last is still open. `zero` is the first exposure."""

    rates: Rates
    zero: float
    seed: tuple[int, int]
    ledger: LedgerView | None = None
    streams: list[Stream] = field(default_factory=list)

    @property
    def policy(self) -> CompiledPolicy:
        """The release's policy."""
        return self.rates.policy

    @functools.cached_property
    def metrics(self) -> tuple[Metric, ...]:
        """Those that a world has numbers for."""
        return simulated(self.policy)

    def close(self, now: float) -> None:
        """End the open stretch at `now` (seconds since the first exposure)."""
        self.streams[-1] = self.streams[-1].until(now)

    def last_steps(self, count: int) -> tuple[Counts, Counts]:
        """Events and trials of the `count` steps before now, fewer at the beginning."""
        if not self.streams:
            return np.zeros((4, 2, 0)), np.zeros((4, 2, 0))
        events = np.concatenate([each.events[:, :, -count:] for each in self.streams], axis=2)
        trials = np.concatenate([each.trials[:, :, -count:] for each in self.streams], axis=2)
        return events[:, :, -count:], trials[:, :, -count:]

    def facts(
        self,
        now: float,
        block: float,
        raised: Mapping[str, float],
        judged: Collection[str] = (),
    ) -> Facts:
        """What the queries of a look at `now` would find; `block` is the present block's start.

        Of the block's own data only the metrics in `judged`, none at a look that judges none. The
        groups are left out (see `groups`), and the ledger.
        """
        primary = self.policy.metric(self.policy.statistics.primary_metric)
        since_block = tuple(self._parts(block, now)) if judged else ()
        whole = tuple(self._parts(0.0, now))
        metrics = [metric for metric in self.metrics if metric.name in judged]
        return Reading(
            as_of=self.zero + now,
            latency=self._latency(since_block),
            draws=tuple(self._draws(whole)),
            raised=raised,
            whole=PairsByMetric(found={primary.name: self._pairs(primary, whole, now)}),
            recent=PairsByMetric(
                found={each.name: self._pairs(each, since_block, now) for each in metrics}
            ),
        )

    def groups(self, now: float) -> dict[str, dict[str, tuple[Cell, ...]]]:
        """The last test stage's outcomes in parts, read once the test is decided in favour."""
        if not self.streams or self.streams[-1].stage != len(self.policy.stages) - 2:
            return {}
        primary = self.policy.metric(self.policy.statistics.primary_metric)
        return {"weekday": self._weekdays(primary, now)} | self._exposures(primary, now)

    def sums(self, metric: Metric, since: float, now: float) -> Counts | None:
        """The six sums by arm and intent of what started in a block: (6, 2, intents), or None."""
        found: Counts | None = None
        for stream, first, last in self._parts(since, now):
            whole = self._ripe(stream, metric, first, last, now)
            if whole is not None:
                found = whole if found is None else found + whole
        return found

    def window(self, metric: Metric, since: float, now: float) -> tuple[Cell, ...]:
        """The cells of what started between `since` and `now`, for a harm trigger."""
        parts = tuple(self._parts(since, now))
        if metric.source == "detector":
            return tuple(self._detected(parts))
        return tuple(self._cells((metric,), parts, now))

    def conversations(self, since: float, now: float) -> float:
        """Canary conversations that started between `since` and `now`, evenly within an hour."""
        total = 0.0
        for stream in self.streams:
            hourly = stream.sums[("completed", "outcomes")].columns[1][CANARY].sum(axis=1)
            ends = stream.start + HOUR * np.arange(hourly.size + 1)
            reached = np.concatenate([[0.0], np.cumsum(hourly)])
            last = min(now, stream.start + stream.events.shape[2] * STEP)
            if last > since:
                first, until = np.interp([max(since, stream.start), last], ends, reached)
                total += float(until - first)
        return total

    def _parts(self, since: float, now: float) -> Iterator[tuple[Stream, int, int]]:
        """Each stretch with the whole hours of it that lie between `since` and `now`."""
        for stream in self.streams:
            first = max(0, math.ceil((since - stream.start) / HOUR - 1e-6))
            last = min(stream.hours, math.floor((now - stream.start) / HOUR + 1e-6))
            if last > first:
                yield stream, first, last

    def _pairs(
        self, metric: Metric, parts: tuple[tuple[Stream, int, int], ...], now: float
    ) -> Pairs:
        """Both arms of what is known at `now` of those parts, by intent and probability."""
        if metric.source == "detector":
            return pairs_of(self._detected(parts), metric.name)
        found: dict[tuple[str, float], tuple[list[Moments], list[Moments]]] = {}
        for stream, first, last in parts:
            whole = self._ripe(stream, metric, first, last, now)
            if whole is None:
                continue
            rows = whole.transpose(2, 1, 0).tolist()
            for intent, rate, arms in zip(self.policy.intents, stream.asked, rows, strict=True):
                control, canary = found.setdefault((intent.name, rate), ([], []))
                control.append(Moments(*arms[CONTROL]))
                canary.append(Moments(*arms[CANARY]))
        return Pairs(
            Pair(stratum, summed(control), summed(canary))
            for (stratum, _), (control, canary) in sorted(found.items())
        )

    def _cells(
        self, metrics: tuple[Metric, ...], parts: tuple[tuple[Stream, int, int], ...], now: float
    ) -> Iterator[Cell]:
        for stream, first, last in parts:
            found: list[tuple[str, list[list[list[float]]]]] = []
            for metric in metrics:
                whole = self._ripe(stream, metric, first, last, now)
                if whole is not None:
                    found.append((metric.name, whole.transpose(1, 2, 0).tolist()))
            for arm, place in ARMS.items():
                for index, intent in enumerate(self.policy.intents):
                    measures = {
                        name: Moments(*whole[place][index])
                        for name, whole in found
                        if whole[place][index][1] > 0
                    }
                    if measures:
                        rate = float(stream.p_canary[index])
                        yield Cell(intent.name, rate, stream.stage, arm, measures)

    def _ripe(
        self, stream: Stream, metric: Metric, first: int, last: int, now: float
    ) -> Counts | None:
        """The six sums of the outcomes known at `now` that started in those hours, or None."""
        pair = (metric.numerator, metric.denominator)
        ripe = int((now - metric.outcome_window_seconds - stream.start) / HOUR + 1e-6)
        last = min(last, ripe)
        if pair not in stream.sums or last <= first:
            return None
        if metric.name == self.policy.statistics.primary_metric:
            so_far = stream.running(pair)
            return np.asarray(so_far[..., last] - so_far[..., first])
        key = (pair, first, last)
        if key not in stream.kept:
            stream.kept[key] = stream.sums[pair].total(first, last)
        return stream.kept[key]

    def _detected(self, parts: tuple[tuple[Stream, int, int], ...]) -> Iterator[Cell]:
        metrics = [each for each in self.policy.metrics if each.source == "detector"]
        for stream, first, last in parts:
            for arm, place in ARMS.items():
                measures = {}
                for metric in metrics:
                    if metric.numerator in stream.detected:
                        n, y = stream.detected[metric.numerator][:, place, first:last].sum(axis=1)
                        measures[metric.name] = Moments(n, n, min(y, n), n, min(y, n), min(y, n))
                rate = self.policy.stages[stream.stage].rate
                yield Cell(COUNTED, rate, stream.stage, arm, measures)

    def _latency(self, parts: tuple[tuple[Stream, int, int], ...]) -> dict[str, LatencyTail]:
        tails = {}
        for arm, place in ARMS.items():
            bins, n = 0.0, 0.0
            for stream, first, last in parts:
                blocks = slice(-(-first // TAIL_HOURS), last // TAIL_HOURS)
                hours = slice(blocks.start * TAIL_HOURS, blocks.stop * TAIL_HOURS)
                bins = bins + stream.tails[place, blocks].sum(axis=0)
                n += stream.sums[("completed", "outcomes")].columns[1][place, hours].sum()
            if n > 0:
                tails[arm] = LatencyTail(int(n), slowest(self.rates, np.asarray(bins), int(n)))
        return tails

    def _draws(self, parts: tuple[tuple[Stream, int, int], ...]) -> Iterator[Draws]:
        for stream, first, last in parts:
            so_far = stream.running(("completed", "outcomes"))[0]
            units = so_far[..., last] - so_far[..., first]
            for rate in stream.rates:
                control, canary = units[:, stream.p_canary == rate].sum(axis=1).tolist()
                yield Draws(stream.stage, rate, int(control), int(canary))

    def _weekdays(self, primary: Metric, now: float) -> dict[str, tuple[Cell, ...]]:
        """At the last test stage, the primary metric by day of the week."""
        found: dict[str, tuple[Cell, ...]] = {}
        until = now - primary.outcome_window_seconds
        for stream, first, last in self._parts(0.0, until):
            if stream.stage != len(self.policy.stages) - 2:
                continue
            hours = stream.start + HOUR * (np.arange(first, last) + 0.5)
            days = self.rates.calendar.weekday(hours)
            sums = stream.sums[(primary.numerator, primary.denominator)].by_hour(first, last)
            for day in np.unique(days):
                whole = sums[:, :, days == day].sum(axis=2)
                cells = tuple(self._whole(stream, primary, whole))
                found[str(day)] = (*found.get(str(day), ()), *cells)
        return found

    def _exposures(self, primary: Metric, now: float) -> dict[str, dict[str, tuple[Cell, ...]]]:
        """The same by a customer's days with the test; each outcome falls to a group by chance."""
        until = now - primary.outcome_window_seconds
        early, late = self.rates.novelty()
        groups: dict[str, list[Cell]] = {"early": [], "late": []}
        rng = generator(self.seed, Purpose.EXPOSURE, int(now))
        for stream, first, last in self._parts(0.0, until):
            if stream.stage != len(self.policy.stages) - 2:
                continue
            times = stream.start + HOUR * (np.arange(first, last) + 0.5)
            whole = stream.sums[(primary.numerator, primary.denominator)].total(first, last)
            share = float(self.rates.ages(times).mean())
            rate = np.divide(whole[2], whole[1], out=np.zeros_like(whole[2]), where=whole[1] > 0)
            mean = share * early + (1 - share) * late
            for name, part, effect in (("early", share, early), ("late", 1 - share, late)):
                own = rate + (effect - mean) * np.array([[0.0], [1.0]])
                groups[name] += self._whole(stream, primary, _thinned(rng, whole, part, own))
        return {"exposure": {name: tuple(cells) for name, cells in groups.items()}}

    def _whole(self, stream: Stream, metric: Metric, whole: Counts) -> Iterator[Cell]:
        for arm, place in ARMS.items():
            for index, intent in enumerate(self.policy.intents):
                if whole[1, place, index] > 0:
                    moments = Moments(*whole[:, place, index].tolist())
                    rate = float(stream.p_canary[index])
                    yield Cell(intent.name, rate, stream.stage, arm, {metric.name: moments})


def _thinned(rng: np.random.Generator, whole: Counts, share: float, rate: Counts) -> Counts:
    """A part of the customers, whose completed conversations are drawn at `rate`.

    The other sums keep their proportions to n and y, so the clustering stays what it was.
    """
    units, n, y, nn, ny, yy = whole
    spread = np.sqrt(np.maximum(rate * (1 - rate), 0.0) * n * share)
    drawn = np.clip(rate * n * share + spread * rng.standard_normal(n.shape), 0.0, n * share)
    ratio = np.divide(drawn, y * share, out=np.ones_like(y), where=y > 0)
    return np.stack(
        [units * share, n * share, drawn, nn * share, ny * share * ratio, yy * share * ratio]
    )
