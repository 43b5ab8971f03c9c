"""Sections of the page on the record: concerns, rules, decisions, ledger, conversations."""

from __future__ import annotations

from canary.report.markup import Column, Sheet

__all__ = ["before_you_answer", "decided", "ledger", "samples"]

_DECISION = Column("decision", "decision", marked=True)


def before_you_answer(sheet: Sheet) -> str:
    """What is not simply well, gathered from the whole report, so that it is not overlooked."""
    concerns = sheet.at("concerns")
    if not concerns:
        return '<p class="sub">No gate, check or look speaks against the release.</p>'
    items = "".join(
        f"<li>{sheet.figure(f'concerns.{index}')}</li>" for index in range(len(concerns))
    )
    return f"<h2>What to weigh first</h2><ul>{items}</ul>"


def decided(sheet: Sheet) -> str:
    """Every rule of the last look with its inputs, and the decisions so far."""
    lines = []
    for index, rule in enumerate(sheet.at("rules")):
        inputs = ", ".join(
            f"{sheet.figure(f'rules.{index}.inputs.{n}.name')} "
            f"{sheet.figure(f'rules.{index}.inputs.{n}.value', 'value')}"
            for n in range(len(rule["inputs"]))
        )
        lines.append(
            f'<tr><th scope="row">{sheet.figure(f"rules.{index}.name")}</th>'
            f"<td>{sheet.figure(f'rules.{index}.outcome')}</td><td>{inputs or 'nothing'}</td></tr>"
        )
    rules = (
        '<div class="scroll" tabindex="0" role="region" aria-label="Rules of the last look">'
        "<table><caption>Rules of the last look, in the order in which they were asked</caption>"
        '<thead><tr><th scope="col">rule</th><th scope="col">said</th><th scope="col">read</th>'
        f"</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
        if lines
        else '<p class="sub">No rule has been applied yet.</p>'
    )
    decisions = sheet.table(
        "decisions",
        [
            Column("first at", "at", "moment"),
            Column("last at", "until", "moment"),
            Column("looks", "looks", "count"),
            Column("stage", "stage", "count"),
            _DECISION,
            Column("cause", "cause"),
            Column("reason", "reason", wide=True),
        ],
        "Decisions, equal ones in a row as one",
    )
    return rules + decisions


def ledger(sheet: Sheet) -> str:
    """What the tests of the year, taken together, say of this one."""
    if not sheet.at("ledger.registered"):
        return (
            "<p>This test is <strong>not registered</strong> in the ledger, or the ledger was not "
            "read: nothing is said about false discoveries over the year's tests.</p>"
        )
    return sheet.table(
        "ledger.entries",
        [Column("entry", "name"), Column("value", "value", "value", wide=True)],
        "The test in the ledger",
    )


def samples(sheet: Sheet) -> str:
    """Conversations of both arms, side by side."""
    if not sheet.at("samples.known"):
        return '<p class="sub">The events were not read for this report.</p>'
    arms = "".join(
        f"<div><h3>{arm}</h3>{_conversations(sheet, arm)}</div>" for arm in ("control", "canary")
    )
    return (
        "<p>Chosen evenly over the conversations' ids, not by how they went. Customers' own words "
        "are not kept; the model's are kept for sampled turns, and shown without what patterns "
        f'find to be an address, a number or a link.</p><div class="samples">{arms}</div>'
    )


def _conversations(sheet: Sheet, arm: str) -> str:
    found = sheet.at(f"samples.{arm}")
    if not found:
        return '<p class="sub">None was found.</p>'
    return "".join(_conversation(sheet, f"samples.{arm}.{n}", c) for n, c in enumerate(found))


def _conversation(sheet: Sheet, place: str, found: dict[str, object]) -> str:
    turns = []
    listed = found["turns"]
    assert isinstance(listed, list)
    for index, turn in enumerate(listed):
        at = f"{place}.turns.{index}"
        answer = "<p class='sub'>no text kept</p>"
        if turn["answer"]:
            answer = f"<blockquote>{sheet.figure(f'{at}.answer')}</blockquote>"
        turns.append(
            f"<li>{sheet.figure(f'{at}.intent')}: {sheet.figure(f'{at}.status')}, "
            f"{sheet.figure(f'{at}.latency_ms', 'ms')}, {sheet.figure(f'{at}.tokens', 'count')} "
            f"tokens{answer}</li>"
        )
    return (
        f'<article class="sample"><p><strong>{sheet.figure(f"{place}.intent")}</strong> at stage '
        f"{sheet.figure(f'{place}.stage', 'count')}: completed "
        f"{sheet.figure(f'{place}.completed', 'yes')}, satisfaction "
        f"{sheet.figure(f'{place}.csat', 'count')}</p>"
        f'<p class="sub">{sheet.figure(f"{place}.conversation")}</p>'
        f"<ol>{''.join(turns)}</ol></article>"
    )
