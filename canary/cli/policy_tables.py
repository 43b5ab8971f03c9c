"""A compiled policy as tables on the terminal."""

from __future__ import annotations

from dataclasses import replace

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from canary.policy.compiled import CompiledPolicy, Gate
from canary.policy.duration import duration_text
from canary.policy.words import limit_words, trigger_words
from canary.routing.rates import asked_share, rates_by_intent

__all__ = ["console_of_tables", "print_policy", "table_of"]

_PIPED_WIDTH = 140


def print_policy(policy: CompiledPolicy) -> None:
    """Print the region's stages, rates, gates, triggers and test."""
    console = console_of_tables()
    console.print(
        f"[bold]{policy.name}[/] in [bold]{policy.region}[/] (wave {policy.wave}, "
        f"{policy.timezone}), {policy.routing} routing, "
        f"{policy.baseline.daily_conversations:,.0f} conversations a day\nversion {policy.digest}\n"
    )
    tables = (_stages, _rates, _offline_gates, _gates, _triggers, _test)
    for table in tables:
        console.print(table(policy))


def console_of_tables() -> Console:
    """A console as wide as the terminal, or wide enough for the tables where there is none."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_PIPED_WIDTH)


def table_of(title: str, *columns: str) -> Table:
    """An empty table with a title and columns that fold."""
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _stages(policy: CompiledPolicy) -> Table:
    table = table_of("Stages", "stage", "rate", "asked share", "tasks", "at least", "at most")
    for stage in policy.stages:
        table.add_row(
            str(stage.index),
            f"{stage.rate:.4g}",
            f"{asked_share(policy, stage.index) * 100:.4g}%",
            f"{stage.task_percent}%",
            duration_text(stage.min_seconds) if stage.min_seconds else "-",
            duration_text(stage.max_seconds) if stage.max_seconds else "-",
        )
    return table


def _rates(policy: CompiledPolicy) -> Table:
    stages = [str(stage.index) for stage in policy.stages]
    columns = (
        "intent",
        "a day",
        "tier",
        "critical",
        "weight",
        *(f"stage {each}" for each in stages),
    )
    table = table_of("Share of new customers drawn to the canary, by intent", *columns)
    by_stage = [rates_by_intent(policy, stage.index) for stage in policy.stages]
    for intent in policy.intents:
        table.add_row(
            intent.name,
            f"{intent.daily_volume:,.0f}",
            f"{intent.rate_tier} / {intent.experiment_tier}",
            "yes" if intent.revenue_critical else "",
            f"{intent.weight:.3f}",
            *(f"{rates[intent.name] * 100:.4g}%" for rates in by_stage),
        )
    return table


def _offline_gates(policy: CompiledPolicy) -> Table:
    table = table_of("Before any traffic", "metric", "offline evaluation")
    for gate in policy.offline_gates:
        side = "at least" if gate.better == "higher" else "at most"
        measure = policy.metric(gate.metric).measure
        table.add_row(gate.metric, f"{side} {limit_words(gate.limit, 'level', measure)}")
    return table


def _gates(policy: CompiledPolicy) -> Table:
    table = table_of("Gates", "metric", "leaving", "scope", "must be", "limit", "from")
    stages: dict[Gate, list[int]] = {}
    for gate in policy.gates:
        stages.setdefault(replace(gate, stage=0), []).append(gate.stage)
    places = [metric.name for metric in policy.metrics]
    for gate, leaving in sorted(stages.items(), key=lambda item: places.index(item[0].metric)):
        metric = policy.metric(gate.metric)
        side = "at most" if metric.better == "lower" else "at least"
        table.add_row(
            gate.metric,
            " ".join(str(stage) for stage in leaving),
            gate.scope.replace("_", " "),
            "proved" if gate.kind == "must_pass" else "not disproved",
            f"{side} {limit_words(gate.limit, gate.unit, metric.measure)}",
            f"{gate.min_sample:,} an arm" if gate.min_sample else "",
        )
    return table


def _triggers(policy: CompiledPolicy) -> Table:
    table = table_of("Triggers", "alarm", "metric", "when")
    for trigger in policy.triggers:
        words = trigger_words(trigger, policy.metric(trigger.metric))
        table.add_row(trigger.name, trigger.metric, words)
    return table


def _test(policy: CompiledPolicy) -> Table:
    statistics = policy.statistics
    table = table_of("The test", "what", "value")
    looks = ", ".join(duration_text(look) for look in statistics.looks_seconds)
    rows = {
        "primary metric": f"{statistics.primary_metric}, {statistics.hypothesis}",
        "looks, since first exposure": looks,
        "alpha, two-sided over all looks": f"{statistics.alpha:g}",
        "least effect, non-inferiority margin": (
            f"{statistics.min_effect * 100:g} points, {statistics.margin * 100:g} points"
        ),
        "harm sequence": (
            f"alpha {statistics.harm_alpha_overall:g} overall, {statistics.harm_alpha_revenue:g} "
            f"revenue-critical, from {statistics.harm_min_outcomes} outcomes an arm"
        ),
        "soak, approval": (
            f"{duration_text(policy.promotion.soak_seconds)}, "
            f"{duration_text(policy.promotion.approval_seconds)}"
        ),
    }
    for what, value in rows.items():
        table.add_row(what, value)
    return table
