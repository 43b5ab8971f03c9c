"""Every query is one text: Athena's parser and DuckDB's read the same tree from it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from canary.aws import bandits_sql, facts_sql, groups_sql, intents_sql
from canary.aws.conversations_sql import DAY_SECONDS, Days, Window, conversations, date_of, day
from canary.policy.compile import compile_policy, load_policy
from canary.policy.compiled import CompiledPolicy

ROOT = Path(__file__).parents[3]
NOW = 1_798_000_000.0 - 15 * 86_400
"""In December 2026: a closure of us-east-1 lies in the window."""
RAW = Window("it's r-1", NOW - 20 * 86_400, NOW - 15 * 86_400, NOW)
ATTEMPTS = {
    date_of(RAW.released_at): "a",
    date_of(RAW.released_at + DAY_SECONDS): "b'",
}
SUMMED = replace(RAW, days=Days("event_days", "t-1", ATTEMPTS))
DIALECTS = ("athena", "trino", "duckdb")


def policy(region: str) -> CompiledPolicy:
    """The product's own policy in a region."""
    return compile_policy(load_policy(ROOT / "policy" / "mangaassist.toml"), region)


def texts() -> dict[str, str]:
    """Every query that the adapters write, over raw lines alone and over days summed up too."""
    found = {
        "day": day("events", "r-1", "2026-12-01", "attempt"),
        "bandits": bandits_sql.decided("events", "it's faq", NOW - DAY_SECONDS, NOW, 21_600.0),
    }
    for region in ("us-east-1", "ap-northeast-1"):
        own = policy(region)
        metrics = facts_sql.measured(own.metrics)
        intents = [intent.name for intent in own.intents]
        for kind, window in (("raw", RAW), ("summed", SUMMED)):
            found |= {
                f"cells-{kind}-{region}": facts_sql.cells("events", window, metrics),
                f"latency-{kind}-{region}": facts_sql.latency("events", window),
                f"draws-{kind}-{region}": facts_sql.draws("events", window),
                f"groups-{kind}-{region}": groups_sql.groups("events", window, own, 3),
                f"intents-{kind}-{region}": intents_sql.later_intents("events", window, intents),
                f"conversations-{kind}-{region}": f"{conversations('events', window)}\n"
                "SELECT * FROM conversations",
            }
    return found


TEXTS = texts()


@pytest.mark.parametrize("name", TEXTS)
def test_a_query_is_the_same_tree_in_every_dialect(name: str) -> None:
    """No name, operator or literal means one thing to Athena and another to DuckDB."""
    trees = {dialect: sqlglot.parse_one(TEXTS[name], read=dialect) for dialect in DIALECTS}
    assert trees["athena"] == trees["trino"]
    assert trees["athena"] == trees["duckdb"]


def test_trees_of_one_text_may_differ() -> None:
    """The comparison is worth something: a division is another thing in each engine."""
    read = [sqlglot.parse_one("SELECT 1 / 2", read=dialect) for dialect in DIALECTS]
    assert read[0] != read[2]


def test_the_texts_have_every_branch() -> None:
    """Days that are summed up, a closure inside the window, and none."""
    assert "UNION ALL" in TEXTS["cells-summed-us-east-1"]
    assert "'inside'" in TEXTS["groups-raw-us-east-1"]
    assert "'inside'" not in TEXTS["groups-raw-ap-northeast-1"]


@pytest.mark.parametrize("name", TEXTS)
def test_a_query_reads_the_tables_of_the_catalogue_only(name: str) -> None:
    """The events, the days, and its own names; one statement, which only selects."""
    (tree,) = sqlglot.parse(TEXTS[name], read="athena")
    assert isinstance(tree, exp.Select)
    own = {each.alias for each in tree.find_all(exp.CTE)}
    tables = {each.name for each in tree.find_all(exp.Table)}
    assert tables - own <= {"events", "event_days"}
    assert not list(tree.find_all(exp.Insert, exp.Update, exp.Delete, exp.Drop, exp.Command))


@pytest.mark.parametrize("name", TEXTS)
def test_a_query_names_no_function_that_the_parsers_do_not_know(name: str) -> None:
    """A function that sqlglot must take as written may be one engine's own."""
    for dialect in DIALECTS:
        tree = sqlglot.parse_one(TEXTS[name], read=dialect)
        assert {each.name for each in tree.find_all(exp.Anonymous)} == set()


@pytest.mark.parametrize("name", TEXTS)
def test_a_query_divides_nothing(name: str) -> None:
    """Of two integers Athena gives the whole part, DuckDB a fraction."""
    assert not list(sqlglot.parse_one(TEXTS[name], read="athena").find_all(exp.Div, exp.IntDiv))


def test_quotes_in_values_stay_in_their_literals() -> None:
    """A release's and an attempt's name with a quote end no string."""
    tree = sqlglot.parse_one(TEXTS["cells-summed-us-east-1"], read="athena")
    literals = {each.this for each in tree.find_all(exp.Literal) if each.is_string}
    assert {"it's r-1", "b'"} <= literals
