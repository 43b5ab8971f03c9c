"""The true rates behind a world, by arm, time and intent."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any, TypeVar

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr

from canary.policy.compiled import Baseline, CompiledPolicy
from canary.routing.rates import rates_by_intent
from canary.simulation.telemetry import CANARY, CONTROL, Counts
from canary.simulation.volume import Calendar
from canary.simulation.world import Change, World

__all__ = ["KINDS", "SCORES", "TURN_EVENTS", "Rates"]

SCORES = np.array([1.0, 2.0, 3.0, 4.0])
"""What a survey may answer."""
TURN_EVENTS = ("error", "slow", "throttled", "hallucinated")
"""What is counted of turns in five-minute steps: the alarms read it."""
KINDS = tuple((k, j) for k in (1, 2, 3) for j in range(k + 1))
"""A customer's conversations, and how many of them were completed."""

# What the policy's baseline leaves out of today's assistant.
_THROTTLED, _REFUSED, _FALLBACK, _REGIONAL_FAULT = 0.0005, 0.003, 0.0005, 0.002
_LATENCY_SIGMA = 0.5
"""Spread of the logarithm of a conversation's slowest turn."""
_NORMAL = NormalDist()
_Method = Callable[..., Counts]
_Kept = TypeVar("_Kept")


def _once(rate: _Method) -> _Method:
    """Work a rate out once where nothing changes with time: its axis of times is then one long."""

    @functools.wraps(rate)
    def kept(rates: Rates, times: Counts, *more: object) -> Counts:
        if not rates.steady:
            return rate(rates, times, *more)
        return rates.once((rate.__name__, *more), lambda: rate(rates, times[:1], *more))

    return kept


@dataclass(frozen=True)
class Rates:
    """Both arms' true rates at any time, in seconds since the first exposure.

    Arrays have the arm first (control, canary), then time, then the intent where there is one. In
    a world that does not change, what depends on time has a single one.
    """

    policy: CompiledPolicy
    world: World
    calendar: Calendar
    kept: dict[object, Any] = field(default_factory=dict, compare=False, repr=False)
    """What was worked out once, for all releases of a setting: see `once`."""

    @functools.cached_property
    def steady(self) -> bool:
        """Whether no rate of the world changes with time."""
        world = self.world
        changes = world.weekend != Change() or bool(world.faults or world.drifts)
        return not (changes or world.novelty)

    def once(self, name: object, make: Callable[[], _Kept]) -> _Kept:
        """What `make` makes, kept under its name: it depends on the policy and the world alone."""
        if name not in self.kept:
            self.kept[name] = make()
        found: _Kept = self.kept[name]
        return found

    @property
    def baseline(self) -> Baseline:
        """Today's assistant."""
        return self.policy.baseline

    def canary(self, stage: int) -> Counts:
        """The share of each intent that `stage` asks for the canary."""
        return self.once(
            ("canary", stage),
            lambda: np.array(list(rates_by_intent(self.policy, stage).values())),
        )

    def daily(self) -> Counts:
        """Conversations a day by intent."""
        daily = [intent.daily_volume for intent in self.policy.intents]
        return self.once("daily", lambda: self.world.volume * np.array(daily))

    @_once
    def customers(self, times: Counts) -> Counts:
        """Customers of each of `KINDS` for one conversation: (9, 2, times, intents)."""
        rate = self.completion(times)
        if np.array_equal(rate, np.broadcast_to(rate[:, :1], rate.shape)):
            rate = rate[:, :1]  # the same at every hour
        shares = np.array(self.world.customers)
        likely = _beta_binomial(rate, self.world.correlation)
        kinds = np.stack([shares[k - 1] * likely[(k, j)] for k, j in KINDS])
        return np.asarray(kinds / (shares @ np.array([1.0, 2.0, 3.0])))

    def completion(self, times: Counts) -> Counts:
        """Probability that a conversation is completed: shape (2, times, intents)."""
        names = [intent.name for intent in self.policy.intents]
        own = np.array([self.world.control.get(n, self.baseline.completion) for n in names])
        rate = np.broadcast_to(own, (2, len(times), len(names))).copy()
        for drift in self.world.drifts:
            rate[:, times >= drift.after] += drift.completion
        rate += self._shift("completion", times)[:, :, None]
        for name, change in self.world.intents.items():
            rate[CANARY, :, names.index(name)] += change.completion
        if self.world.novelty is not None:
            early, late = self.novelty()
            share = self.ages(times)
            rate[CANARY] += (share * early + (1 - share) * late)[:, None]
        return np.asarray(np.clip(rate * (1 - self.world.unresolved), 0.0, 1.0))

    def novelty(self) -> tuple[float, float]:
        """The effect that wears off: on a customer's first two days, and from the fifth on."""
        if self.world.novelty is None:
            return 0.0, 0.0
        day, half = 86_400.0, float(self.world.novelty.half_life)
        early, late = (
            self.world.novelty.completion * float(0.5 ** (age * day / half)) for age in (0.7, 7.0)
        )
        return early, late

    def ages(self, times: Counts) -> Counts:
        """Share of an hour's customers who are in their first two days with the assistant's test.

        Everybody at first; two thirds still in the long run, where new customers keep coming.
        """
        return np.asarray(2 / 3 + np.exp(-times / (3 * 86_400.0)) / 3)

    @_once
    def turn_events(self, times: Counts) -> Counts:
        """Rates of `TURN_EVENTS` per turn: shape (4, 2, times)."""
        base = self.baseline
        error = base.error_rate + self._shift("error", times)
        throttled = _THROTTLED + self._shift("throttled", times)
        factor = self._factor(times)
        # A conversation is slow when its slowest turn is; that one is one of its turns.
        beyond = (math.log(self.policy.slow_ms) - self._log_median() - np.log(factor)) / (
            _LATENCY_SIGMA
        )
        slow = ndtr(-beyond) / base.turns_per_conversation
        invented = base.hallucination_rate + self._shift("hallucination", times)
        detector = self.policy.detector
        flagged = detector.sensitivity * invented + (1 - detector.specificity) * (1 - invented)
        return np.asarray(np.clip(np.stack([error, slow, throttled, flagged]), 0.0, 1.0))

    @_once
    def seldom(self, times: Counts, name: str) -> Counts:
        """Rate per turn of `refused` or `fallback`: shape (2, times)."""
        base = {"refused": _REFUSED, "fallback": _FALLBACK}[name]
        return np.asarray(np.clip(base + self._shift(name, times), 0.0, 1.0))

    @_once
    def cart(self, times: Counts) -> Counts:
        """Probability that a cart is abandoned: shape (2, times)."""
        rate = self.baseline.cart_abandonment + self._shift("cart_abandonment", times)
        return np.asarray(np.clip(rate, 0.0, 1.0))

    @_once
    def regional_fault(self, times: Counts) -> Counts:
        """What the detector sees broken of a region's own criteria: shape (2, times)."""
        detector = self.policy.detector
        wrong = np.clip(_REGIONAL_FAULT + self._shift("regional", times), 0.0, 1.0)
        return np.asarray(detector.sensitivity * wrong + (1 - detector.specificity) * (1 - wrong))

    @_once
    def surveys(self, times: Counts) -> Counts:
        """Probability of a survey with each score: shape (4, 2, times)."""
        base = self.baseline
        shift = self._shift("csat", times)
        response = base.survey_response * (1 + self._shift("survey_response", times))
        shares = np.empty((len(SCORES), 2, len(times)))
        for relative in np.unique(shift):
            mean = base.csat_mean * (1 + float(relative))
            shares[:, shift == relative] = _answers(base.csat_mean, base.csat_sd, mean)[:, None]
        if self.world.response_by_score is not None:
            shares[:, CANARY] *= np.array(self.world.response_by_score)[:, None]
        return np.asarray(shares * response)

    @_once
    def tail(self, times: Counts, edges_ms: tuple[float, ...]) -> Counts:
        """Share of conversations whose slowest turn is beyond each edge: (2, times, edges)."""
        beyond = (
            np.log(np.array(edges_ms)) - self._log_median() - np.log(self._factor(times))[..., None]
        ) / _LATENCY_SIGMA
        return np.asarray(ndtr(-beyond))

    def _log_median(self) -> float:
        return math.log(self.baseline.p99_ms) - _NORMAL.inv_cdf(0.99) * _LATENCY_SIGMA

    def _shift(self, name: str, times: Counts) -> Counts:
        """The sum of what changes in `name`: shape (2, times)."""
        total = np.zeros((2, len(times)))
        total[CANARY] += getattr(self.world.candidate, name)
        if at_weekend := getattr(self.world.weekend, name):
            total[CANARY] += at_weekend * self.calendar.weekend(times)
        for change, arms, when in self._faults(times):
            total[np.ix_(arms, when)] += getattr(change, name)
        return total

    def _factor(self, times: Counts) -> Counts:
        total = np.ones((2, len(times)))
        total[CANARY] *= self.world.candidate.latency
        total[CANARY] *= self.world.weekend.latency ** self.calendar.weekend(times)
        for change, arms, when in self._faults(times):
            total[np.ix_(arms, when)] *= change.latency
        return total

    def _faults(self, times: Counts) -> list[tuple[Change, Counts, Counts]]:
        found: list[tuple[Change, Counts, Counts]] = []
        for fault in self.world.faults:
            until = math.inf if fault.lasts is None else fault.after + fault.lasts
            when = np.flatnonzero((times >= fault.after) & (times < until))
            if when.size:
                arms = [CANARY] if fault.arms == "canary" else [CONTROL, CANARY]
                found.append((fault, np.array(arms), when))
        return found


def _beta_binomial(rate: Counts, correlation: float) -> dict[tuple[int, int], Counts]:
    """P(j of k completed) for one customer whose outcomes are correlated (beta-binomial)."""
    likely: dict[tuple[int, int], Counts] = {}
    spread = correlation / (1 - correlation)  # 1 / (a + b)
    for k, j in KINDS:
        value = np.full_like(rate, math.comb(k, j))
        for step in range(j):
            value *= rate + step * spread
        for step in range(k - j):
            value *= 1 - rate + step * spread
        for step in range(k):
            value /= 1 + step * spread
        likely[(k, j)] = value
    return likely


@functools.lru_cache(maxsize=64)
def _answers(today: float, deviation: float, mean: float) -> Counts:
    """Shares of the scores: today's, tilted to another mean."""
    return _tilted(_score_shares(today, deviation), mean)


def _score_shares(mean: float, deviation: float) -> Counts:
    """Shares of the scores with that mean, and as near that spread as a bell over them comes."""

    def spread(log_width: float) -> float:
        bell = _tilted(np.exp(-((SCORES - mean) ** 2) / (2 * math.exp(log_width))), mean)
        return float(bell @ SCORES**2 - (bell @ SCORES) ** 2)

    width = brentq(lambda x: spread(x) - deviation**2, -3.0, 5.0)
    return _tilted(np.exp(-((SCORES - mean) ** 2) / (2 * math.exp(width))), mean)


def _tilted(shares: Counts, mean: float) -> Counts:
    """The shares tilted exponentially until they have that mean."""
    wanted = min(max(mean, SCORES[0] + 0.01), SCORES[-1] - 0.01)

    def tilted(slope: float) -> Counts:
        weights = shares * np.exp(slope * (SCORES - wanted))
        return np.asarray(weights / weights.sum())

    slope = brentq(lambda x: float(tilted(x) @ SCORES) - wanted, -20.0, 20.0)
    return tilted(slope)
