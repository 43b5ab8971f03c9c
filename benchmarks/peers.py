# ruff: noqa: INP001 - a script, run by its path
"""What one release of 14 days costs each peer's strategy: `python benchmarks/peers.py`.

Healthy traffic, Poisson by the minute, 300,000 conversations a day. "default" may stop in the first
minutes; at 100 times its thresholds a strategy reads the whole release.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from canary.simulation.peers.catalogue import peers
from canary.simulation.telemetry import Telemetry

RELEASES, DAYS, DAILY, TURNS = 20, 14, 300_000, 4
MINUTES, HOURS = DAYS * 1440, DAYS * 24
RATES = {"errors": 0.002, "slow": 0.004, "throttled": 0.001}


def release(seed: int) -> Telemetry:
    """A healthy release, half of it at 50%."""
    rng = np.random.default_rng(seed)
    share = np.select([np.arange(MINUTES) < end for end in (240, 1680)], [0.05, 0.25], 0.5)
    arms = np.stack([1 - share, share])
    requests = rng.poisson(DAILY * TURNS / 1440 * arms)
    minutes = {"requests": requests.astype(float)}
    minutes |= {name: rng.binomial(requests, rate).astype(float) for name, rate in RATES.items()}
    checked = rng.binomial(requests, 0.1)
    minutes["checked"] = checked.astype(float)
    minutes["hallucinated"] = rng.binomial(checked, 0.015).astype(float)
    outcomes = rng.poisson(DAILY / 24 * arms[:, ::60])
    surveys = rng.binomial(outcomes, 0.1).astype(float)
    hours = {
        "outcomes": outcomes.astype(float),
        "completed": rng.binomial(outcomes, 0.78).astype(float),
        "surveys": surveys,
        "csat": surveys * 3.2 + rng.normal(0, 0.9, (2, HOURS)) * np.sqrt(surveys),
        "csat_squared": surveys * (3.2**2 + 0.81),
    }
    return Telemetry(minutes, hours, share)


def milliseconds(stop: Callable[[Telemetry], object], releases: list[Telemetry]) -> float:
    """The mean time of one release, the best of three rounds."""
    rounds = []
    for _ in range(3):
        began = time.perf_counter()
        for each in releases:
            stop(each)
        rounds.append((time.perf_counter() - began) / len(releases) * 1000)
    return min(rounds)


def main() -> None:
    """Print a line for each strategy."""
    releases = [release(seed) for seed in range(RELEASES)]
    print(f"{'strategy':<18} {'default':>9} {'x 100':>9}   ms a release of {DAYS} days")  # noqa: T201
    for strategy in peers():
        default = milliseconds(strategy.stops_at, releases)
        lax = milliseconds(strategy.scaled(100).stops_at, releases)
        print(f"{strategy.name:<18} {default:>9.2f} {lax:>9.2f}")  # noqa: T201


if __name__ == "__main__":
    main()
