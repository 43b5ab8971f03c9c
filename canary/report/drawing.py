"""Matplotlib's figures as SVG that can stand in a page: its colours, its fonts, no ids of others.

The same figure gives the same bytes. No global setting of matplotlib is left changed, and pyplot,
which keeps figures alive, is not used.
"""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

__all__ = [
    "CANARY",
    "CONTROL",
    "GRID",
    "INK",
    "LIMIT",
    "MUTED",
    "Drawing",
    "drawing",
]

INK, MUTED, GRID = "#010101", "#020202", "#030303"
CANARY, CONTROL, LIMIT = "#040404", "#050505", "#060606"
_COLOURS = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    GRID: "var(--line)",
    CANARY: "var(--canary)",
    CONTROL: "var(--control)",
    LIMIT: "var(--limit)",
}
"""What stands for the page's own colours while matplotlib draws: a page may be light or dark."""
_SETTINGS: Any = {
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.grid": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "text.color": INK,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "lines.linewidth": 1.6,
    "axes.unicode_minus": False,
    "path.simplify": False,
}
_DECLARATIONS = re.compile(r"<\?xml.*?\?>|<!DOCTYPE.*?>|<metadata>.*?</metadata>", re.DOTALL)
_STYLES = re.compile(r"<style.*?</style>", re.DOTALL)
_FONTS = re.compile(r"\s*font-family:[^;\"]*;?")
_SIZE = re.compile(r'(<svg[^>]*?) width="[^"]*" height="[^"]*"')
_IDS = re.compile(r'(\bid="|href="#|url\(#)')


@dataclass
class Drawing:
    """One figure under way; `svg` is empty until the drawing is done."""

    axes: Axes
    svg: str = ""


@contextmanager
def drawing(name: str, alt: str, *, height: float, width: float = 7.5) -> Iterator[Drawing]:
    """A figure of one pair of axes, `width` by `height` inches; on leaving it becomes SVG.

    `name` parts its ids from those of other figures of a page; `alt` is what it shows, in words.
    """
    with mpl.rc_context({**_SETTINGS, "svg.hashsalt": name}):
        figure = Figure(figsize=(width, height), layout="constrained")
        made = Drawing(figure.subplots())
        yield made
        figure.patch.set_visible(False)
        made.axes.patch.set_visible(False)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    made.svg = _inlined(text.getvalue(), name, alt)


def _inlined(svg: str, name: str, alt: str) -> str:
    """Without what belongs to a file of its own: prologue, metadata, styles for the whole page."""
    for pattern in (_DECLARATIONS, _STYLES, _FONTS):
        svg = pattern.sub("", svg)
    svg = _IDS.sub(lambda found: f"{found[1]}{name}-", svg)
    svg = _SIZE.sub(r"\1", svg, count=1)
    for marker, colour in _COLOURS.items():
        svg = svg.replace(marker, colour)
    said = html.escape(alt)
    svg = svg.replace("<svg ", f'<svg role="img" aria-label="{said}" ', 1)
    lines = (line.strip() for line in svg.splitlines())
    return "\n".join(line for line in lines if line)
