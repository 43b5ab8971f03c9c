"""The report's plots, each drawn from the document that its page shows.

Arms and limits differ by line and mark, not by colour alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, PercentFormatter

from canary.report.drawing import CANARY, CONTROL, INK, LIMIT, MUTED, drawing

__all__ = ["boundaries", "course", "curves", "forest", "margins", "pieces", "shares"]

_ROW_INCHES = 0.26
_WHISKER: dict[str, Any] = {"capsize": 3, "elinewidth": 1.4}


def course(test: Mapping[str, Any]) -> str:
    """The estimate from look to look, the bound that always holds, and the looks' intervals."""
    points = [p for p in test["course"] if p["estimate"] is not None and p["days"] is not None]
    if not points:
        return ""
    scale, unit = _scale(test["unit"])
    alt = (
        f"{test['metric']} over time: the effect after each look, the always-valid upper bound, "
        "and the interval at each look of the test."
    )
    with drawing("course", alt, height=3.4) as made:
        axes = made.axes
        days = [p["days"] for p in points]
        axes.plot(days, [scale * p["estimate"] for p in points], color=CANARY, label="effect")
        upper = [(p["days"], scale * p["always_upper"]) for p in points if _is(p["always_upper"])]
        if upper:
            axes.plot(*zip(*upper, strict=True), color=MUTED, ls="--", label="always-valid bound")
        looks = [k for k in test["looks"] if _is(k["estimate"]) and _is(k["lower"])]
        if looks:
            axes.errorbar(
                [k["days"] for k in looks],
                [scale * k["estimate"] for k in looks],
                yerr=_errors(looks, scale),
                fmt="D",
                markersize=4,
                color=INK,
                label="look of the test",
                **_WHISKER,
            )
        axes.axhline(scale * test["limit"], color=LIMIT, ls=":", label="limit")
        _stages(axes, points)
        _window(axes, [scale * p["estimate"] for p in points], scale * test["limit"], looks, scale)
        axes.set_xlabel("days since the first exposure")
        axes.set_ylabel(f"canary against control, {unit}")
        axes.legend(loc="best", fontsize="small", ncols=2)
    return made.svg


def boundaries(test: Mapping[str, Any]) -> str:
    """Each look's z against the bound that it is held to, over the information."""
    looks = [look for look in test["looks"] if _is(look["z"])]
    if not looks:
        return ""
    alt = f"z of each look of {test['metric']} against its bound, over the information fraction."
    with drawing("boundaries", alt, height=2.8) as made:
        axes = made.axes
        held = [look for look in looks if _is(look["bound"])]
        axes.plot(
            [look["fraction"] for look in held],
            [look["bound"] for look in held],
            color=LIMIT,
            marker="v",
            ls="--",
            label="bound for a benefit",
        )
        axes.plot(
            [look["fraction"] for look in looks],
            [look["z"] for look in looks],
            color=CANARY,
            marker="o",
            label="z of the look",
        )
        axes.axhline(0, color=MUTED, lw=0.8)
        axes.set_xlim(0, 1.03)
        axes.xaxis.set_major_formatter(PercentFormatter(1))
        axes.set_xlabel("information fraction")
        axes.set_ylabel("z")
        axes.legend(loc="best", fontsize="small")
    return made.svg


def forest(data: Mapping[str, Any], limit: float | None, name: str) -> str:
    """One metric's effect overall, by tier pool and by intent, with 95% intervals."""
    rows = [row for row in data["rows"] if _is(row["estimate"])]
    if not rows:
        return ""
    scale, unit = _scale(data["unit"])
    alt = f"Effect on {data['metric']} overall, by tier and by intent, with 95% intervals."
    marks = {"overall": ("D", 6), "tier": ("s", 5), "intent": ("o", 4)}
    with drawing(name, alt, height=_ROW_INCHES * len(rows) + 0.9) as made:
        axes = made.axes
        for place, row in enumerate(reversed(rows)):
            mark, size = marks[row["scope"]]
            axes.errorbar(
                [scale * row["estimate"]],
                [place],
                xerr=_errors([row], scale),
                fmt=mark,
                markersize=size,
                color=INK if row["scope"] == "overall" else CANARY,
                **_WHISKER,
            )
        axes.set_yticks(range(len(rows)), [row["name"] for row in reversed(rows)])
        axes.axvline(0, color=MUTED, lw=0.8)
        if limit:
            axes.axvline(scale * limit, color=LIMIT, ls=":", label="margin of the test")
            axes.legend(loc="best", fontsize="small")
        axes.set_xlabel(f"canary minus control, {unit} ({data['better']} is better)")
        axes.grid(visible=False, axis="y")
    return made.svg


def margins(rows: Sequence[Mapping[str, Any]]) -> str:
    """How much of its margin each gate has used, with its interval."""
    shown = [row for row in rows if _is(row["used"])]
    if not shown:
        return ""
    alt = "Gates judged over all intents: the part of each margin that is used; at 100% it breaks."
    with drawing("margins", alt, height=_ROW_INCHES * len(shown) + 0.9) as made:
        axes = made.axes
        for place, row in enumerate(reversed(shown)):
            ends = [row[k] for k in ("used_lower", "used_upper") if _is(row[k])]
            if ends:
                axes.plot(
                    [min(*ends, row["used"]), max(*ends, row["used"])], [place] * 2, color=INK
                )
            axes.plot([row["used"]], [place], marker="o", color=CANARY, ls="")
        names = [f"{row['metric']}, {row['unit']}" for row in reversed(shown)]
        axes.set_yticks(range(len(shown)), names)
        axes.axvline(0, color=MUTED, lw=0.8)
        axes.axvline(1, color=LIMIT, ls=":")
        axes.set_xlim(
            *_clipped([row[k] for row in shown for k in ("used", "used_lower", "used_upper")])
        )
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.set_xlabel("part of the margin that is used (dotted: the limit)")
        axes.grid(visible=False, axis="y")
    return made.svg


def shares(points: Sequence[Mapping[str, Any]]) -> str:
    """The canary's share of customers drawn, asked for and observed."""
    if not points:
        return ""
    alt = "The canary's share of new customers over time, as asked and as observed at each stage."
    with drawing("shares", alt, height=2.6) as made:
        axes = made.axes
        days = [p["days"] for p in points]
        axes.step(
            days, [p["asked"] for p in points], where="post", color=LIMIT, ls="--", label="asked"
        )
        axes.plot(days, [p["observed"] for p in points], color=CANARY, label="observed")
        axes.set_ylim(0, 1)
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.set_xlabel("days since the first exposure")
        axes.set_ylabel("canary's share")
        axes.legend(loc="best", fontsize="small")
    return made.svg


def pieces(rows: Sequence[Mapping[str, Any]], unit: str, name: str, what: str) -> str:
    """The primary effect within parts of the data, such as weekdays."""
    shown = [row for row in rows if _is(row["estimate"])]
    if not shown:
        return ""
    scale, word = _scale(unit)
    alt = f"The effect {what}, with 95% intervals."
    with drawing(name, alt, height=_ROW_INCHES * len(shown) + 0.9) as made:
        axes = made.axes
        for place, row in enumerate(reversed(shown)):
            axes.errorbar(
                [scale * row["estimate"]],
                [place],
                xerr=_errors([row], scale),
                fmt="o",
                color=CANARY,
                **_WHISKER,
            )
        axes.set_yticks(range(len(shown)), [row["name"] for row in reversed(shown)])
        axes.axvline(0, color=MUTED, lw=0.8)
        axes.set_xlabel(f"effect, {word} (more is better)")
        axes.grid(visible=False, axis="y")
    return made.svg


def curves(
    quantity: Mapping[str, Any], name: str, label: str, *, limit: float | None = None
) -> str:
    """Both arms' distribution: the share of conversations at or below each value."""
    if not any(quantity["curves"].values()):
        return ""
    alt = f"Distribution of {label} by arm: the share of conversations at or below each value."
    lines = {"control": (CONTROL, "--"), "canary": (CANARY, "-")}
    with drawing(name, alt, height=2.8) as made:
        axes = made.axes
        for arm, points in quantity["curves"].items():
            colour, style = lines[arm]
            shown = [p for p in points if p["value"] > 0]
            axes.step(
                [p["value"] for p in shown],
                [p["share"] for p in shown],
                where="post",
                color=colour,
                ls=style,
                label=arm,
            )
        if limit:
            axes.axvline(limit, color=LIMIT, ls=":", label="slow")
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axes.xaxis.set_minor_formatter(FuncFormatter(_few(axes)))
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.set_xlabel(label)
        axes.set_ylabel("conversations")
        axes.legend(loc="best", fontsize="small")
    return made.svg


def _few(axes: Axes) -> Callable[[float, int], str]:
    """Labels for the minor marks of a logarithmic axis: none where it spans several powers."""

    def label(value: float, _: int) -> str:
        low, high = axes.get_xlim()
        leading = int(f"{value:e}"[0])
        wanted = (1, 2, 5) if high / low < 200 else (1,)  # noqa: PLR2004 - two powers of ten
        return f"{value:,.0f}" if leading in wanted else ""

    return label


def _is(value: float | None) -> bool:
    return value is not None


def _scale(unit: str) -> tuple[float, str]:
    """What to multiply a fraction by, and the unit's word: points are hundredths."""
    return (100.0, "points") if unit == "points" else (1.0, unit)


def _errors(rows: Sequence[Mapping[str, Any]], scale: float) -> list[list[float]]:
    """Distances down and up, as error bars take them."""
    down = [
        scale * max(0.0, row["estimate"] - row["lower"]) if _is(row["lower"]) else 0.0
        for row in rows
    ]
    up = [
        scale * max(0.0, row["upper"] - row["estimate"]) if _is(row["upper"]) else 0.0
        for row in rows
    ]
    return [down, up]


def _stages(axes: Axes, points: Sequence[Mapping[str, Any]]) -> None:
    """A line where a stage begins."""
    for before, after in itertools.pairwise(points):
        if after["stage"] != before["stage"]:
            axes.axvline(after["days"], color=MUTED, lw=0.8, ls="-.")


def _window(
    axes: Axes,
    estimates: Sequence[float],
    limit: float,
    looks: Sequence[Mapping[str, Any]],
    scale: float,
) -> None:
    """Keep what matters in sight: early bounds are so wide that they flatten the rest."""
    late = [look for look in looks[-2:] if _is(look["upper"])]
    values = [*estimates[len(estimates) // 4 :], limit, 0.0]
    values += [scale * look[end] for look in late for end in ("lower", "upper")]
    low, high = min(values), max(values)
    room = 0.25 * (high - low or 1.0)
    axes.set_ylim(low - room, high + room)


def _clipped(values: Sequence[float | None]) -> tuple[float, float]:
    """Limits of an axis that a single unbounded interval does not blow up."""
    finite = [value for value in values if value is not None]
    low, high = min(*finite, 0.0), max(*finite, 1.0)
    return max(low, -2.0) - 0.1, min(high, 3.0) + 0.1
