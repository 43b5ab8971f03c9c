"""What happens while a release stands at one stage: counts by arm, drawn once, read many times.

Arrivals are Poisson, so every kind of customer, outcome or failing turn is a Poisson count of its
own. A customer's conversations fall into one hour; outcomes are kept by hour and intent as the six
sums that a decision reads, turns by five minutes.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from canary.policy.compiled import CompiledPolicy
from canary.simulation.hourly import Hourly, of_turns, once_each, per_customer, yes_or_no
from canary.simulation.latency import TAIL_HOURS, tail_counts
from canary.simulation.rates import KINDS, SCORES, Rates
from canary.simulation.telemetry import CANARY, CONTROL, Counts

__all__ = ["HOUR", "PER_HOUR", "STEP", "Stream", "draw", "stretch_hours"]

HOUR, STEP = 3600.0, 300.0
PER_HOUR = int(HOUR / STEP)
_SLACK = 1e-6
_WEIGHTS = np.array([[1.0, k, j, k * k, k * j, j * j] for k, j in KINDS], dtype=np.float64).T.copy()
_NAMES_PER_CONVERSATION = 0.5
"""How often the detector finds something to check a region's own criteria on."""


@dataclass(frozen=True)
class Stream:
    """One stretch of time at one stage, from `start` (seconds since the first exposure) on.

    `sums` holds by column pair (numerator, denominator) what was drawn by arm, hour and intent.
    `events` and `turns` are (4, 2, steps) and (2, steps) or the like, for
    `TURN_EVENTS`; `tails` is (2, blocks, bins).
    """

    stage: int
    start: float
    p_canary: Counts
    hours: int
    sums: Mapping[tuple[str, str], Hourly]
    detected: Mapping[str, Counts]
    """By numerator of a detector's metric: (2, 2, hours): n and y by arm, over all intents."""
    events: Counts
    trials: Counts
    tails: Counts
    kept: dict[object, Counts] = field(default_factory=dict, compare=False, repr=False)
    """What was worked out of the hours: it does not change when the stretch is cut short."""

    def running(self, pair: tuple[str, str]) -> Counts:
        """Sums of a column pair from the start up to each hour: (6, 2, intents, hours + 1)."""
        if pair not in self.kept:
            hourly = self.sums[pair].by_hour(0, self.hours).swapaxes(2, 3)
            so_far = np.zeros((*hourly.shape[:3], hourly.shape[3] + 1))
            np.cumsum(hourly, axis=3, out=so_far[..., 1:])
            self.kept[pair] = so_far
        return self.kept[pair]

    def at(self, marks: Counts, wait: float = 0.0) -> NDArray[np.int64]:
        """How many hours had passed `wait` before each of `marks`; one number where all say so.

        An index into what `running` gives.
        """
        passed = (marks - wait - self.start) / HOUR + _SLACK
        hours = np.minimum(np.maximum(passed, 0), self.hours).astype(np.int64)
        return hours[:1] if hours[0] == hours[-1] else hours

    def until(self, now: float) -> Stream:
        """The part of it up to `now`, in whole hours and steps."""
        hours = min(self.hours, int((now - self.start) / HOUR + _SLACK))
        steps = min(self.events.shape[2], int((now - self.start) / STEP + _SLACK))
        return replace(
            self, hours=hours, events=self.events[:, :, :steps], trials=self.trials[:, :, :steps]
        )

    @functools.cached_property
    def rates(self) -> tuple[float, ...]:
        """The probabilities in force, each once."""
        return tuple(np.unique(self.p_canary).tolist())

    @functools.cached_property
    def asked(self) -> tuple[float, ...]:
        """The probability in force for each intent."""
        return tuple(self.p_canary.tolist())

    @property
    def end(self) -> float:
        """Up to when it was drawn."""
        return self.start + self.hours * HOUR


def stretch_hours(policy: CompiledPolicy, stage: int, now: float) -> int:
    """How much to draw when `stage` is entered at `now`: what its gates need, or the test's rest.

    The first block of a stage whose outcomes take a day says nothing yet; drawn is what does.
    """
    if stage == len(policy.stages) - 2 and now < policy.statistics.test_seconds:
        return math.ceil((policy.statistics.test_seconds - now) / HOUR - _SLACK)
    waits = [
        policy.metric(gate.metric).outcome_window_seconds
        for gate in policy.gates
        if gate.stage == stage and gate.kind == "must_pass"
    ]
    block = max(HOUR, policy.stages[stage].min_seconds)
    blocks = 1 + math.ceil(max(waits, default=0) / block)
    return math.ceil(blocks * block / HOUR)


def draw(rng: np.random.Generator, rates: Rates, stage: int, start: float, hours: int) -> Stream:
    """Draw `hours` at `stage`."""
    policy, base, p = rates.policy, rates.baseline, rates.canary(stage)
    times = start + HOUR * (np.arange(hours) + 0.5)
    volume = rates.calendar.volume(times)[:, None] * rates.daily() / 24
    arriving = np.stack([volume * (1 - p), volume * p])
    both = arriving.sum(axis=2)
    completed = _completed(rng, rates, times, arriving)
    conversations = completed[1]
    sums = {("completed", "outcomes"): per_customer(completed)}
    sums |= _surveys(rng, rates, times, arriving, conversations)
    carts = _carts(rng, rates, times, arriving * base.cart_share)
    sums[("cart_abandoned", "carts")] = carts
    for name in ("refused", "fallback"):
        share = rates.seldom(times, name)[:, :, None]
        seldom = rng.poisson(arriving * base.turns_per_conversation * share)
        sums[(name, "turns")] = of_turns(conversations, seldom, base.turns_per_conversation)
    events, trials = _turns(rng, rates, start, both, stage)
    shares = arriving / both[..., None]
    judged = {policy.metric(gate.metric).numerator for gate in policy.gates}
    for index, name in enumerate(("error", "slow", "throttled")):
        if name in judged:
            hourly = events[index].reshape(2, hours, PER_HOUR).sum(axis=2).astype(np.int64)
            split = rng.multinomial(hourly, shares)
            sums[(name, "turns")] = of_turns(conversations, split, base.turns_per_conversation)
    looked_at = both * _NAMES_PER_CONVERSATION * policy.detector.sampling[stage]
    return Stream(
        stage=stage,
        start=start,
        p_canary=p,
        hours=hours,
        sums=sums,
        detected=_detected(rng, rates, times, looked_at, (events, trials)),
        events=events,
        trials=trials,
        tails=tail_counts(rng, rates, start, math.ceil(hours / TAIL_HOURS), both),
    )


def _completed(rng: np.random.Generator, rates: Rates, times: Counts, arriving: Counts) -> Counts:
    """Customers by how many conversations they have and how many are completed, as six sums."""
    counts = rng.poisson(arriving * rates.customers(times))
    return np.asarray(np.tensordot(_WEIGHTS, counts, axes=1))


def _surveys(
    rng: np.random.Generator,
    rates: Rates,
    times: Counts,
    arriving: Counts,
    conversations: Counts,
) -> dict[tuple[str, str], Hourly]:
    counts = rng.poisson(rates.surveys(times)[..., None] * arriving)
    n, y, yy = (np.tensordot(SCORES**power, counts, axes=1) for power in (0, 1, 2))
    return {
        ("csat", "surveys"): once_each(n, y, yy),
        ("surveys", "outcomes"): yes_or_no(conversations, n),
    }


def _carts(rng: np.random.Generator, rates: Rates, times: Counts, carts: Counts) -> Hourly:
    share = rates.cart(times)[:, :, None]
    left, bought = rng.poisson(carts * share), rng.poisson(carts * (1 - share))
    return yes_or_no(left + bought, left)


def _turns(
    rng: np.random.Generator, rates: Rates, start: float, arriving: Counts, stage: int
) -> tuple[Counts, Counts]:
    """Failing turns, and turns, by five minutes; a burst raises both arms' rates alike."""
    steps = arriving.shape[1] * PER_HOUR
    times = start + STEP * (np.arange(steps) + 0.5)
    turns = np.repeat(arriving * rates.baseline.turns_per_conversation / PER_HOUR, PER_HOUR, axis=1)
    checked = turns * rates.policy.detector.sampling[stage]
    trials = np.stack([turns, turns, turns, checked])
    share = rates.turn_events(times)
    if rates.world.overdispersion > 0:
        today = np.broadcast_to(share, trials.shape)[:, CONTROL]
        shape = today / (rates.world.overdispersion * (1 - today))
        share = np.minimum(share * (rng.gamma(shape) / shape)[:, None, :], 1.0)
    return np.minimum(rng.poisson(trials * share), trials.round()), trials


def _detected(
    rng: np.random.Generator,
    rates: Rates,
    times: Counts,
    looked_at: Counts,
    turns: tuple[Counts, Counts],
) -> dict[str, Counts]:
    """The detector's counts: invented facts, and a region's own criteria where it has any."""
    hours = len(times)
    flagged, checked = (part[3].reshape(2, hours, PER_HOUR).sum(axis=2) for part in turns)
    found = {"hallucinated": np.stack([checked, flagged])}
    wrong = rates.regional_fault(times)
    for metric in rates.policy.metrics:
        if metric.source == "detector" and metric.role == "regional":
            kept = rng.poisson(looked_at * (1 - wrong)).astype(np.float64)
            found[metric.numerator] = np.stack([kept + rng.poisson(looked_at * wrong), kept])
    return found


assert (CONTROL, CANARY) == (0, 1)
