"""Looks and the analysis, over events that DuckDB queries with the SQL of the adapters."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from canary.aws.athena import Athena
from canary.aws.faults import Revoked
from canary.aws.functions import Function
from canary.release.model import Cause, Hold, Phase
from tests.canary.aws.events import Events
from tests.lambdas.crowds import behind_athena

HOUR = 3600
LOOK = {"release_id": "r-1", "stage": 1}


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> Events:
    """The events table behind Athena."""
    return behind_athena(monkeypatch)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the rollback function was invoked with."""
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(Function, "start", lambda _self, event: calls.append(event))
    return calls


def conversations(events: Events, at: float, *, arm: str, count: int, completed: int) -> None:
    """So many conversations of so many customers, the first `completed` of them completed."""
    for index in range(count):
        name = f"{arm}-{index}"
        common = {"epoch": at, "stratum": "recommendation", "p_canary": 0.5}
        events.add("turn", name, name, arm, **common, first_of_unit=True, latency_ms=900.0)
        events.add("outcome", name, name, arm, **common | {"completed": index < completed})


def test_a_look_before_the_block_is_over_waits(region: Any, events: Events) -> None:
    """EXTEND, not longer than the poll, and the record remembers the look."""
    now = region.clock.time
    region.release(block_started_at=now - HOUR, first_exposure_at=now - HOUR)
    conversations(events, now - 60, arm="control", count=50, completed=40)
    conversations(events, now - 60, arm="canary", count=50, completed=40)
    answer = region.load("decide").handler(LOOK, None)
    assert answer["decision"] == "EXTEND"
    assert 0 < answer["wait_seconds"] <= 1800
    assert answer["shift_needed"] is False
    (decision,) = region.record().decisions
    assert (decision["decision"], decision["at"]) == ("EXTEND", now)


def test_a_plain_loss_is_rejected_by_the_harm_sequence(region: Any, events: Events) -> None:
    """Completion 80% against 40% over hundreds of customers: REJECT, whatever the clock says."""
    now = region.clock.time
    region.release(first_exposure_at=now - 12 * HOUR, block_started_at=now - HOUR)
    for arm, completed in (("control", 480), ("canary", 240)):
        conversations(events, now - 8 * HOUR, arm=arm, count=600, completed=completed)
    events.add("turn", "fresh", "fresh", "control", epoch=now - 60, p_canary=0.5)
    answer = region.load("decide").handler(LOOK, None)
    assert (answer["decision"], answer["cause"]) == ("REJECT", "harm_sequence")


def test_a_late_feed_decides_nothing(region: Any, events: Events) -> None:
    """Without fresh events no gate passes and no test is read."""
    region.release()
    answer = region.load("decide").handler(LOOK, None)
    assert answer["decision"] in ("EXTEND", "HOLD")


def test_a_raised_critical_alarm_rolls_back(region: Any, events: Events) -> None:
    """A missed transition is found at the next look."""
    region.release()
    region.set_alarm("canary-critical", "ALARM")
    answer = region.load("decide").handler(LOOK, None)
    assert (answer["decision"], answer["cause"]) == ("ROLLBACK", "critical_alarm")
    assert "canary-critical" in answer["detail"]


def test_a_feed_is_not_late_before_anything_was_due(region: Any, events: Events) -> None:
    """The look right after the first shift finds no event, and nothing wrong with that."""
    now = region.clock.time
    region.release(first_exposure_at=now - 30, block_started_at=now - 30)
    answer = region.load("decide").handler(LOOK, None)
    assert (answer["decision"], answer["detail"]) == ("EXTEND", "The block is not over.")


def test_a_stage_that_a_hold_kept_from_its_traffic_asks_for_the_shift(
    region: Any, events: Events
) -> None:
    """The progression bakes stage 2, traffic is at 1: shift first."""
    region.release(stage=1)
    answer = region.load("decide").handler({"release_id": "r-1", "stage": 2}, None)
    assert answer["shift_needed"] is True


def test_a_held_release_waits(region: Any, events: Events) -> None:
    """HOLD, and no shift is asked for."""
    hold = Hold(Cause.OPERATOR, (), 1.0, Phase.BAKING)
    region.release(phase=Phase.HELD, hold=hold)
    answer = region.load("decide").handler({"release_id": "r-1", "stage": 2}, None)
    assert (answer["decision"], answer["shift_needed"]) == ("HOLD", False)


def test_a_finished_release_is_not_looked_at(region: Any, events: Events) -> None:
    """The progression learns that it is over."""
    region.release(revoked=True)
    with pytest.raises(Revoked):
        region.load("decide").handler(LOOK, None)


def test_harm_is_published_for_its_alarm(region: Any, events: Events) -> None:
    """The bound of harm over the trigger's matured window, in points."""
    now = region.clock.time
    region.release(first_exposure_at=now - 12 * HOUR)
    for arm, completed in (("control", 320), ("canary", 160)):
        conversations(events, now - 8 * HOUR, arm=arm, count=400, completed=completed)
    answer = region.load("analyse").handler({}, None)
    (published,) = region.metric("HarmCompletion")
    assert published == pytest.approx(answer["harm"]["HarmCompletion"])
    assert 0.25 < published < 0.40


def test_without_data_no_harm_is_published(region: Any, events: Events) -> None:
    """An absent point leaves the alarm OK."""
    region.release()
    assert region.load("analyse").handler({}, None)["harm"] == {}
    assert region.metric("HarmCompletion") == []


def raise_alarm(region: Any, name: str, ago: float, monkeypatch: pytest.MonkeyPatch) -> None:
    from canary.aws.alarms import Alarms

    since = region.clock.time - ago
    monkeypatch.setattr(Alarms, "raised", lambda _self: {name: since})


@pytest.mark.parametrize(
    ("name", "ago", "rolled_back"),
    [
        ("canary-hallucination-300s", 1799, False),
        ("canary-hallucination-300s", 1800, True),
        ("canary-harm-completion", 12 * HOUR, True),
        ("canary-silent", 99 * HOUR, False),
    ],
)
def test_a_warning_that_stays_becomes_a_rollback(  # noqa: PLR0917 - fixtures and cases
    region: Any,
    events: Events,
    started: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    ago: float,
    rolled_back: bool,
) -> None:
    """After `escalate_after`, by the rollback function; silence never escalates."""
    region.release()
    raise_alarm(region, name, ago, monkeypatch)
    region.load("analyse").handler({}, None)
    assert bool(started) is rolled_back
    for call in started:
        assert (call["cause"], call["strike"]) == ("escalated", True)


def test_a_shared_incident_ends_the_release_without_a_strike(
    region: Any, events: Events, started: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both arms failing for ten minutes: traffic off, nobody's fault."""
    hold = Hold(Cause.SHARED, ("shared-error",), region.clock.time - 600, Phase.BAKING)
    region.release(phase=Phase.HELD, hold=hold)
    raise_alarm(region, "shared-error", 600, monkeypatch)
    region.load("analyse").handler({}, None)
    (call,) = started
    assert (call["cause"], call["strike"]) == ("shared", False)


def test_a_shared_incident_that_ends_lifts_its_hold(region: Any, events: Events) -> None:
    """Ten minutes of both arms being well, then the block starts anew."""
    hold = Hold(Cause.SHARED, ("shared-error",), region.clock.time - 60, Phase.BAKING)
    region.release(phase=Phase.HELD, hold=hold)
    analyse = region.load("analyse").handler
    analyse({}, None)
    assert region.record().phase is Phase.HELD
    region.clock.time += 600
    analyse({}, None)
    record = region.record()
    assert (record.phase, record.hold) == (Phase.BAKING, None)
    assert record.block_started_at == region.clock.time


def page(region: Any) -> dict[str, Any]:
    body = region.client("s3").get_object(Bucket="dashboards", Key="dashboard.json")["Body"]
    value: dict[str, Any] = json.loads(body.read())
    return value


def test_the_page_shows_the_release(region: Any, events: Events) -> None:
    """Stage, asked and observed share, alarms, and a point that the next run adds to."""
    now = region.clock.time
    region.release()
    region.set_alarm("canary-critical", "OK")
    conversations(events, now - 60, arm="control", count=3, completed=3)
    conversations(events, now - 60, arm="canary", count=1, completed=1)
    analyse = region.load("analyse").handler
    analyse({}, None)
    region.clock.time += 300
    analyse({}, None)
    view = page(region)
    assert (view["phase"], view["stage_percent"]) == ("BAKING", 5)
    assert view["asked_share"] == pytest.approx(0.095)
    assert view["observed_share"] == pytest.approx(0.25)
    assert [alarm["name"] for alarm in view["alarms"]] == ["canary-critical"]
    first, second = view["series"]
    assert second["minute"] - first["minute"] == 5


def test_the_page_keeps_the_end_of_the_last_release(region: Any, events: Events) -> None:
    """After the release is over its outcome stays on the page."""
    region.release()
    analyse = region.load("analyse").handler
    analyse({}, None)
    record = region.record()
    over = replace(record, phase=Phase.ROLLED_BACK, revoked=True, cause=Cause.OPERATOR)
    region.releases.save(record, over)
    analyse({}, None)
    view = page(region)
    assert (view["finished"], view["outcome"]) == (True, "ROLLED_BACK")
    assert view["timeline"][-1]["text"] == "ROLLED_BACK: operator"


def test_without_any_release_there_is_no_page(region: Any, events: Events) -> None:
    """Nothing was released here yet."""
    assert region.load("analyse").handler({}, None) == {"release_id": None}
    listed = region.client("s3").list_objects_v2(Bucket="dashboards")
    assert listed["KeyCount"] == 0


def test_a_new_verdict_is_told_once(region: Any, events: Events) -> None:
    """Mail on a change, not on every look."""
    first = {"decision": "EXTEND", "reason": "early", "at": region.clock.time}
    region.release(decisions=(first,))
    analyse = region.load("analyse").handler
    analyse({}, None)
    analyse({}, None)
    assert region.messages() == ["r-1: EXTEND"]


def test_the_analysis_sums_up_a_day_that_is_over(
    region: Any, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest day first, into a folder of its own; the next tick goes on with the next day."""
    folders: list[str] = []
    monkeypatch.setattr(Athena, "unload", lambda _self, _query, folder: folders.append(folder))
    now = region.clock.time
    region.release(admitted_at=now - 48 * HOUR, first_exposure_at=now - 48 * HOUR)
    analyse = region.load("analyse")
    summed = [analyse.handler({}, None)["summed_up"] for _ in range(3)]
    assert summed == ["2023-11-12", "2023-11-13", None]
    start = "s3://canary-events/days/test_id=t-1/date="
    assert [folder.rpartition("attempt=")[0] for folder in folders] == [
        f"{start}2023-11-12/",
        f"{start}2023-11-13/",
    ]
