"""The posteriors of a bandit's arms as one picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from scipy.stats import beta

from canary.bandits.state import BanditState

__all__ = ["draw_posteriors"]

_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
"""Told apart by people who do not see all colours (Okabe and Ito)."""
# The same state gives the same bytes.
_STYLE: Any = {"svg.hashsalt": "canary", "svg.fonttype": "none", "font.family": "sans-serif"}


def draw_posteriors(directory: Path, state: BanditState) -> Path:
    """Write `{intent}.svg`: each served arm's posterior of its reward rate, over all contexts."""
    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.add_subplot()
    posteriors = [beta(arm.successes + 1, arm.failures + 1) for arm in state.served]
    low = min(float(each.ppf(0.0005)) for each in posteriors)
    high = max(float(each.ppf(0.9995)) for each in posteriors)
    rates = np.linspace(low, high, 400)
    for arm, posterior, colour in zip(state.served, posteriors, _COLOURS, strict=False):
        density = posterior.pdf(rates)
        label = f"{arm.name} ({arm.successes + arm.failures:,})"
        axes.plot(100 * rates, density, color=colour, lw=2, label=label)
        axes.fill_between(100 * rates, density, color=colour, alpha=0.15, lw=0)
    axes.set_title(f"{state.intent}: what is known of the arms", loc="left")
    axes.set_xlabel("completed, %")
    axes.set_yticks([])
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.legend(frameon=False, title="arm (decisions)")
    path = directory / f"{state.intent}.svg"
    with mpl.rc_context(_STYLE):
        figure.savefig(path, metadata={"Date": None})
    return path
