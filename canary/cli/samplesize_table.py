"""Sample sizes and their days as tables on the terminal."""

from __future__ import annotations

from rich.table import Table

from canary.cli.policy_tables import console_of_tables, table_of
from canary.planning.samples import IntentDays, Question, SamplePlan
from canary.policy.compiled import CompiledPolicy

__all__ = ["print_samples"]

_MINUTES_A_DAY = 1440


def print_samples(question: Question, plan: SamplePlan, policy: CompiledPolicy | None) -> None:
    """Print the sizes, what they were computed for, and days by intent where there is a policy."""
    console = console_of_tables()
    sides = "two-sided" if question.sides == 2 else "one-sided"  # noqa: PLR2004 - the two sides
    customers = (
        "customers taken as independent"
        if question.design_effect == 1
        else f"design effect {question.design_effect:g}"
    )
    console.print(
        f"{_wanted(question)}, {sides} alpha {question.alpha:g}, power {question.power:g}, "
        f"{_test(question)}, {customers}"
    )
    console.print(
        f"[bold]{plan.control:,}[/] control and [bold]{plan.canary:,}[/] canary conversations at a "
        f"share of {plan.share:g}: {plan.total:,} together\n"
    )
    if policy is not None:
        console.print(_days(plan, policy))


def _days(plan: SamplePlan, policy: CompiledPolicy) -> Table:
    columns = [f"stage {stage}" for stage in plan.stages] or ["at this rate"]
    table = table_of(
        f"Days of conversations, outcomes' windows not counted, in {policy.region}",
        "intent",
        "a day",
        *columns,
    )
    for row in plan.intents:
        table.add_row(row.intent, f"{row.daily:,.0f}", *_cells(row))
    if plan.all_intents is not None:
        table.add_section()
        table.add_row(
            "all, each a stratum", f"{plan.all_intents.daily:,.0f}", *_cells(plan.all_intents)
        )
    return table


def _cells(row: IntentDays) -> list[str]:
    """Time and rate: "1.5 d at 0.05"."""
    return [f"{_time(days)} at {rate:.3g}" for days, rate in zip(row.days, row.rates, strict=True)]


def _time(days: float | None) -> str:
    if days is None:
        return "never"
    if days >= 1:
        return f"{days:.1f} d"
    minutes = days * _MINUTES_A_DAY
    return f"{minutes / 60:.1f} h" if minutes >= 60 else f"{minutes:.0f} min"  # noqa: PLR2004


def _wanted(question: Question) -> str:
    change = (
        f"{question.effect * 100:+g} points on {question.baseline * 100:g}%"
        if question.deviation is None
        else f"{question.effect:+g} on {question.baseline:g} (deviation {question.deviation:g})"
    )
    if question.margin is None:
        return f"To find {change}"
    margin = (
        f"{question.margin * 100:g} points"
        if question.deviation is None
        else f"{question.margin:g}"
    )
    return f"To show that a candidate of {change} is worse by less than {margin}"


def _test(question: Question) -> str:
    if question.deviation is not None:
        return "z test of means"
    if not question.pooled:
        return "unpooled z test"
    return "score test" if question.margin is None else "Farrington and Manning's score test"
