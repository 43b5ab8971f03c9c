"""Plots of simulated releases: outcomes, delays of detection, the operating characteristic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from canary.simulation.setting import Ending
from canary.simulation.summary import OUTCOMES, stopped_for_own_sake
from canary.simulation.world import World
from canary.statistics.intervals import wilson

__all__ = ["draw_characteristic", "draw_study"]

_COLOURS = {
    "promote": "#009e73",
    "hold": "#999999",
    "rollback": "#d55e00",
    "reject": "#cc79a7",
}
"""Told apart by people who do not see all colours (Okabe and Ito)."""
_Z = 1.96
# The same figures give the same bytes, so that a plot changes only when its numbers do.
_STYLE: Any = {"svg.hashsalt": "canary", "svg.fonttype": "none", "font.family": "sans-serif"}
_NO_DATE = {"Date": None}


def draw_study(
    directory: Path, worlds: Mapping[str, World], endings: Mapping[str, Sequence[Ending]]
) -> tuple[Path, ...]:
    """Write `outcomes.svg`, and `delays.svg` when releases were stopped; returns what it wrote."""
    directory.mkdir(parents=True, exist_ok=True)
    written = [directory / "outcomes.svg"]
    _save(_outcomes(endings), written[0])
    delays = {
        name: [
            (each.at - (worlds[name].onset or 0.0)) / 3600
            for each in found
            if stopped_for_own_sake(each) and each.at >= (worlds[name].onset or 0.0)
        ]
        for name, found in endings.items()
    }
    if any(delays.values()):
        written.append(directory / "delays.svg")
        _save(_delays(delays, endings), written[1])
    return tuple(written)


def draw_characteristic(
    path: Path, effects: Sequence[float], endings: Sequence[Sequence[Ending]]
) -> None:
    """Outcomes against the candidate's true effect on completion (points of one)."""
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot()
    points = 100 * np.asarray(effects)
    for name in OUTCOMES:
        found = [(sum(e.outcome == name for e in each), len(each)) for each in endings]
        intervals = [wilson(number, of, _Z) for number, of in found]
        axes.plot(
            points, [number / of for number, of in found], color=_COLOURS[name], label=name, lw=2
        )
        axes.fill_between(
            points,
            [each.lower for each in intervals],
            [each.upper for each in intervals],
            color=_COLOURS[name],
            alpha=0.2,
            lw=0,
        )
    axes.set_xlabel("true effect on completion, points")
    axes.set_ylabel("share of releases")
    axes.set_ylim(-0.02, 1.02)
    axes.legend(frameon=False)
    _plain(axes)
    path.parent.mkdir(parents=True, exist_ok=True)
    _save(figure, path)


def _outcomes(endings: Mapping[str, Sequence[Ending]]) -> Figure:
    names = list(endings)[::-1]
    figure = Figure(figsize=(8, 1.2 + 0.4 * len(names)), layout="constrained")
    axes = figure.add_subplot()
    left = np.zeros(len(names))
    for outcome in OUTCOMES:
        counts = [sum(each.outcome == outcome for each in endings[name]) for name in names]
        shares = np.array([n / len(endings[name]) for n, name in zip(counts, names, strict=True)])
        axes.barh(names, shares, left=left, color=_COLOURS[outcome], label=outcome, height=0.7)
        left += shares
    axes.set_xlim(0, 1)
    axes.set_xlabel("share of releases")
    axes.legend(ncols=4, frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    _plain(axes)
    return figure


def _delays(
    delays: Mapping[str, Iterable[float]], endings: Mapping[str, Sequence[Ending]]
) -> Figure:
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for name, found in delays.items():
        hours = np.sort(np.fromiter(found, dtype=np.float64))
        if hours.size:
            share = np.arange(1, hours.size + 1) / len(endings[name])
            axes.step(np.maximum(hours, 1e-3), share, where="post", label=name, lw=2)
    axes.set_xscale("log")
    axes.set_xlabel("hours from the fault's onset (else from the first exposure) to the stop")
    axes.set_ylabel("share of releases stopped by then")
    axes.set_ylim(0, 1.02)
    axes.legend(frameon=False)
    _plain(axes)
    return figure


def _plain(axes: mpl.axes.Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)


def _save(figure: Figure, path: Path) -> None:
    with mpl.rc_context(_STYLE):
        figure.savefig(path, format="svg", metadata=_NO_DATE)
