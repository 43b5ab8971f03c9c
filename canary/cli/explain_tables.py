"""A policy's explanation as tables on the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from canary.cli.policy_tables import console_of_tables, table_of
from canary.planning.explain import Explanation, GatePlan, GateTime
from canary.policy.duration import duration_text

__all__ = ["print_explanation"]

_DAY = 86_400


def print_explanation(explanation: Explanation) -> None:
    """Print stages, gates, the test, its intents, and what would change them."""
    console = console_of_tables()
    taken = (
        "customers taken as independent (design effect 1)"
        if explanation.design_effect == 1
        else f"design effect {explanation.design_effect:g}"
    )
    console.print(
        f"[bold]{explanation.policy}[/] in [bold]{explanation.region}[/], "
        f"{explanation.daily_conversations:,.0f} conversations a day, {taken}\n"
    )
    console.print(_stages(explanation))
    console.print(_gates(explanation))
    _print_unplanned(console, explanation)
    console.print(_looks(explanation))
    console.print(_intents(explanation))
    _print_changes(console, explanation)


def _stages(explanation: Explanation) -> Table:
    table = table_of(
        "Stages: P(an identical candidate passes every gate that can be planned), at each look",
        "stage",
        "looks since it began",
        "planned from",
        "to",
    )
    for stage in explanation.stages:
        looks = "  ".join(f"{duration_text(at)} {chance:.2f}" for at, chance in stage.looks)
        table.add_row(str(stage.stage), looks, _day(stage.planned.start), _day(stage.planned.end))
    return table


def _gates(explanation: Explanation) -> Table:
    table = table_of(
        "Gates, after the stage's shortest and longest duration (the scope's weakest part): "
        "P(PASS) of an identical candidate; from how much worse (points or %) one is refused, "
        "and up to how much worse still passed, with probability .8",
        "metric",
        "stage",
        "must be",
        "scope",
        "limit",
        "P(PASS)",
        "refused from",
        "passed up to",
    )
    for gate in explanation.gates:
        if not gate.planned:
            continue
        times = (gate.at_minimum, gate.at_maximum)
        table.add_row(
            gate.metric,
            str(gate.stage),
            "proved" if gate.kind == "must_pass" else "not disproved",
            _scope(gate),
            _effect(gate.limit, _unit(gate), signed=True),
            _both([f"{each.passes:.2f}" for each in times if each.passes is not None]),
            _effects([_refused(each) for each in times], gate),
            _effects([_tolerated(each) for each in times], gate)
            if gate.kind == "must_pass"
            else "",
        )
    return table


def _print_unplanned(console: Console, explanation: Explanation) -> None:
    names = dict.fromkeys(gate.metric for gate in explanation.gates if not gate.planned)
    if names:
        console.print(
            f"Not planned, because the baseline does not tell their spread: {', '.join(names)}.\n"
        )


def _looks(explanation: Explanation) -> Table:
    test = explanation.test
    table = table_of(
        f"The test: {test.metric}, {test.hypothesis.replace('_', '-')}, target "
        f"{_effect(test.target, test.unit, signed=True)}; power {test.power:.3f} at the target, "
        f"{test.power_identical:.3f} for an identical candidate",
        "look",
        "day",
        "information",
        "bound on z",
        "least effect found with .8",
    )
    for number, look in enumerate(test.looks, 1):
        table.add_row(
            f"{number}{' decides' if number == len(test.looks) else ''}",
            f"{look.day:g}",
            f"{look.fraction:.2f}",
            "-" if look.bound is None else f"{look.bound:.2f}",
            _optional(look.mde, test.unit),
        )
    return table


def _intents(explanation: Explanation) -> Table:
    test = explanation.test
    table = table_of(
        "Intents, each by itself at the test's last bound",
        "intent",
        "a day",
        "rates by stage",
        "days to power .8",
        f"least effect in {test.days:g} days",
        "power at the target",
    )
    slowest = test.bottleneck.intent
    for intent in test.intents:
        table.add_row(
            f"{intent.intent}{' (bottleneck)' if intent.intent == slowest else ''}",
            f"{intent.daily:,.0f}",
            " ".join(f"{rate:.4g}" for rate in intent.rates),
            "never" if intent.days is None else f"{intent.days:.1f}",
            _optional(intent.mde, test.unit),
            f"{intent.power:.3f}",
        )
    return table


def _print_changes(console: Console, explanation: Explanation) -> None:
    test = explanation.test
    if test.needed_days is not None:
        rules = "the minimum durations rule" if test.needed_days < test.days else "the sample rules"
        console.print(
            f"The test ends on day {test.days:g}; all intents together reach power .8 for the "
            f"target on day {test.needed_days:.1f}: {rules}.\n"
        )
    sentences = [change.sentence for change in explanation.stage_changes]
    sentences += [change.sentence for change in explanation.gate_changes]
    if explanation.intent_change is not None:
        sentences.append(explanation.intent_change.sentence)
    console.print("[bold]What would change it[/]")
    for sentence in sentences:
        console.print(f"- {sentence}.", soft_wrap=True)


def _scope(gate: GatePlan) -> str:
    weakest = gate.at_maximum.weakest
    name = gate.scope.replace("_", " ")
    return name if weakest is None or weakest.part == name else f"{name}: {weakest.part}"


def _refused(time: GateTime) -> float | None:
    weakest = time.weakest
    return None if weakest is None else weakest.refuses


def _tolerated(time: GateTime) -> float | None:
    weakest = time.weakest
    return None if weakest is None else weakest.tolerates


def _effects(values: list[float | None], gate: GatePlan) -> str:
    """Both durations' numbers, points without their name."""
    unit = "points" if _unit(gate) == "level" else _unit(gate)
    told = [_effect(each, unit) if each is not None else "nothing" for each in values]
    return _both([each.removesuffix(" points") for each in told])


def _unit(gate: GatePlan) -> str:
    return "ms" if gate.unit == "level" and gate.measure == "quantile" else gate.unit


def _effect(value: float, unit: str, *, signed: bool = False) -> str:
    """An effect with its unit; rates are in points and percent."""
    sign = "+" if signed else ""
    if unit == "points":
        return f"{value * 100:{sign}.3g} points"
    if unit == "relative":
        return f"{value * 100:{sign}.3g}%"
    if unit == "ms":
        return f"{value:,.0f} ms"
    return f"{value * 100:.4g}%" if unit == "level" else f"{value:{sign}.3g}"


def _both(values: list[str]) -> str:
    return " to ".join(dict.fromkeys(values))


def _optional(value: float | None, unit: str) -> str:
    return "-" if value is None else _effect(value, unit, signed=True)


def _day(seconds: float) -> str:
    return f"day {seconds / _DAY:.1f}"
