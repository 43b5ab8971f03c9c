"""What many simulated releases say together, with the error that their number leaves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from canary.release.model import Cause
from canary.simulation.setting import Ending
from canary.simulation.world import World
from canary.statistics.intervals import wilson

__all__ = ["OUTCOMES", "share", "stopped_for_own_sake", "summary"]

OUTCOMES = ("promote", "rollback", "hold", "reject")
_Z = 1.96
_DAY = 86_400.0


def summary(world: World, endings: Sequence[Ending]) -> dict[str, Any]:
    """Plain values for JSON: shares with 95% Monte Carlo intervals, times in hours and days."""
    count = len(endings)
    by_outcome: Counter[str] = Counter(ending.outcome for ending in endings)
    own_fault = [each for each in endings if stopped_for_own_sake(each)]
    onset = world.onset or 0.0
    caught = [each for each in own_fault if each.at >= onset]
    found: dict[str, Any] = {name: share(by_outcome[name], count) for name in OUTCOMES}
    found["stopped"] = share(len(own_fault), count)
    causes = Counter(f"{each.outcome}: {each.cause or 'none'}" for each in endings)
    found["causes"] = {name: share(number, count) for name, number in causes.most_common()}
    found["hours_to_stop"] = _spread((each.at - onset) / 3600 for each in caught)
    found["conversations_exposed"] = _spread(each.exposed for each in caught)
    found["days_to_decision"] = _spread(each.at / _DAY for each in endings)
    found["days_to_promote"] = _spread(
        each.at / _DAY for each in endings if each.outcome == "promote"
    )
    extended = Counter(rule for each in endings for rule in each.extensions)
    found["extended_by"] = {name: share(number, count) for name, number in extended.items()}
    found["gates"] = _gates(endings)
    found["looks"] = _spread(float(each.looks) for each in endings)
    return found


def stopped_for_own_sake(ending: Ending) -> bool:
    """Whether a release was rolled back or rejected, and not for what both arms suffered."""
    return ending.outcome in ("rollback", "reject") and ending.cause != Cause.SHARED.value


def share(number: int, of: int) -> dict[str, float]:
    """A share with its 95% interval (Wilson)."""
    interval = wilson(number, of, _Z)
    return {
        "estimate": round(number / of if of else 0.0, 6),
        "lower": round(interval.lower, 6),
        "upper": round(interval.upper, 6),
    }


def _spread(values: Iterable[float]) -> dict[str, float | int | None]:
    kept = np.fromiter(values, dtype=np.float64)
    if not kept.size:
        return {"n": 0, "median": None, "p05": None, "p95": None}
    low, middle, high = np.quantile(kept, (0.05, 0.5, 0.95))
    return {
        "n": int(kept.size),
        "median": round(float(middle), 4),
        "p05": round(float(low), 4),
        "p95": round(float(high), 4),
    }


def _gates(endings: Sequence[Ending]) -> dict[str, Any]:
    """By gate that must pass: at its first block with data, and over all blocks of its stage.

    Shares are of all releases: one that ended before its gate was judged did not pass it.
    """
    count = len(endings)
    found = {}
    for name in sorted({name for each in endings for name in each.gates}):
        tallies = [each.gates[name] for each in endings if name in each.gates]
        found[name] = {
            "judged": share(len(tallies), count),
            "passes": share(sum(tally.first_passed for tally in tallies), count),
            "passes_in_the_end": share(sum(tally.passed > 0 for tally in tallies), count),
            "fails": share(sum(tally.failed > 0 for tally in tallies), count),
            "blocks": round(sum(tally.blocks for tally in tallies) / len(tallies), 3),
        }
    return found
