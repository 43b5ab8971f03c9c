"""A bandit on the terminal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

__all__ = ["effect_words", "print_bandit"]

_PIPED_WIDTH = 140
_COLUMNS = (*("arm", "decisions", "completed", "95%", "best", "gives up", "served", "quality"),)


def print_bandit(found: Mapping[str, Any]) -> None:
    """Print one intent's document: the arms, where it stands, what guardrails did, the effects."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_PIPED_WIDTH)
    review = found["review"]
    kind = {"thompson": "Thompson sampling", "linucb": "LinUCB"}[found["kind"]]
    title = f"{found['intent']}: {kind}, learned up to {_moment(found['settled_until'])}"
    if review is None:
        console.print(f"{title}; nothing of the last day to review it over\n")
        return
    table = Table(box=SIMPLE_HEAD, title=title, title_justify="left")
    for number, name in enumerate(_COLUMNS):
        table.add_column(name, justify="right" if number else "left")
    for arm in review["arms"]:
        table.add_row(
            arm["name"],
            f"{arm['decisions']:,}",
            f"{arm['mean']:.1%}",
            f"{arm['low']:.1%} to {arm['high']:.1%}",
            "by context" if arm["chance_best"] is None else f"{arm['chance_best']:.1%}",
            f"{100 * arm['expected_loss']:.2f} points",
            "by context" if not found["shares"] else f"{found['shares'].get(arm['name'], 0):.1%}",
            "not judged" if arm["quality"] is None else f"{arm['quality']:.3f}",
        )
    console.print(table)
    console.print(
        f"{review['convergence']} after {review['days_learning']:.1f} days: choosing "
        f"{'by context' if found['kind'] == 'linucb' else review['best']} now gives up "
        f"{100 * review['expected_loss']:.2f} points. Reviews recorded: {found['reviewed']}."
    )
    if review["removed"]:
        console.print(f"Removed for quality: {', '.join(review['removed'])}.")
    if found["upcoming"]:
        console.print(f"Served from {_moment(found['upcoming']['since'])} on: others (a release).")
    for finding in found["findings"][-3:]:
        console.print(
            f"{_moment(float(finding['at']))}: {finding['arm']} {finding['what']} "
            f"({float(finding['value'] or 'nan'):.3f}, limit {float(finding['limit']):.3f})"
        )
    for effect in found["effects"] or ():
        console.print(effect_words(effect, found["effects"][0]["arm"]))
    console.print()


def effect_words(effect: Mapping[str, Any], first: str) -> str:
    """The sentence of one arm: "short is 3.0% ± 1.0% better than as-is (2.0% to 4.0%)"."""
    rate = effect["rate"]
    head = f"{effect['arm']}: {rate['value']:.1%} completed over {effect['decisions']:,} decisions"
    lift, points = effect["lift"], effect["points"]
    if lift is None or points is None:
        return head
    if lift["value"] is None or lift["low"] is None or points["low"] is None:
        return f"{head}; too little to compare it with {first}"
    better = "better" if lift["value"] >= 0 else "worse"
    half = (lift["high"] - lift["low"]) / 2
    return (
        f"{head}; {abs(lift['value']):.1%} ± {half:.1%} {better} than {first} (95%: "
        f"{lift['low']:+.1%} to {lift['high']:+.1%}; in points {100 * points['low']:+.2f} to "
        f"{100 * points['high']:+.2f})"
    )


def _moment(at: float) -> str:
    return dt.datetime.fromtimestamp(at, tz=dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
