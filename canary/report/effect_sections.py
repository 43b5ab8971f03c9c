"""Sections of the page on effects: the primary metric, the intents, the gates, the composite."""

from __future__ import annotations

from canary.report import plots
from canary.report.figures import cell_kind, effect_kind, level_kind
from canary.report.markup import Column, Sheet, more, plot

__all__ = ["composite", "guardrails", "per_intent", "primary_metric"]

_VERDICT = Column("verdict", "verdict", marked=True)


def primary_metric(sheet: Sheet) -> str:
    """The hypothesis, the course, the looks against their bounds."""
    test = sheet.at("primary")
    kind = effect_kind(test["unit"])
    facts = [
        ("metric", "primary.metric", "text"),
        ("registered as", "primary.hypothesis", "text"),
        ("limit of the test", "primary.limit", kind),
        ("least effect asked", "primary.min_effect", kind),
        ("alpha, two-sided", "primary.alpha", "value"),
        ("alpha of the harm sequence", "primary.harm_alpha", "value"),
        ("outcomes an arm before it may stop", "primary.harm_from", "count"),
    ]
    final = ""
    if test["final"]:
        final = "<h3>At the last look, which decides</h3>" + sheet.facts(
            [
                ("effect", "primary.final.estimate", kind),
                ("interval by its bound: from", "primary.final.lower", kind),
                ("to", "primary.final.upper", kind),
                ("p of this look alone, two-sided", "primary.final.p_two_sided", "p"),
                ("interval of this look alone: from", "primary.final.plain_lower", kind),
                ("to", "primary.final.plain_upper", kind),
                ("benefit", "primary.final.benefit", "yes"),
            ]
        )
    cell, unit = cell_kind(test["unit"]), test["unit"]
    looks = sheet.table(
        "primary.looks",
        [
            Column("look", "number", "count"),
            Column("day", "days", "days"),
            Column("information", "information", "value"),
            Column("fraction", "fraction", "share"),
            Column("z", "z", "z"),
            Column("bound", "bound", "z"),
            Column("effect", "estimate", cell),
            Column("lower", "lower", cell),
            Column("upper", "upper", cell),
            Column("by volume", "post_stratified", cell),
            Column("differs", "differs", "yes"),
            Column("control", "n_control", "count"),
            Column("canary", "n_canary", "count"),
            _VERDICT,
        ],
        f"Looks of the test, effects in {unit}; the interval is the repeated one, by its own bound",
        empty="none has been taken.",
    )
    points = sheet.table(
        "primary.course",
        [
            Column("at", "at", "moment"),
            Column("day", "days", "days"),
            Column("stage", "stage", "count"),
            Column("effect", "estimate", cell),
            Column("standard error", "error", cell),
            Column("always-valid upper bound", "always_upper", cell),
            Column("control", "n_control", "count"),
            Column("canary", "n_canary", "count"),
        ],
        f"The effect from look to look, in {unit}",
    )
    planned = sheet.table(
        "primary.planned_looks",
        [Column("look", "number", "count"), Column("day", "days", "days")],
        "Looks as planned, in days since the first exposure",
    )
    explained = (
        "<p>Effects are stratified by intent and probability in force, with standard errors robust "
        "to customers. A benefit is decided once, at the last look; harm may stop the release at "
        "any time, when the always-valid bound falls below the limit.</p>"
    )
    return "".join(
        (
            explained,
            sheet.facts(facts),
            final,
            plot(plots.course(test), "Effect over time; numbers in the tables below."),
            plot(plots.boundaries(test), "Each look's z against its bound."),
            looks,
            more("Every point of the course", points + planned),
        )
    )


def per_intent(sheet: Sheet) -> str:
    """A forest for the primary metric; those of the others open on demand."""
    data = sheet.at("forests")
    if not data:
        return '<p class="sub">No look has read data yet.</p>'
    said = (
        "<p>Canary minus control in the whole release, as drawn, with two-sided intervals that are "
        "not corrected for their number: a look at all intents finds one by chance. The gates "
        "correct for it.</p>"
    )
    parts = [said]
    for index, forest in enumerate(data):
        inner = _forest(sheet, index)
        if forest["primary"]:
            parts.append(f"<h3>{sheet.figure(f'forests.{index}.metric')}</h3>{inner}")
        else:
            parts.append(more(forest["metric"], inner))
    return "".join(parts)


def _forest(sheet: Sheet, index: int) -> str:
    forest = sheet.at(f"forests.{index}")
    level = level_kind(forest["measure"])
    limit = sheet.at("primary.limit") if forest["primary"] else None
    rows = sheet.table(
        f"forests.{index}.rows",
        [
            Column("scope", "name"),
            Column("control", "control", level),
            Column("canary", "canary", level),
            Column("effect", "estimate", cell_kind(forest["unit"])),
            Column("lower", "lower", cell_kind(forest["unit"])),
            Column("upper", "upper", cell_kind(forest["unit"])),
            Column("n control", "n_control", "count"),
            Column("n canary", "n_canary", "count"),
        ],
        f"Effect on {forest['metric']} by scope in {forest['unit']} ({forest['better']} is better)",
    )
    differs = ""
    if forest["heterogeneity"]:
        place = f"forests.{index}.heterogeneity"
        differs = (
            f'<p class="sub">Do intents differ? Q {sheet.figure(f"{place}.q", "z")} on '
            f"{sheet.figure(f'{place}.df', 'count')} degrees of freedom, "
            f"p {sheet.figure(f'{place}.p', 'p')}; shown, not decided on.</p>"
        )
    drawn = plots.forest(forest, limit, f"forest-{forest['metric']}")
    return plot(drawn, "Effect by scope; numbers in the table below.") + rows + differs


def guardrails(sheet: Sheet) -> str:
    """Every gate of the last look that judged, against its limit."""
    columns = [
        Column("metric", "metric"),
        Column("scope", "scope"),
        Column("gate", "gate"),
        _VERDICT,
        Column("limit", "limit", "@kind"),
        Column("value", "estimate", "@kind"),
        Column("lower", "lower", "@kind"),
        Column("upper", "upper", "@kind"),
        Column("used", "used", "used"),
        Column("control", "n_control", "count"),
        Column("canary", "n_canary", "count"),
    ]
    overall = sheet.at("gates.overall")
    if sheet.at("gates.at") is None:
        return '<p class="sub">No look has judged a gate yet.</p>'
    said = (
        f"<p>Judged at {sheet.figure('gates.at', 'moment')}, leaving stage "
        f"{sheet.figure('gates.stage', 'count')}, on the stage's present block. A must_pass gate "
        "is proved by a one-sided bound; a must_not_fail gate fails only when its bound lies "
        "wholly on the bad side.</p>"
    )
    return "".join(
        (
            said,
            plot(plots.margins(overall), "Used part of each margin; numbers in the table below."),
            sheet.table("gates.overall", columns, "Gates over all intents"),
            more(
                "Gates by intent and tier",
                sheet.table("gates.parts", columns, "Gates by intent and tier"),
            ),
            _unresolved(sheet),
            _observed(sheet),
        )
    )


def _observed(sheet: Sheet) -> str:
    """What has no limit, for people to see."""
    if not sheet.at("gates.observed"):
        return ""
    columns = [
        Column("metric", "metric"),
        Column("effect", "estimate", "@kind"),
        Column("lower", "lower", "@kind"),
        Column("upper", "upper", "@kind"),
        Column("in words", "sentence", wide=True),
    ]
    return "<h3>Only observed</h3>" + sheet.table(
        "gates.observed", columns, "Metrics that never decide, with two-sided intervals"
    )


def _unresolved(sheet: Sheet) -> str:
    """Why a gate says neither yes nor no, in the words of its verdict."""
    items = [
        f"<li>{sheet.figure(f'gates.{part}.{index}.sentence')}</li>"
        for part in ("overall", "parts")
        for index, row in enumerate(sheet.at(f"gates.{part}"))
        if row["verdict"] == "INCONCLUSIVE"
    ]
    return more("Gates that are not resolved", f"<ul>{''.join(items)}</ul>") if items else ""


def composite(sheet: Sheet) -> str:
    """The weighted sum over intents, which lifts no gate."""
    said = '<p class="sub">No look has judged the composite yet.</p>'
    if sheet.at("composite.verdict"):
        verdict = sheet.figure(
            "composite.verdict.verdict", css=sheet.at("composite.verdict.verdict")
        )
        said = f"<p>{verdict}: {sheet.figure('composite.verdict.sentence')}</p>"
    return said + sheet.table(
        "composite.parts",
        [
            Column("intent", "intent"),
            Column("revenue-critical", "revenue_critical", "yes"),
            Column("weight", "weight", "used"),
            Column("control", "control", "percent"),
            Column("relative effect", "relative", "relative"),
            Column("weighted", "weighted", "relative"),
        ],
        "What the composite is made of; a net gain never outweighs a broken gate",
    )
