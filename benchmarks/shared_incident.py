# ruff: noqa: INP001 - a script, run by its path
"""How often a fault that both arms suffer is taken for the canary's own: `python benchmarks/...`.

Both arms fail alike for two minutes; the 60-second alarm looks every ten seconds. Two readings of
"worse than control": the rate is twice control's, and that with a significant difference (what the
templates say). Beside it, after how many ten-second looks half of all canaries that fail alone are
seen by each; "never" within the two minutes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RUNS = 20_000
Z, Z_TO_CONTROL, MIN_EVENTS, THRESHOLD, RATIO = 3.09, 4.5, 5, 0.02, 2.0
HEALTHY = 0.002
LOOKS, LOOK_SECONDS, WINDOW_LOOKS = 12, 10, 6
TURNS_A_CONVERSATION = 4
Counts = NDArray[np.float64]


def rolling(rng: np.random.Generator, rate: float, before: float, during: float) -> Counts:
    """Events and trials of each 60-second window: shape (2, RUNS, LOOKS)."""
    trials = rng.poisson(rate * LOOK_SECONDS, (RUNS, WINDOW_LOOKS + LOOKS))
    shares = np.r_[np.full(WINDOW_LOOKS, before), np.full(LOOKS, during)]
    both = np.stack([rng.binomial(trials, shares), trials]).astype(float)
    sums = np.cumsum(both, axis=2)
    return sums[:, :, WINDOW_LOOKS:] - sums[:, :, :LOOKS]


def breaches(canary: Counts, control: Counts, *, tested: bool) -> NDArray[np.bool_]:
    """Whether each look would ring, by run and look."""
    (e, n), (ec, nc) = np.maximum(canary, [[[0]], [[1]]]), np.maximum(control, [[[0]], [[1]]])
    square, total, failed = Z * Z, n + nc, e + ec
    lower = (e + square / 2 - Z * np.sqrt(e * (n - e) / n + square / 4)) / (n + square)
    worse = e * nc > RATIO * ec * n
    if tested:
        worse &= e * nc - ec * n > Z_TO_CONTROL * np.sqrt(
            failed * (total - failed) * n * nc / total
        )
    return (e >= MIN_EVENTS) & worse & (lower > THRESHOLD)


def summary(daily: int, share: float, fault: float) -> str:
    """One line: share of runs that ring falsely by each reading, then the median look."""
    rate = daily * TURNS_A_CONVERSATION / 86_400
    found = []
    for shared in (True, False):
        rng = np.random.default_rng(7)
        canary = rolling(rng, rate * share, HEALTHY, fault)
        control = rolling(rng, rate * (1 - share), HEALTHY, fault if shared else HEALTHY)
        for tested in (False, True):
            rang = breaches(canary, control, tested=tested)
            median = np.median(np.where(rang.any(axis=1), rang.argmax(axis=1) + 1.0, np.inf))
            seen = f"{median:.0f}" if np.isfinite(median) else "never"
            found.append(f"{rang.any(axis=1).mean():.4f}" if shared else seen)
    ratio, tested_too, first, later = found
    return (
        f"{daily:>8,} {share:>7.0%} {fault:>6.0%} {ratio:>9} {tested_too:>7} {first:>9} {later:>7}"
    )


def main() -> None:
    """One line for each volume, share of the canary and size of the fault."""
    print(f"{'':>24}{'false alarms':>17}{'looks to see':>17}")  # noqa: T201
    print(f"{'a day':>8} {'canary':>7} {'fault':>6} {'ratio':>9} {'tested':>7}", end="")  # noqa: T201
    print(f" {'ratio':>9} {'tested':>7}")  # noqa: T201
    for daily in (300_000, 72_000, 27_000):
        for share in (0.05, 0.25, 0.5):
            for fault in (0.1, 0.5):
                print(summary(daily, share, fault))  # noqa: T201


if __name__ == "__main__":
    main()
