# ruff: noqa: INP001 - a script, run by its path
"""Bandits beside mabwiser, and what their figures promise: `make bench-bandits`.

One run, the same worlds, seeds and batches: regret and the least share of an arm; then how often
the off-policy interval covers the truth, and how often a week without any shift resets an arm.
mabwiser runs in an environment of its own that is made here (`benchmarks/mabwiser.txt`). The last
line is JSON. Exit status 1 when a promise is not kept.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from canary.bandits.guardrails import shifts
from canary.bandits.inference import Evidence, difference, lift
from canary.bandits.linear import LinearModel as Model
from canary.bandits.linear import LinearSums, chosen
from canary.bandits.posterior import best_chances
from canary.bandits.regret import floor_regret, thompson_regret
from canary.bandits.rules import Rules
from canary.bandits.tally import Week
from canary.statistics.exploration import floor_mixture
from canary.statistics.ratio_metric import Totals, total

HERE = Path(__file__).resolve().parent
PLACE = HERE.parent / ".build" / "mabwiser"
RULES = Rules()
RATES = (0.70, 0.66, 0.66, 0.62)
BATCHES, SIZE = 40, 500
DIMENSION = 5
WEEKS, LOG_LIVES = 4_000, 1_000
Figures = dict[str, Any]


def main() -> int:
    """Print the tables and the line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lives", type=int, default=5, help="of each bandit, against mabwiser")
    lives = parser.parse_args().lives
    theirs = peer(
        {"rates": RATES, "batches": BATCHES, "size": SIZE, "lives": lives}
        | {"floor": RULES.floor, "dimension": DIMENSION, "seed": 1}
    )
    found: Figures = {
        "thompson": thompson(lives),
        "linucb": linucb(lives),
        **{f"mabwiser_{name}": figures for name, figures in theirs.items()},
        "coverage": coverage(),
        "false_resets": false_resets(),
    }
    decisions = BATCHES * SIZE
    sys.stdout.write(
        f"{decisions:,} decisions a life in batches of {SIZE}, {lives} lives; of that the floor "
        f"alone costs {floor_regret(RATES, decisions, RULES.floor):.0f}\n"
        f"{'':28}{'regret':>10}{'± s.e.':>9}{'least share':>13}\n"
    )
    for name, figures in found.items():
        if "regret" in figures:
            sys.stdout.write(
                f"{name:28}{figures['regret']:>10.0f}{figures['error']:>9.1f}"
                f"{figures['least_share']:>13.4f}\n"
            )
    cover, resets = found["coverage"], found["false_resets"]
    sys.stdout.write(
        f"coverage of a nominal .95: difference {cover['difference']:.4f}, lift "
        f"{cover['lift']:.4f} (Monte Carlo error {cover['error']:.4f}, {LOG_LIVES} logs)\n"
        f"false resets: {resets['share']:.4f} of four-armed weeks ({resets['weeks']} weeks), "
        f"the plain two-sigma rule {resets['two_sigma']:.4f}\n"
    )
    kept = {
        "floor": all(found[name]["least_share"] >= RULES.floor for name in ("thompson", "linucb")),
        # Three standard errors of the difference: the same floor is paid by both.
        **{
            f"regret_{name}": found[name]["regret"]
            <= found[f"mabwiser_{name}_floor"]["regret"]
            + 3 * math.hypot(found[name]["error"], found[f"mabwiser_{name}_floor"]["error"])
            for name in ("thompson", "linucb")
        },
        "coverage": all(
            abs(cover[name] - 0.95) <= 3 * cover["error"] for name in ("difference", "lift")
        ),
        "false_resets": resets["share"] <= 0.005,  # noqa: PLR2004 - what is promised
    }
    sys.stdout.write(json.dumps({**found, "kept": kept}) + "\n")
    return 0 if all(kept.values()) else 1


def peer(asked: Figures) -> Figures:
    """What mabwiser does in the same worlds; its environment is made when it is not there."""
    python = PLACE / "bin" / "python"
    if not python.exists():
        uv = Path(sysconfig.get_path("scripts")) / "uv"
        for command in (
            [uv, "venv", "-q", "--python", sys.executable, PLACE],
            [uv, "pip", "install", "-q", "--python", python, "-r", HERE / "mabwiser.txt"],
        ):
            subprocess.run([str(each) for each in command], check=True)  # noqa: S603 - our own
    answer = subprocess.run(  # noqa: S603 - our own script
        [python, HERE / "bandits_mabwiser.py", json.dumps(asked)],
        check=True,
        capture_output=True,
        text=True,
    )
    found: Figures = json.loads(answer.stdout)
    return found


def thompson(lives: int) -> Figures:
    """Ours: P(best) by quadrature, mixed with the floor, drawn exactly as served."""
    missed = thompson_regret(
        RATES,
        batches=BATCHES,
        batch_size=SIZE,
        lives=lives,
        floor=RULES.floor,
        generator=np.random.default_rng(1),
    )[:, -1]
    return _figures(missed, RULES.floor)


def linucb(lives: int) -> Figures:
    """Ours in the contextual world: the choice of the upper bounds, mixed with the floor."""
    missed, least = [], 1.0
    for life in range(lives):
        theta, draws = contextual_world(life, arms=3, dimension=DIMENSION)
        arms = [LinearSums.empty(DIMENSION) for _ in theta]
        lost = 0.0
        for contexts, luck, won in draws:
            means, spreads = Model.of(tuple(arms), RULES.ridge).predictions(contexts)
            bounds = means + RULES.breadth * spreads
            choices, which = np.unique(
                np.array([chosen(row) for row in bounds]), axis=0, return_inverse=True
            )
            served = np.array([floor_mixture(each, RULES.floor) for each in choices])[which]
            least = min(least, float(served.min()))
            drawn = (luck[:, None] > np.cumsum(served, axis=1)[:, :-1]).sum(axis=1)
            truth = contexts @ theta.T
            lost += float((truth.max(axis=1) - truth[np.arange(len(drawn)), drawn]).sum())
            reward = (won < truth[np.arange(len(drawn)), drawn]).astype(float)
            arms = [
                arm.plus(contexts[drawn == k], reward[drawn == k]) if (drawn == k).any() else arm
                for k, arm in enumerate(arms)
            ]
        missed.append(lost)
    return _figures(np.array(missed), least)


def contextual_world(
    life: int, *, arms: int, dimension: int
) -> tuple[np.ndarray, Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]]:
    """Arms' weights, and batches of contexts with the luck of draw and reward; both sides' own."""
    chance = np.random.default_rng(1000 + life)
    theta = np.column_stack(
        [np.full(arms, 0.6), chance.uniform(-0.15, 0.15, (arms, dimension - 1))]
    )

    def batches() -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        for _ in range(BATCHES):
            contexts = np.column_stack(
                [
                    np.ones(SIZE),
                    chance.random(SIZE),
                    (chance.random((SIZE, dimension - 2)) < (0.4, 0.1, 0.3)).astype(float),
                ]
            )
            yield contexts, chance.random(SIZE), chance.random(SIZE)

    return theta, batches()


def coverage() -> Figures:
    """How often the interval of the best arm against the first covers, over lives of a bandit."""
    chance, rates = np.random.default_rng(7), np.array([0.70, 0.70, 0.75, 0.73])
    batches, size, arms = 25, 60, len(rates)
    good, bad = np.zeros((LOG_LIVES, arms)), np.zeros((LOG_LIVES, arms))
    drawn_all, won_all, served_all = [], [], []
    for _ in range(batches):
        p = RULES.floor + (1 - RULES.floor * arms) * _chances(good, bad)
        place = chance.random((LOG_LIVES, size, 1))
        drawn = (place > np.cumsum(p, axis=-1)[:, None, :-1]).sum(axis=-1)
        won = chance.random((LOG_LIVES, size)) < rates[drawn]
        for arm in range(arms):
            good[:, arm] += ((drawn == arm) & won).sum(axis=1)
            bad[:, arm] += ((drawn == arm) & ~won).sum(axis=1)
        drawn_all.append(drawn)
        won_all.append(won)
        served_all.append(p)
    arm_of, rewards = np.concatenate(drawn_all, axis=1), np.concatenate(won_all, axis=1)
    covered = {"difference": 0, "lift": 0}
    for life in range(LOG_LIVES):
        log = Evidence(
            arm_of[life],
            rewards[life].astype(float),
            np.repeat([p[life] for p in served_all], size, axis=0),
            np.repeat(np.arange(batches), size),
            chance.integers(0, batches * size * 2 // 3, batches * size),
        )
        points, relative = difference(log, 2, 0), lift(log, 2, 0)
        covered["difference"] += points.low <= rates[2] - rates[0] <= points.high
        covered["lift"] += relative.low <= rates[2] / rates[0] - 1 <= relative.high
    return {
        **{name: number / LOG_LIVES for name, number in covered.items()},
        "error": math.sqrt(0.95 * 0.05 / LOG_LIVES),
        "logs": LOG_LIVES,
    }


def _chances(good: np.ndarray, bad: np.ndarray) -> np.ndarray:
    """Of many lives, some at a time: all at once would not fit any cache of the processor."""
    return np.concatenate(
        [best_chances(good[at : at + 50], bad[at : at + 50]) for at in range(0, len(good), 50)]
    )


def false_resets() -> Figures:
    """Weeks in which all arms move together, as a new volume moves them, and none apart."""
    chance = np.random.default_rng(11)
    arms, reset, sigma = 4, 0, 0
    before: list[Week] | None = None
    for _ in range(WEEKS + 1):
        level = chance.uniform(0.55, 0.85)
        sizes = chance.integers(520, 4_000, arms)
        now = [_week(chance, int(size), level) for size in sizes]
        if before is not None:
            found = [each for each in shifts(before, now, RULES) if each is not None]
            reset += any(each.reset for each in found)
            sigma += any(abs(each.change) > 2 * each.error for each in found)
        before = now
    return {"share": reset / WEEKS, "two_sigma": sigma / WEEKS, "weeks": WEEKS}


def _week(chance: np.random.Generator, decisions: int, level: float) -> Week:
    """An arm's week: customers with one to three decisions, their success correlated."""
    customers = np.minimum(chance.geometric(0.7, decisions), 3)
    customers = customers[: np.searchsorted(np.cumsum(customers), decisions) + 1].astype(float)
    own = chance.beta(level * 8, (1 - level) * 8, len(customers))
    weight = 1 / chance.uniform(RULES.floor, 0.7)
    n, y = customers * weight, chance.binomial(customers.astype(int), own) * weight
    sums = Totals(
        float(len(n)),
        *(float(each) for each in (n.sum(), y.sum(), (n * n).sum(), (n * y).sum(), (y * y).sum())),
    )
    return Week(int(customers.sum()), total((sums,)))


def _figures(missed: np.ndarray, least: float) -> Figures:
    return {
        "regret": float(missed.mean()),
        "error": float(missed.std(ddof=1) / math.sqrt(len(missed))),
        "least_share": float(least),
    }


if __name__ == "__main__":
    sys.exit(main())
