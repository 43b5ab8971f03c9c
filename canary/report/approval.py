"""What a person reads when the report could not be written: the record, as one page of HTML.

It says what the record says and no more: decisions with their verdicts and rules, and the shares
that were asked for. It computes nothing of its own.
"""

from __future__ import annotations

import datetime as dt
import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from canary.policy.compiled import CompiledPolicy
from canary.release.model import ReleaseState
from canary.routing.rates import asked_share

__all__ = ["approval_page"]

_PREFACE = (
    "Written by the progression from the release's record, because the full report could not be "
    "written: `canary report` makes it. Samples and effects stand in the verdicts; observed shares "
    "are on the status page."
)
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%;margin:0 0 1.5rem}"
    "th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid #ccc}"
)


def approval_page(state: ReleaseState, *, at: float) -> str:
    """The page for the release in `state`, written at epoch second `at`; complete in itself."""
    policy = CompiledPolicy.from_json(state.policy)
    title = f"{state.release_id}: may {state.candidate} take all traffic?"
    judged = [item for item in state.decisions if item.get("verdicts")]
    parts = [
        f"<h1>{_text(title)}</h1>",
        f"<p>{_PREFACE}</p>",
        _table(("release", ""), _facts(state, at)),
        "<h2>Traffic asked for</h2>",
        _table(("stage", "canary's rate", "canary's share over all intents"), _shares(policy)),
        "<h2>Decisions, newest first</h2>",
        _table(("when", "stage", "decision", "reason"), _decisions(state.decisions)),
        "<h2>Verdicts of the last judged look</h2>",
        _table(("gate", "metric", "scope", "verdict", "in words"), _verdicts(judged[-1:])),
        "<h2>Rules of the last look</h2>",
        _table(("rule", "outcome", "read"), _rules(state.decisions[-1:])),
    ]
    head = (
        f'<meta charset="utf-8"><title>{_text(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
    )
    body = "\n".join(parts)
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n{body}\n</body></html>\n'


def _facts(state: ReleaseState, at: float) -> list[Sequence[object]]:
    exposed = state.first_exposure_at
    return [
        ("candidate", state.candidate),
        ("control", state.control),
        ("region", state.region),
        ("test", state.test_id),
        ("policy", state.policy_digest),
        ("admitted", _moment(state.admitted_at)),
        ("first exposure", "none" if exposed is None else _moment(exposed)),
        ("looks taken", state.looks_done),
        ("benefit at the last look", {True: "yes", False: "no", None: "open"}[state.benefit]),
        ("page written", _moment(at)),
    ]


def _shares(policy: CompiledPolicy) -> list[Sequence[object]]:
    return [
        (stage.index, f"{stage.rate:.0%}", f"{asked_share(policy, stage.index):.1%}")
        for stage in policy.stages
    ]


def _decisions(decisions: Sequence[Mapping[str, Any]]) -> list[Sequence[object]]:
    return [
        (_moment(float(item["at"])), item.get("stage", ""), item["decision"], item["reason"])
        for item in reversed(decisions)
    ]


def _verdicts(decisions: Iterable[Mapping[str, Any]]) -> list[Sequence[object]]:
    return [
        tuple(verdict.get(name, "") for name in ("gate", "metric", "scope", "verdict", "sentence"))
        for item in decisions
        for verdict in item["verdicts"]
    ]


def _rules(decisions: Iterable[Mapping[str, Any]]) -> list[Sequence[object]]:
    return [
        (
            rule["name"],
            rule["outcome"],
            ", ".join(f"{name} {value}" for name, value in rule["inputs"].items()),
        )
        for item in decisions
        for rule in item.get("rules", ())
    ]


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    if not rows:
        return "<p>None.</p>"
    names = "".join(f"<th>{_text(name)}</th>" for name in head)
    lines = "".join(
        "<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{names}</tr></thead><tbody>{lines}</tbody></table>"


def _moment(epoch: float) -> str:
    return dt.datetime.fromtimestamp(epoch, tz=dt.UTC).strftime("%Y-%m-%d %H:%M UTC")


def _text(value: object) -> str:
    return html.escape(str(value))
