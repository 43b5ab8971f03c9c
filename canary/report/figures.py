"""How a value of the report's document is written: one formatter for every number a person reads.

A page that writes each figure through here, with the figure's place in the document beside it, can
be compared with the document by a machine.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from typing import Any

__all__ = ["KINDS", "UNKNOWN", "cell_kind", "effect_kind", "level_kind", "text_of"]

UNKNOWN = "—"
"""What stands for a value that is not known."""
_SMALLEST_P = 1e-4


def text_of(value: Any, kind: str) -> str:
    """`value` in words of `kind`, a key of `KINDS`; None is `UNKNOWN`. Raises `KeyError`."""
    write = KINDS[kind]
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return UNKNOWN
    return write(value)


def effect_kind(unit: str) -> str:
    """The kind in which an effect of a policy's unit is written."""
    return {"points": "points", "relative": "relative", "score": "score"}.get(unit, "level")


def cell_kind(unit: str) -> str:
    """The same within a table whose heading or caption names the unit."""
    return "hundredths" if unit == "points" else effect_kind(unit)


def level_kind(measure: str) -> str:
    """The kind in which a metric's own level is written: a rate's as a percentage."""
    return "percent" if measure == "rate" else "level"


def _value(value: Any) -> str:
    """Any value of a rule's inputs."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float) and abs(value) >= 1000:  # noqa: PLR2004
        return f"{value:,.0f}"
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() else f"{value:.4g}"
    if isinstance(value, list | tuple):
        return ", ".join(_value(each) for each in value) or "none"
    return str(value)


def _moment(epoch: float) -> str:
    return dt.datetime.fromtimestamp(epoch, tz=dt.UTC).strftime("%Y-%m-%d %H:%M UTC")


def _p(value: float) -> str:
    return "under 0.0001" if value < _SMALLEST_P else f"{value:.4f}"


def _span(seconds: float) -> str:
    for size, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {name}"
    return f"{seconds:.0f} s"


KINDS: dict[str, Callable[[Any], str]] = {
    "text": str,
    "value": _value,
    "yes": lambda value: "yes" if value else "no",
    "count": lambda value: f"{value:,.0f}",
    "points": lambda value: f"{100 * value:+.2f} points",
    "hundredths": lambda value: f"{100 * value:+.2f}",
    "relative": lambda value: f"{100 * value:+.1f}%",
    "score": lambda value: f"{value:+.3f}",
    "level": lambda value: f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}",  # noqa: PLR2004
    "percent": lambda value: f"{100 * value:.2f}%",
    "share": lambda value: f"{100 * value:.1f}%",
    "used": lambda value: f"{100 * value:.0f}%",
    "days": lambda value: f"{value:.2f}" if value >= 1 else f"{value:.3f}",
    "z": lambda value: f"{value:.2f}",
    "p": _p,
    "ms": lambda value: f"{value:,.0f} ms",
    "moment": _moment,
    "span": _span,
}
"""How each kind of value is written. Effects and shares are fractions in the document."""
