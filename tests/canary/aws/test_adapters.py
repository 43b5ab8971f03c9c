"""Adapters whose outside system is told here by hand."""

from __future__ import annotations

from typing import Any

import pytest

from canary.aws import clock
from canary.aws.athena import Athena, QueryError, Tables
from canary.aws.items import from_item, to_item
from canary.aws.settings import MissingSettingError, from_environment
from canary.aws.task_sets import Service, TaskSets


class FakeAthena:
    """Answers with these states in turn, then with two pages of rows."""

    def __init__(self, *states: str) -> None:
        self.states = list(states)

    def start_query_execution(self, **_: Any) -> dict[str, str]:
        return {"QueryExecutionId": "q"}

    def get_query_execution(self, **_: Any) -> dict[str, Any]:
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return {"QueryExecution": {"Status": {"State": state, "StateChangeReason": "syntax"}}}

    def get_paginator(self, _name: str) -> FakeAthena:
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        def page(*rows: tuple[str | None, ...]) -> dict[str, Any]:
            cells = [
                {"Data": [{} if cell is None else {"VarCharValue": cell} for cell in row]}
                for row in rows
            ]
            return {"ResultSet": {"Rows": cells}}

        return [page(("arm", "n"), ("control", "1")), page(("canary", None))]


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What was waited for, on a clock that moves only so."""
    waited: list[float] = []
    monkeypatch.setattr(clock, "sleep", waited.append)
    monkeypatch.setattr(clock, "monotonic", lambda: sum(waited))
    return waited


def run(fake: FakeAthena) -> list[list[dict[str, str | None]]]:
    return Athena(fake, Tables("w", "d", "t", "days")).run(["SELECT 1"])


def test_rows_of_all_pages_carry_the_first_rows_names(waits: list[float]) -> None:
    """The header comes once, a null cell is None."""
    (rows,) = run(FakeAthena("QUEUED", "RUNNING", "SUCCEEDED"))
    assert rows == [{"arm": "control", "n": "1"}, {"arm": "canary", "n": None}]
    assert waits == [0.5, 0.5]


def test_a_failed_query_says_why(waits: list[float]) -> None:
    """The reason is in the error."""
    with pytest.raises(QueryError, match="syntax"):
        run(FakeAthena("FAILED"))


def test_a_query_that_never_ends_is_given_up(waits: list[float]) -> None:
    """After two minutes."""
    with pytest.raises(QueryError, match="RUNNING"):
        run(FakeAthena("RUNNING"))
    assert 120 <= sum(waits) < 125


class FakeEcs:
    """One service with task sets, and the scales asked for."""

    def __init__(self, *sets: dict[str, Any]) -> None:
        self.sets = list(sets)
        self.asked: list[dict[str, Any]] = []

    def describe_task_sets(self, **_: Any) -> dict[str, Any]:
        return {"taskSets": self.sets}

    def update_task_set(self, **call: Any) -> None:
        self.asked.append(call)


def task_set(name: str, created: str = "2026-01-01", **more: Any) -> dict[str, Any]:
    return {
        "id": f"{name}@{created}",
        "externalId": name,
        "createdAt": created,
        "scale": {"value": 100.0, "unit": "PERCENT"},
        "computedDesiredCount": 2,
        "runningCount": 2,
        "pendingCount": 0,
        "stabilityStatus": "STEADY_STATE",
    } | more


def sets(fake: FakeEcs) -> TaskSets:
    return TaskSets(fake, Service("mangaassist", "gateway"))


def test_the_newest_set_of_an_external_id_is_meant() -> None:
    """While a deployment replaces a set there are two of the same name."""
    fake = FakeEcs(task_set("canary"), task_set("canary", "2026-02-01"), task_set("primary"))
    assert sets(fake).find("canary").id == "canary@2026-02-01"
    with pytest.raises(LookupError):
        sets(FakeEcs()).find("canary")


@pytest.mark.parametrize(
    ("change", "steady"),
    [
        ({}, True),
        ({"pendingCount": 1}, False),
        ({"runningCount": 1}, False),
        ({"stabilityStatus": "STABILIZING"}, False),
    ],
)
def test_a_set_is_steady_when_nothing_is_missing(change: dict[str, Any], steady: bool) -> None:
    """ECS must call it stable, and the counts must agree."""
    assert sets(FakeEcs(task_set("canary", **change))).find("canary").steady is steady


def test_a_scale_is_asked_for_once() -> None:
    """A set that has the scale is not updated again."""
    fake = FakeEcs(task_set("canary"))
    sets(fake).scale("canary", 100)
    assert fake.asked == []
    sets(fake).scale("canary", 0)
    (call,) = fake.asked
    assert call["scale"] == {"value": 0.0, "unit": "PERCENT"}


def test_items_keep_numbers_and_drop_what_is_not_one() -> None:
    """Floats survive the table; infinity becomes null instead of an error."""
    value = {"rate": 0.1, "n": 3, "bound": float("inf"), "list": [1.5, None], "text": "x"}
    assert from_item(to_item(value)) == value | {"bound": None}


def test_missing_settings_are_named_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cold start without its environment says everything that is missing."""
    monkeypatch.delenv("EVENTS_TABLE", raising=False)
    monkeypatch.delenv("EVENT_DAYS_TABLE", raising=False)
    monkeypatch.delenv("EVENTS_DATABASE", raising=False)
    monkeypatch.setenv("ATHENA_WORKGROUP", "w")
    with pytest.raises(MissingSettingError, match="EVENTS_DATABASE, EVENTS_TABLE, EVENT_DAYS"):
        from_environment(Tables)
