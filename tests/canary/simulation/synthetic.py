"""Telemetry without a simulator: Poisson turns, binomial events, one fault from a minute on."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from canary.simulation.telemetry import CANARY, HOURLY, MINUTELY, Counts, Telemetry

DAYS = 14
HEALTHY = {"errors": 0.002, "slow": 0.004, "throttled": 0.001, "hallucinated": 0.015}
RAMP = ((4, 0.05), (28, 0.25), (24 * DAYS, 0.50))
"""Hours until which a share of conversations goes to the canary."""


def telemetry(
    seed: int = 0,
    *,
    days: int = DAYS,
    daily: float = 300_000,
    fault: Mapping[str, float] | None = None,
    fault_minute: float | None = None,
    healthy: Mapping[str, float] = HEALTHY,
) -> Telemetry:
    """One release; `fault` gives the canary's rates (or `completion`, `csat`) from then on."""
    rng = np.random.default_rng(seed)
    minutes = days * 1440
    hour = np.arange(minutes) / 60
    share = np.select([hour < end for end, _ in RAMP], [rate for _, rate in RAMP], RAMP[-1][1])
    day = 1 + 0.6 * np.sin(2 * np.pi * (hour - 8) / 24)
    arms = np.stack([1 - share, share])
    conversations = daily / 1440 * day * arms
    after = np.arange(minutes) >= (np.inf if fault_minute is None else fault_minute)
    changed = dict(fault or {})
    counts: dict[str, Counts] = {"requests": rng.poisson(4 * conversations).astype(float)}
    sampling = np.where(hour < RAMP[0][0], 1.0, 0.1)
    counts["checked"] = rng.binomial(counts["requests"].astype(int), sampling).astype(float)
    for name, rate in healthy.items():
        trials = counts["checked" if name == "hallucinated" else "requests"].astype(int)
        rates = np.full((2, minutes), rate)
        rates[CANARY] = np.where(after, changed.get(name, rate), rate)
        counts[name] = rng.binomial(trials, rates).astype(float)
    return Telemetry(counts, _hourly(rng, conversations, after, changed), share, fault_minute)


def _hourly(
    rng: np.random.Generator, conversations: Counts, after: Counts, changed: Mapping[str, float]
) -> dict[str, Counts]:
    outcomes = rng.poisson(conversations.reshape(2, -1, 60).sum(axis=2))
    late = after.reshape(-1, 60)[:, 0]
    completion, score = np.full(outcomes.shape, 0.78), np.full(outcomes.shape, 3.2)
    completion[CANARY] = np.where(late, changed.get("completion", 0.78), 0.78)
    score[CANARY] = np.where(late, changed.get("csat", 3.2), 3.2)
    surveys = rng.binomial(outcomes, 0.1)
    total = surveys * score + rng.normal(0, 0.9, outcomes.shape) * np.sqrt(surveys)
    return {
        "outcomes": outcomes.astype(float),
        "completed": rng.binomial(outcomes, completion).astype(float),
        "surveys": surveys.astype(float),
        "csat": total,
        "csat_squared": surveys * (score**2 + 0.81),
    }


def calm(hours: int = 24, a_minute: float = 100) -> Telemetry:
    """Turns at an even pace in both arms and no event at all, to put single events into."""
    minutes = {name: np.zeros((2, hours * 60)) for name in MINUTELY}
    minutes["requests"][:] = a_minute
    minutes["checked"][:] = a_minute
    by_hour = {name: np.zeros((2, hours)) for name in HOURLY}
    return Telemetry(minutes, by_hour, np.full(hours * 60, 0.5))
