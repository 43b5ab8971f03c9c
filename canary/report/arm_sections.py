"""Sections of the page on the arms: how large they are, when the effect holds, what they cost."""

from __future__ import annotations

from canary.report import plots
from canary.report.figures import cell_kind, effect_kind
from canary.report.markup import Column, Sheet, more, plot

__all__ = ["exclusions", "ramp", "spreads", "stability"]


def ramp(sheet: Sheet) -> str:
    """Shares asked and observed, and whether the arms are as large as asked."""
    stages = sheet.table(
        "ramp.stages",
        [
            Column("stage", "stage", "count"),
            Column("rate", "rate", "used"),
            Column("asked, all intents", "asked", "share"),
            Column("observed", "observed", "share"),
            Column("control", "control", "count"),
            Column("canary", "canary", "count"),
            Column("began", "began", "moment"),
            Column("at least", "min_seconds", "span"),
            Column("at most", "max_seconds", "span"),
        ],
        "Stages, with the customers first drawn in each",
    )
    facts = sheet.facts(
        [
            ("p, valid at every look", "sample_ratio.p", "p"),
            ("alpha", "sample_ratio.alpha", "value"),
            ("mismatch", "sample_ratio.mismatch", "yes"),
            ("p of one chi-square read now", "sample_ratio.p_once", "p"),
        ]
    )
    draws = sheet.table(
        "sample_ratio.draws",
        [
            Column("stage", "stage", "count"),
            Column("probability", "p_canary", "share"),
            Column("control", "control", "count"),
            Column("canary", "canary", "count"),
            Column("canary expected", "expected_canary", "count"),
            Column("observed", "observed", "share"),
        ],
        "First draws of customers by the probability then in force",
    )
    drawn = plot(plots.shares(sheet.at("ramp.course")), "Asked and observed share of the canary.")
    course = sheet.table(
        "ramp.course",
        [
            Column("day", "days", "days"),
            Column("stage", "stage", "count"),
            Column("asked", "asked", "share"),
            Column("observed", "observed", "share"),
        ],
        "Shares from look to look",
    )
    return f"{drawn}{stages}<h3>Sample ratio</h3>{facts}{draws}" + more("Shares over time", course)


def stability(sheet: Sheet) -> str:
    """Weekdays, promotions and novelty, at the last test stage."""
    found = sheet.at("by_time")
    if not (found["weekdays"] or found["promotions"] or found["exposure"]):
        return '<p class="sub">Read at the last test stage only, which has no look yet.</p>'
    kind = cell_kind(found["unit"])
    columns = [
        Column("part", "name"),
        Column("effect", "estimate", kind),
        Column("lower", "lower", kind),
        Column("upper", "upper", kind),
        Column("control", "n_control", "count"),
        Column("canary", "n_canary", "count"),
    ]
    tests = [Column("scope", "scope"), Column("p", "p", "p"), Column("parts", "pieces", "count")]
    said = (
        "<p>A test of a qualitative interaction asks whether the effect truly turns round between "
        "parts; a single day below zero proves nothing. Level of the tests: "
        f"{sheet.figure('by_time.alpha', 'value')}.</p>"
    )
    parts = [said]
    for key, heading, what in (
        ("weekdays", "Day of the week", "by day of the week"),
        ("promotions", "Promotions", "inside and outside promotions"),
        ("exposure", "Novelty", "by a customer's days under test"),
    ):
        drawn = plots.pieces(found[key], found["unit"], f"by-{key}", what)
        parts.append(f"<h3>{heading}</h3>")
        parts.append(plot(drawn, f"Effect {what}."))
        parts.append(sheet.table(f"by_time.{key}", columns, f"Effect {what}, in {found['unit']}"))
        if key != "exposure":
            place = "by_time.weekday_tests" if key == "weekdays" else "by_time.promotion_tests"
            parts.append(
                sheet.table(
                    place, tests, "Tests of an effect that turns round", empty="too few data."
                )
            )
    if found["novelty"]:
        parts.append(
            sheet.facts(
                [
                    ("z of the early effect", "by_time.novelty.z_early", "z"),
                    ("z of late minus half of early", "by_time.novelty.z_decay", "z"),
                    ("wears off", "by_time.novelty.wears_off", "yes"),
                ]
            )
        )
    return "".join(parts)


def spreads(sheet: Sheet) -> str:
    """Distributions of latency and tokens, and the ratio that the gates judge."""
    if not sheet.at("spreads.known"):
        return '<p class="sub">The events were not read for this report.</p>' + _p99(sheet)
    parts = []
    for key, heading, kind, label in (
        ("latency", "Latency: each conversation's slowest turn", "ms", "milliseconds"),
        ("tokens", "Tokens of a conversation, in and out", "count", "tokens"),
    ):
        data = sheet.at(f"spreads.{key}")
        columns = [Column("arm", "arm"), Column("conversations", "n", "count")]
        columns += [Column(name, name, kind) for name in ("p50", "p90", "p95", "p99")]
        drawn = plots.curves(data, f"curve-{key}", label)
        parts.append(f"<h3>{heading}</h3>{plot(drawn, f'Distribution of {label} by arm.')}")
        parts.append(sheet.table(f"spreads.{key}.arms", columns, heading))
    return "".join(parts) + _p99(sheet)


def _p99(sheet: Sheet) -> str:
    if not sheet.at("spreads.p99"):
        return '<p class="sub">Too few conversations to bound the slowest hundredth.</p>'
    return "<h3>The slowest hundredth, as the gates compare it</h3>" + sheet.facts(
        [
            ("control", "spreads.p99.control", "ms"),
            ("canary", "spreads.p99.canary", "ms"),
            ("canary over control", "spreads.p99.ratio", "relative"),
            ("from", "spreads.p99.lower", "relative"),
            ("to", "spreads.p99.upper", "relative"),
            ("each bound, one-sided", "spreads.p99.confidence", "used"),
        ]
    )


def exclusions(sheet: Sheet) -> str:
    """Who is left out and why, and what the source's own exclusion would say."""
    kind = effect_kind(sheet.at("exclusions.unit"))
    said = (
        "<p><strong>Intention to treat.</strong> Every conversation counts in the arm drawn for "
        "it, also when a retry, a fallback, a refusal or a move to the other arm answered it: "
        "leaving those out would leave out what the candidate did to them. Out are only "
        "conversations that were never drawn; they are in no arm.</p>"
    )
    if not sheet.at("exclusions.known"):
        return said + '<p class="sub">The events were not read for this report.</p>'
    arms = sheet.table(
        "exclusions.arms",
        [
            Column("arm", "arm"),
            Column("customers", "customers", "count"),
            Column("conversations", "conversations", "count"),
            Column("turns", "turns", "count"),
            Column("errors", "error_share", "percent"),
            Column("fallback", "fallback_share", "percent"),
            Column("refused", "refused_share", "percent"),
            Column("moved", "reassigned", "count"),
            Column("moved, share", "reassigned_share", "percent"),
        ],
        "What happened to the conversations of each arm, whatever served them",
    )
    rows = [
        ("never drawn, so left out", "exclusions.undrawn", "count"),
        ("all drawn: effect", "exclusions.all_drawn.estimate", kind),
        ("from", "exclusions.all_drawn.lower", kind),
        ("to", "exclusions.all_drawn.upper", kind),
        ("sensitivity, without those moved: effect", "exclusions.sensitivity.estimate", kind),
        ("from", "exclusions.sensitivity.lower", kind),
        ("to", "exclusions.sensitivity.upper", kind),
    ]
    return (
        said
        + arms
        + sheet.facts(rows)
        + '<p class="sub">The sensitivity leaves out conversations that were moved to the other '
        "arm. They were chosen after the candidate had acted, so it is never decided on.</p>"
    )
