"""Each thing that a policy may state wrongly is refused by its path, its value and what is right.

The default policy is taken as values, one thing is broken, and that alone must be reported.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from canary.policy.problem import Problem
from tests.canary.policy.edits import Values, at, drop, in_metric, metric, problems, put

ERROR, P99, HALLUCINATION, COMPLETION, CSAT = "error", "p99", "hallucination", "completion", "csat"

PLACES: list[tuple[Callable[[Values], None], str, Any, str]] = [
    # keys and types
    (put("cooldown", value=1), "cooldown", 1, "no such key"),
    (put("stages", 1, "minimun", value="4h"), "stages[1].minimun", "4h", "perhaps minimum"),
    (drop("watch", "silence"), "watch.silence", None, "required"),
    (put("routing", value="dns"), "routing", "dns", "'application' or 'alb'"),
    (put("slow_ms", value="8000"), "slow_ms", "8000", "integer"),
    (put("stages", 1, "rate", value="5%"), "stages[1].rate", "5%", "number"),
    (put("stages", 1, "rate", value=5), "stages[1].rate", 5, "less than or equal to 1"),
    (put("stages", value=3), "stages", 3, "an array"),
    (put("stages", 1, "minimum", value=4), "stages[1].minimum", 4, "duration"),
    (put("stages", 1, "minimum", value="4 h"), "stages[1].minimum", "4 h", "duration"),
    # regions
    (
        put("regions", 0, "zones", value=["us-east-1a", "us-east-1b"]),
        "regions[0].zones",
        ["us-east-1a", "us-east-1b"],
        "at least 3",
    ),
    (
        put("regions", 0, "zones", 1, value="us-west-2a"),
        "regions[0].zones[1]",
        "us-west-2a",
        "zone",
    ),
    (put("regions", 0, "models", value=[]), "regions[0].models", [], "at least 1"),
    (
        put("regions", 0, "models", value=[{"id": "maker.manga-1"}, {"id": "maker.manga-1"}]),
        "regions[0].models[1].id",
        "maker.manga-1",
        "regions[0].models[0]",
    ),
    (
        put("regions", 0, "models", 0, value={"id": "us.maker.manga-1"}),
        "regions[0].models[0].destinations",
        [],
        "every region that profile us.maker.manga-1 may answer from",
    ),
    (
        put("regions", 0, "models", 0, value={"id": "maker.m", "destinations": ["us-east-2"]}),
        "regions[0].models[0].destinations",
        ["us-east-2"],
        "only an inference profile",
    ),
    (
        put("regions", 0, "models", 0, value={"id": "global.maker.m", "destinations": ["x"]}),
        "regions[0].models[0].id",
        "global.maker.m",
        "one geography",
    ),
    (
        put("regions", 0, "models", 0, "destinations", 1, value="Ohio"),
        "regions[0].models[0].destinations[1]",
        "Ohio",
        "us-east-1",
    ),
    (
        put("calendar", 0, "last", value=dt.date(2026, 11, 1)),
        "calendar[0].last",
        "2026-11-01",
        "2026-11-24 or up to 44 days later",
    ),
    (
        put("calendar", 0, "regions", value=["us-west-2"]),
        "calendar[0].regions[0]",
        "us-west-2",
        "a region of the policy",
    ),
    (put("checks", "mixed_hold", value="0s"), "checks.mixed_hold", "0s", "greater than"),
    (drop("checks", "weekday_alpha"), "checks.weekday_alpha", None, "required"),
    (drop("anti_flapping", "cooldown"), "anti_flapping.cooldown", None, "nothing starts"),
    (put("anti_flapping", "cooldown", value="0s"), "anti_flapping.cooldown", "0s", "greater"),
    (put("anti_flapping", "rollbacks", value=1), "anti_flapping.rollbacks", 1, "greater than"),
    (put("anti_flapping", "window", value="2d"), "anti_flapping.window", "2d", "above 2d"),
    (
        put("anti_flapping", "hold_after_rollback", value="3h"),
        "anti_flapping.hold_after_rollback",
        "3h",
        "between 4h and 24h",
    ),
    (
        put("anti_flapping", "hold_after_rollback", value="24h"),
        "anti_flapping.hold_after_rollback",
        "24h",
        "shorter: statistics.looks[0], 2d",
    ),
    (put("regions", 1, "wave", value=3), "regions[1].wave", 3, "no region is in wave 2"),
    (put("regions", 1, "timezone", value="Tokyo"), "regions[1].timezone", "Tokyo", "Asia/Tokyo"),
    (put("regions", 1, "name", value="Japan"), "regions[1].name", "Japan", "us-east-1"),
    (
        put("regions", 0, "gates", 0, "metric", value="names"),
        "regions[0].gates[0].metric",
        "names",
        "product_names",
    ),
    (
        put("regions", 1, "gates", 0, "limit", value=99.0),
        "regions[1].gates[0].limit",
        99.0,
        "fraction of one",
    ),
    (
        put("regions", 1, "gates", 0, "limit", value=0.999),
        "regions[1].gates[0].limit",
        0.999,
        "at most detector.specificity, 0.995",
    ),
    # stages
    (put("stages", 0, "rate", value=0.01), "stages[0].rate", 0.01, "0: the first stage"),
    (put("stages", 2, "rate", value=0.05), "stages[2].rate", 0.05, "above 0.05"),
    (put("stages", 2, "rate", value=0.04), "stages[2].rate", 0.04, "above 0.05"),
    (put("stages", 2, "maximum", value="12h"), "stages[2].maximum", "12h", "at least the minimum"),
    (drop("stages", 1, "maximum"), "stages[1].maximum", None, "at least the minimum, 4h"),
    (put("stages", 1, "minimum", value="10m"), "stages[1].minimum", "10m", "bake_poll, 30m"),
    (put("stages", 4, "maximum", value="1h"), "stages[4].maximum", "1h", "absent"),
    (put("stages", 2, "task_percent", value=19), "stages[2].task_percent", 19, "at least 20"),
    (put("stages", 2, "task_percent", value=24), "stages[2].task_percent", 24, "at least 25"),
    (put("stages", 4, "task_percent", value=90), "stages[4].task_percent", 90, "100"),
    (put("stages", 3, "maximum", value="7d"), "stages[3].maximum", "7d", "308h"),
    # intents
    (put("intents", 0, "weight", value=0.35), "composite.others", 0.3, "0.2, so that all weights"),
    (put("composite", "others", value=0.2), "composite.others", 0.2, "0.3, so that all weights"),
    (
        lambda values: values["rate_tiers"][2]["intents"].append("faq"),
        "rate_tiers[2].intents[4]",
        "faq",
        "already rate_tiers[0].intents[2]",
    ),
    (drop("rate_tiers", 0, "intents", 2), "intents[2].name", "faq", "it is in none"),
    (
        put("experiment_tiers", 2, "intents", 0, value="refunds"),
        "experiment_tiers[2].intents[0]",
        "refunds",
        "an intent: one of",
    ),
    (
        put("experiment_tiers", 2, "intents", 0, value="faq"),
        "experiment_tiers[2].intents[0]",
        "faq",
        "already experiment_tiers[1].intents[0]",
    ),
    (put("rate_tiers", 1, "rate", value=0.0), "rate_tiers[1].rate", 0.0, "greater than 0"),
    # the test and what watches it
    (
        put("statistics", "primary_metric", value="csat"),
        "statistics.primary_metric",
        "csat",
        "completion",
    ),
    (
        put("statistics", "looks", value=["2d", "4d", "7d"]),
        "statistics.looks[2]",
        "7d",
        "14d or later",
    ),
    (
        put("statistics", "looks", 0, value="28h"),
        "statistics.looks[0]",
        "28h",
        "after 28h, when the test stage starts",
    ),
    (put("statistics", "looks", 2, value="4d"), "statistics.looks[2]", "4d", "later than"),
    (put("statistics", "margin", value=-0.01), "statistics.margin", -0.01, "greater than 0"),
    (put("statistics", "alpha", value=0.5), "statistics.alpha", 0.5, "less than or equal to 0.1"),
    (
        put("statistics", "harm_alpha_revenue_critical", value=0.004),
        "statistics.harm_alpha_revenue_critical",
        0.004,
        "at most 0.0025",
    ),
    (put("detector", "sampling", 1, value=0.1), "detector.sampling[1]", 0.1, "1: a spike"),
    (put("detector", "sampling", 3, value=0.01), "detector.sampling[3]", 0.01, "at least 0.05"),
    (
        put("detector", "sampling", value=[1.0, 1.0]),
        "detector.sampling",
        [1.0, 1.0],
        "5 of them",
    ),
    # the ledger
    (
        put("ledger", "q_revenue_critical", value=0.15),
        "ledger.q_revenue_critical",
        0.15,
        "at most 0.1, the rate of all other tests",
    ),
    (put("ledger", "w0", value=0.08), "ledger.w0", 0.08, "at most 0.05"),
    (put("ledger", "payout", value=0.06), "ledger.payout", 0.06, "at most 0.05"),
    (put("ledger", "fdr", value="bonferroni"), "ledger.fdr", "bonferroni", "'lord', 'bh'"),
    (put("ledger", "bh_window", value="1h"), "ledger.bh_window", "1h", "older tests stand"),
    # offline gates
    (
        put("offline_gates", 0, "metric", value="bleu"),
        "offline_gates[0].metric",
        "bleu",
        "bert_score",
    ),
    (put("offline_gates", 1, "limit", value=3.0), "offline_gates[1].limit", 3.0, "fraction of one"),
]

IN_METRICS: list[tuple[str, tuple[str | int, ...], Any, str, str]] = [
    # metric, where in it, the wrong value, where it is reported, what would be right
    (ERROR, ("source",), "logs", "source", "'turns'"),
    (ERROR, ("numerator",), "faults", "numerator", "a column of turns"),
    (ERROR, ("outcome_window",), "1h", "outcome_window", "absent"),
    (ERROR, ("gates", 1, "limit"), -0.0025, "gates[1].limit", "0 or above: lower is better"),
    (ERROR, ("gates", 0, "limit"), 0.0, "gates[0].limit", "above 0"),
    (ERROR, ("gates", 0, "limit"), 2.0, "gates[0].limit", "0.02 for 2%"),
    (ERROR, ("gates", 1, "limit"), 25.0, "gates[1].limit", "fraction of one"),
    (ERROR, ("gates", 1, "unit"), "score", "gates[1].unit", "for a rate: level, points, relative"),
    (ERROR, ("gates", 1, "unit"), "percent", "gates[1].unit", "'level', 'points'"),
    (ERROR, ("gates", 1, "kind"), "may_pass", "gates[1].kind", "'must_pass' or 'must_not_fail'"),
    (ERROR, ("gates", 2, "kind"), "must_pass", "gates[2].kind", "must_not_fail"),
    (ERROR, ("gates", 0, "leaving"), [1, 2, 4], "gates[0].leaving[2]", "1 to 3"),
    (ERROR, ("gates", 0, "leaving"), [0], "gates[0].leaving[0]", "1 to 3"),
    (ERROR, ("gates", 0, "min_sample"), -1, "gates[0].min_sample", "greater than or equal to 0"),
    (ERROR, ("role",), "observational", "gates", "decides nothing"),
    (ERROR, ("triggers", 0, "unit"), "points", "triggers[0].unit", '"level"'),
    (ERROR, ("triggers", 0, "threshold"), 2.0, "triggers[0].threshold", "fraction of one"),
    (ERROR, ("triggers", 0, "threshold"), -0.02, "triggers[0].threshold", "greater than 0"),
    (ERROR, ("triggers", 0, "numerator"), "Faults", "triggers[0].numerator", "Errors"),
    (ERROR, ("triggers", 0, "windows"), ["90s"], "triggers[0].windows[0]", "whole minutes"),
    (ERROR, ("triggers", 0, "windows"), ["5m", "1m"], "triggers[0].windows[1]", "longer than"),
    (ERROR, ("triggers", 0, "escalate_after"), "5m", "triggers[0].escalate_after", "absent"),
    (ERROR, ("triggers", 0, "on_breach"), "stop", "triggers[0].on_breach", "'rollback' or 'pause'"),
    (P99, ("gates", 0, "limit"), -1.0, "gates[0].limit", "above 0"),
    (P99, ("gates", 0, "unit"), "points", "gates[0].unit", "for a quantile: level, relative"),
    (P99, ("gates", 1, "scopes"), ["tier"], "gates[1].scopes", "by arm only"),
    (HALLUCINATION, ("triggers", 0, "windows"), ["1m"], "triggers[0].windows[0]", "from 5m on"),
    (HALLUCINATION, ("triggers", 0, "threshold"), 0.004, "triggers[0].threshold", "specificity"),
    (HALLUCINATION, ("triggers", 1, "unit"), "level", "triggers[1].unit", "harm compares"),
    (HALLUCINATION, ("triggers", 1, "name"), "error", "triggers[1].name", "different from"),
    (COMPLETION, ("outcome_window",), "0s", "outcome_window", "how long an outcome may take"),
    (COMPLETION, ("gates", 0, "limit"), 0.05, "gates[0].limit", "0 or below: higher is better"),
    (COMPLETION, ("target", "value"), -0.02, "target.value", "above 0: an improvement"),
    (COMPLETION, ("triggers", 0, "windows"), ["1h", "6h"], "triggers[0].windows", "one window"),
    (COMPLETION, ("triggers", 0, "numerator"), "Errors", "triggers[0].numerator", "absent"),
    (CSAT, ("gates", 0, "unit"), "points", "gates[0].unit", "for a mean: level, score, relative"),
    ("bert_score", ("numerator",), "score", "numerator", "absent: an offline score"),
]


@pytest.mark.parametrize(
    ("edit", "path", "value", "right"), PLACES, ids=[f"{row[1]}={row[2]}" for row in PLACES]
)
def test_a_wrong_value_is_refused_where_it_stands(
    values: Values, edit: Callable[[Values], None], path: str, value: Any, right: str
) -> None:
    """Breaking one thing reports it by path and value, with what would be right."""
    edit(values)
    found = [problem for problem in problems(values) if problem.path == path]
    assert [problem.value for problem in found if right in problem.expected] == [value]


@pytest.mark.parametrize(
    ("name", "steps", "value", "where", "right"),
    IN_METRICS,
    ids=[f"{row[0]}.{row[3]}={row[2]}" for row in IN_METRICS],
)
def test_a_wrong_value_in_a_metric_is_refused_alone(  # noqa: PLR0917 - one row of the table
    values: Values, name: str, steps: tuple[str | int, ...], value: Any, where: str, right: str
) -> None:
    """Breaking one thing in a metric reports a path within that metric, and no other metric."""
    in_metric(name, *steps, value=value)(values)
    found = problems(values)
    place = f"{at(values, name)}.{where}"
    assert [problem for problem in found if problem.path == place and right in problem.expected]
    assert all(problem.path.startswith(at(values, name)) for problem in found)


def test_a_metric_without_a_source_is_refused(values: Values) -> None:
    """A metric that says nowhere where it is read is refused as lacking that key."""
    del values["metrics"][4]["source"]
    (problem,) = problems(values)
    assert (problem.path, problem.value) == ("metrics[4].source", None)
    assert problem.expected.startswith("required: where it is read")


def test_names_that_stand_twice_are_refused(values: Values) -> None:
    """A region, intent, metric or tier may stand once only."""
    values["regions"][1]["name"] = "us-east-1"
    values["intents"][1]["name"] = "recommendation"
    values["metrics"][1]["name"] = "error"
    values["rate_tiers"][1]["name"] = "high"
    values["experiment_tiers"][1]["tier"] = 1
    values["offline_gates"][1]["metric"] = "bert_score"
    found = {problem.path: problem.expected for problem in problems(values)}
    assert found["regions[1].name"] == "different from regions[0].name"
    assert found["intents[1].name"] == "different from intents[0].name"
    assert found["metrics[1].name"] == "different from metrics[0].name"
    assert found["rate_tiers[1].name"] == "different from rate_tiers[0].name"
    assert found["experiment_tiers[1].tier"] == "different from experiment_tiers[0].tier"
    assert found["offline_gates[1].metric"] == "different from offline_gates[0].metric"


def test_the_same_gate_twice_is_refused(values: Values) -> None:
    """Two gates on one metric, stage, scope and unit contradict each other."""
    gates = metric(values, "error")["gates"]
    gates.append({"leaving": [2], "kind": "must_not_fail", "unit": "level", "limit": 0.01})
    (problem,) = problems(values)
    assert problem.path == "metrics[0].gates[3].leaving[0]"
    assert "metrics[0].gates[0]" in problem.expected


def test_all_problems_come_at_once(values: Values) -> None:
    """Problems of shape and of sense in different sections and entries hide none of each other."""
    values["stages"][2]["rate"] = 0.01
    values["intents"][0]["weight"] = 0.5
    values["metrics"][0]["source"] = "logs"
    values["metrics"][4]["gates"][0]["limit"] = -0.01
    values["regions"][1]["wave"] = 3
    values["statistics"]["alpha"] = 7
    values["holidays"] = []
    found = {problem.path for problem in problems(values)}
    assert found == {
        "stages[2].rate",
        "composite.others",
        "metrics[0].source",
        "metrics[4].gates[0].limit",
        "regions[1].wave",
        "statistics.alpha",
        "holidays",
    }


def test_a_problem_reads_as_one_line() -> None:
    """A problem is one line of path, value and what would be right, however long the value."""
    short = Problem("stages[2].rate", 0.01, "above 0.05")
    long = Problem("stages", "x" * 200, "an array")
    assert str(short) == "stages[2].rate: 0.01; above 0.05"
    assert len(str(long)) < 90
    assert "\n" not in str(Problem("name", "a\nb", "a name"))
    assert str(Problem("name", None, "required")) == "name: nothing here; required"
