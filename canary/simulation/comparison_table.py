"""A comparison as Markdown: one table of healthy worlds, one of worlds with a fault."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from canary.simulation.comparison import Comparison
from canary.simulation.comparison_rows import OURS, Row
from canary.simulation.tuning import SMALLEST, Tuned
from canary.statistics.intervals import Interval

__all__ = ["markdown"]

_MINUTES_AN_HOUR, _MINUTES_A_DAY = 60, 1440
_HEALTHY = ("world", "strategy", "thresholds", "stopped falsely (95% interval)", "releases")
_FAULTS = (
    "world",
    "strategy",
    "thresholds",
    "before onset",
    "undetected",
    "median delay",
    "p95 delay",
    "ours, median",
    "ours, p95",
    "harmed",
    "ours, harmed",
)


def markdown(comparison: Comparison) -> str:
    """Both tables, and a note for each threshold that cannot be tuned as far as asked."""
    healthy = [_healthy(row) for row in comparison.rows if row.delay is None]
    faults = [_fault(row) for row in comparison.rows if row.delay is not None]
    parts = []
    if healthy:
        parts.append(_table(_HEALTHY, healthy))
    if faults:
        parts.append(_table(_FAULTS, faults))
        parts.append(
            "Delays from the fault's onset, on releases that neither strategy stopped before it; "
            "*harmed*: mean conversations of the canary from onset to stop. "
            "(-): the strategy does not read the metric that is hurt."
        )
    parts.extend(_unreached(comparison.tunings))
    return "\n\n".join(parts) + "\n"


def _unreached(tunings: Mapping[str, Tuned]) -> Iterator[str]:
    """A sentence for each tuning that stays above what it was to reach."""
    for name, tuned in tunings.items():
        both = (("", tuned.together), (" by metric", tuned.by_metric))
        for how, tuning in both:
            if tuning is not None and not tuning.reached:
                yield (
                    f"`{name}` cannot be tuned{how} to {tuning.target:.2%}: at best it stops "
                    f"{tuning.false_stop.estimate:.2%} of healthy releases."
                )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _healthy(row: Row) -> tuple[str, ...]:
    return (row.world, *_named(row), _interval(row.stopped), f"{row.releases:,}")


def _fault(row: Row) -> tuple[str, ...]:
    first = (row.world, *_named(row))
    if not row.claims or row.delay is None:
        return (*first, *["(-)"] * (len(_FAULTS) - len(first)))
    delay = row.delay
    times = (delay.median, delay.p95, delay.ours_median, delay.ours_p95)
    told = [_time(each) if delay.pairs else "" for each in times]
    return (
        *first,
        _share(row.early),
        _share(row.undetected),
        *told,
        _count(row.harmed),
        _count(row.ours_harmed),
    )


def _named(row: Row) -> tuple[str, str]:
    if row.strategy == OURS:
        return (f"**{OURS}**", row.thresholds)
    factors = set(row.factors.values())
    if row.thresholds != "tuned" or len(factors) != 1:
        return (row.strategy, row.thresholds)
    (factor,) = factors
    strictest = " (as strict as it gets)" if factor <= SMALLEST else f", x {factor:.3g}"
    return (row.strategy, f"tuned{strictest}")


def _interval(share: Interval) -> str:
    return f"{share.estimate:.2%} ({share.lower:.2%} to {share.upper:.2%})"


def _share(share: Interval | None) -> str:
    return "" if share is None else f"{share.estimate:.1%}"


def _count(number: float | None) -> str:
    return "" if number is None else f"{number:,.0f}"


def _time(minutes: float | None) -> str:
    if minutes is None:
        return "never"
    if minutes < 2 * _MINUTES_AN_HOUR:
        return f"{minutes:.0f} min"
    if minutes < 2 * _MINUTES_A_DAY:
        return f"{minutes / _MINUTES_AN_HOUR:.1f} h"
    return f"{minutes / _MINUTES_A_DAY:.1f} d"
