"""What unit a number may have, and what sign and size fit the unit."""

from __future__ import annotations

from collections.abc import Iterator

from canary.policy.compiled import Unit
from canary.policy.metric import GateRule, MetricRule
from canary.policy.problem import Problem

__all__ = ["check_limit", "check_unit"]

_UNITS: dict[str, tuple[Unit, ...]] = {
    "rate": ("level", "points", "relative"),
    "mean": ("level", "score", "relative"),
    "quantile": ("level", "relative"),
}


def check_unit(
    path: str, metric: MetricRule, unit: Unit, value: float, limit: str = "value"
) -> Iterator[Problem]:
    """The unit belongs to the measure, and a fraction is below 1 in size ("0.02", not "2")."""
    allowed = _UNITS[metric.measure]
    if unit not in allowed:
        expected = f"for a {metric.measure}: {', '.join(allowed)}"
        yield Problem(f"{path}.unit", unit, expected)
    elif unit == "level":
        if value <= 0:
            yield Problem(f"{path}.{limit}", value, "above 0: a level")
        elif metric.measure == "rate" and value >= 1:
            yield Problem(f"{path}.{limit}", value, "a fraction of one, as 0.02 for 2%")
    elif unit in ("points", "relative") and abs(value) >= 1:
        yield Problem(f"{path}.{limit}", value, "a fraction of one, as 0.02 for 2 points or 2%")


def check_limit(path: str, metric: MetricRule, gate: GateRule) -> Iterator[Problem]:
    """A gate's limit has a unit that fits, and the sign of a loss that is still borne."""
    yield from check_unit(path, metric, gate.unit, gate.limit, limit="limit")
    if gate.unit == "level":
        return
    if metric.better == "lower" and gate.limit < 0:
        expected = "0 or above: lower is better, so the limit is an increase still borne"
        yield Problem(f"{path}.limit", gate.limit, expected)
    if metric.better == "higher" and gate.limit > 0:
        expected = "0 or below: higher is better, so the limit is a decrease still borne"
        yield Problem(f"{path}.limit", gate.limit, expected)
