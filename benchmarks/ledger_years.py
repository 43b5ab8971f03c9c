# ruff: noqa: INP001 - a script, run by its path
"""How often a year without any better candidate promotes one: `python benchmarks/ledger_years.py`.

Twenty tests a year, one after the other, each of a candidate just like the control, so that its
p-value is uniform. Each is asked at its own settlement, at q = .10 by every rule of the ledger. Two
years in a row: the second begins with the first year's tests in the window. Standard errors are at
most .008.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from canary.ledger.consent import consent
from canary.ledger.entry import Entry, Outcome, Settlement
from canary.ledger.levels import next_entry
from canary.ledger.registration import Registration
from canary.ledger.view import view_of
from canary.policy.compile import compile_policy, load_policy
from canary.policy.compiled import CompiledPolicy, Ledger

RUNS, TESTS, Q = 4_000, 20, 0.10
DAY = 86_400.0
EVERY = 365 * DAY / TESTS


def main() -> None:
    """Print the share of years with a false promotion, by rule."""
    policy = compile_policy(load_policy(Path("policy/mangaassist.toml")), "us-east-1")
    rules: tuple[Any, ...] = ("lord", "alpha_investing", "bh")
    print(f"{'rule':16} {'first year':>10} {'second':>8}")  # noqa: T201
    for rule in rules:
        own = replace(policy, ledger=Ledger(rule, Q, Q, w0=Q, payout=Q))
        rng = np.random.default_rng(11)
        years = np.array([two_years(own, rng.random(2 * TESTS)) for _ in range(RUNS)])
        first, second = years.mean(axis=0)
        print(f"{rule:16} {first:>10.4f} {second:>8.4f}")  # noqa: T201


def two_years(policy: CompiledPolicy, p_values: NDArray[np.float64]) -> tuple[bool, bool]:
    """Whether each year promoted anything."""
    entries: list[Entry] = []
    for index, p in enumerate(p_values):
        at = EVERY * (index + 1)
        entry = next_entry(entries, registration(policy, f"t-{index}", at - 14 * DAY), policy)
        window = policy.ledger.bh_window_seconds
        given = consent(view_of(entry, entries, at=at, window_seconds=window), float(p)).given
        outcome = Outcome.PROMOTED if given else Outcome.ROLLED_BACK
        settled = Settlement(at, outcome, float(p), discovery=given)
        entries.append(replace(entry, settlement=settled))
    found = [entry.discovered for entry in entries]
    return any(found[:TESTS]), any(found[TESTS:])


def registration(policy: CompiledPolicy, test_id: str, at: float) -> Registration:
    """A registration that no rule reads more of than its name."""
    plan = policy.statistics
    return Registration(
        test_id=test_id,
        region=policy.region,
        candidate=policy.models[1].id,
        text="no better than the control",
        hypothesis=plan.hypothesis,
        primary_metric=plan.primary_metric,
        secondary_metrics=(),
        guardrails=(),
        mde=plan.min_effect,
        margin=plan.margin,
        looks_seconds=plan.looks_seconds,
        registered_by="benchmark",
        registered_at=at,
    )


if __name__ == "__main__":
    main()
