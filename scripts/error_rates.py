"""Writes the simulator's figures into the documents, from what `make error-rates` has measured.

The figures lie in docs/explanation/figures, as `canary simulate --json` printed them; the tables of
docs/explanation/error-rates.md and of the README are made from them and from nothing else.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FIGURES = ROOT / "docs" / "explanation" / "figures"
PAGES = (ROOT / "docs" / "explanation" / "error-rates.md", ROOT / "README.md")
PEERS = ("raw_ratio_gated", "argo", "flagger", "kayenta", "repeated_z")
Document = Mapping[str, Any]


def main() -> int:
    """Write the tables, or with `--check` say whether they are what would be written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare; 1 when one differs")
    arguments = parser.parse_args()
    tables = {
        "worlds": worlds(lines("targets.jsonl")),
        "effects": effects(lines("effects.jsonl")),
        "speed": speed(lines("null.jsonl")),
        "peers": peers(lines("compare.jsonl")[-1]),
        "later": later(lines("compare.jsonl")[-1]),
        "certainty": f"```text\n{(FIGURES / 'alarm-certainty.txt').read_text().rstrip()}\n```",
        "missed": missed(lines("targets.jsonl")),
    }
    differs = False
    for page in PAGES:
        before = page.read_text()
        after = before
        for name, table in tables.items():
            after = filled(after, name, table)
        if before != after and arguments.check:
            print(f"{page.relative_to(ROOT)}: its figures are not those measured: make error-rates")
            differs = True
        elif before != after:
            page.write_text(after)
    return int(differs)


def lines(name: str) -> list[Document]:
    """The documents of one run."""
    return [json.loads(line) for line in (FIGURES / name).read_text().splitlines() if line]


def filled(text: str, name: str, table: str) -> str:
    """The text with a table between its markers; unchanged where it has none."""
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    return pattern.sub(lambda _: f"{begin}{table}\n{end}", text)


def worlds(documents: Sequence[Document]) -> str:
    """Each world: how releases end, and what it is held to."""
    rows = []
    for each in documents:
        held = [f"{t['measure']} {t['target']}: {verdict(t)}" for t in each["targets"]]
        hours = each["hours_to_stop"]
        stop = f"{number(hours['median'])} ({number(hours['p95'])})" if hours["n"] else ""
        shares = [percent(each[name]) for name in ("promote", "stopped", "hold")]
        rows.append((f"`{each['world']}`", *shares, stop, "; ".join(held)))
    head = (
        "world",
        "promoted",
        "stopped for its own sake",
        "held",
        "hours to the stop, median (95%)",
        "targets",
    )
    origin = documents[0]
    return (
        f"{markdown(head, rows)}\n\n{origin['releases']:,} releases a world, {origin['region']}, "
        f"seed {origin['seed']}, policy version `{origin['policy_version'][:12]}`; 95% Monte Carlo "
        "intervals."
    )


def verdict(target: Document) -> str:
    """Whether a target holds; bold where it does not."""
    return "holds" if target["holds"] else f"**missed, {number(target['estimate'])}**"


def missed(documents: Sequence[Document]) -> str:
    """The targets that do not hold, each in a sentence."""
    said = [
        f"- `{each['world']}`: {t['measure']} is {percent(t)}, {t['target']} was wanted."
        for each in documents
        for t in each["targets"]
        if not t["holds"]
    ]
    held = sum(t["holds"] for each in documents for t in each["targets"])
    return f"{held} targets hold." + ("\n\nMissed:\n\n" + "\n".join(said) if said else "")


def effects(documents: Sequence[Document]) -> str:
    """The operating characteristic as a table."""
    rows = [
        (
            f"{100 * each['effect']:+.2f}",
            *(percent(each[name]) for name in ("promote", "rollback", "hold", "reject")),
            number(each["days_to_decision"]["median"]),
        )
        for each in documents
    ]
    head = ("true effect, points", "promote", "rollback", "hold", "reject", "days, median")
    return f"{markdown(head, rows)}\n\n{documents[0]['releases']:,} releases an effect."


def speed(documents: Sequence[Document]) -> str:
    """How long the simulation itself took."""
    found = documents[-1]
    each = 1000 * found["seconds"] / found["releases"]
    return (
        f"{found['releases']:,} releases of 14 days in {found['seconds']:.0f} s on 2 cores "
        f"({each:.0f} ms each): promoted {percent(found['promote'])}, stopped for its own sake "
        f"{percent(found['stopped'])}."
    )


def peers(document: Document) -> str:
    """False stops of healthy releases, then each fault's median delay, ours beside the tools'."""
    rows = {
        (each["world"], each["strategy"], each["thresholds"]): each for each in document["rows"]
    }
    columns = [("ours", "policy"), *((name, fitted(rows, name)) for name in PEERS)]
    head = ("", "ours", *PEERS)
    plain = [
        "healthy, stopped falsely: own thresholds",
        percent(rows["null", "ours", "policy"]["stopped"]),
        *(percent(rows["null", name, "default"]["stopped"]) for name in PEERS),
    ]
    tuned = [
        "healthy, stopped falsely: tuned",
        "",
        *(percent(rows["null", *column]["stopped"]) for column in columns[1:]),
    ]
    faults = [
        (f"`{world}`", *(delay(rows[world, *column]) for column in columns))
        for world in document["worlds"]
        if world != "null"
    ]
    return (
        f"{markdown(head, [plain, tuned, *faults])}\n\nDelay from the fault's onset, median (95%), "
        f"and the share never found where there is one; thresholds tuned, metric by metric where "
        f"the tool has several, to the false stops of the second row. {document['releases']:,} "
        f"releases a world, the same for all; seed {document['seed']}. A dash: the tool does not "
        "read what is hurt."
    )


def later(document: Document) -> str:
    """Where a tuned tool is sooner than ours, by the median or by the slow 5%, said plainly."""
    said = []
    for world in document["worlds"]:
        here = [each for each in document["rows"] if each["world"] == world]
        ours = next(each["delay"] for each in here if each["strategy"] == "ours")
        for measure, words in (("median", "half"), ("p95", "95%")):
            if not ours or ours[measure] is None:
                continue
            said += [
                f"- `{world}`, {words} of releases: `{each['strategy']}` ({each['thresholds']}) "
                f"within {minutes(each['delay'][measure])}, ours within {minutes(ours[measure])}."
                for each in here
                if sooner(each, ours[measure], measure)
            ]
    return "\n".join(said) or "Nowhere."


def sooner(row: Document, ours: float, measure: str) -> bool:
    """Whether a tool that claims to watch what is hurt, tuned to our false stops, is sooner."""
    return bool(
        row["strategy"] in PEERS
        and row["thresholds"] != "default"
        and row["claims"]
        and row["delay"]
        and row["delay"][measure] is not None
        and row["delay"][measure] < ours
    )


def fitted(rows: Mapping[tuple[str, str, str], Document], name: str) -> str:
    """Tuned by metric where the strategy has several, else by one factor."""
    return "tuned by metric" if ("null", name, "tuned by metric") in rows else "tuned"


def delay(row: Document) -> str:
    """One cell: median, 95%, never found."""
    if not row["claims"]:
        return "-"
    found, missed = row["delay"], row["undetected"]["estimate"]
    if not found["pairs"]:
        return "stopped before"
    text = f"{minutes(found['median'])} ({minutes(found['p95'])})"
    return f"{text}, {missed:.0%} never" if missed else text


def minutes(value: float | None) -> str:
    """Minutes in the unit that reads best."""
    if value is None:
        return "never"
    if value < 120:  # noqa: PLR2004 - two hours
        return f"{value:.0f} min"
    return f"{value / 60:.1f} h" if value < 2880 else f"{value / 1440:.1f} d"  # noqa: PLR2004


def percent(share: Mapping[str, float]) -> str:
    """A share with its interval."""
    bounds = f"{100 * share['lower']:.2f}–{100 * share['upper']:.2f}"  # noqa: RUF001 - a range
    return f"{100 * share['estimate']:.2f}% ({bounds})"


def number(value: float | None) -> str:
    """Three significant digits."""
    return "" if value is None else f"{value:.3g}"


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table."""
    parts = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(part)} |" for part in parts)


if __name__ == "__main__":
    raise SystemExit(main())
