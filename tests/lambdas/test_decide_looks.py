"""The decide function keeps each look before it decides, and each is decided again alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from canary.aws.looks import Looks, pack, unpack
from canary.decision.record import LookRecord
from canary.policy.compiled import CompiledPolicy, Gate
from canary.release.model import DecisionKind
from tests.canary import samples
from tests.canary.aws.events import Events
from tests.lambdas.crowds import behind_athena, crowd

HOUR, DAY = 3600, 86_400


@pytest.fixture
def policy() -> CompiledPolicy:
    """One gate each on what the events can say at the first and at the last test stage."""
    return samples.policy(
        gates=(
            Gate("error", 1, "must_pass", "points", 0.0025),
            Gate("p99", 1, "must_not_fail", "relative", 0.10),
            Gate("completion", 3, "must_not_fail", "points", -0.05, scope="intent"),
            Gate("completion", 3, "must_not_fail", "points", -0.05, scope="tier"),
        )
    )


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> Events:
    """The events table behind Athena."""
    return behind_athena(monkeypatch)


def at_first_stage(region: Any, events: Events, *, canary: int) -> None:
    """A block that is over, with a fresh event, and the canary's completion in percent."""
    now = region.clock.time
    region.release(first_exposure_at=now - 12 * HOUR, block_started_at=now - 12 * HOUR)
    for arm, completed in (("control", 78), ("canary", canary)):
        crowd(events, now - 11 * HOUR, arm, completed=completed, count=3000)
    crowd(events, now - 60, "control", completed=78, count=1)


def advance(region: Any, events: Events) -> None:
    at_first_stage(region, events, canary=78)


def extend(region: Any, events: Events) -> None:
    region.release(block_started_at=region.clock.time - HOUR)


def hold(region: Any, events: Events) -> None:
    at_first_stage(region, events, canary=78)
    region.set_alarm("canary-warning", "OK")
    region.set_alarm("canary-silent", "ALARM")


def roll_back(region: Any, events: Events) -> None:
    region.release()
    region.set_alarm("canary-critical", "ALARM")


def reject(region: Any, events: Events) -> None:
    at_first_stage(region, events, canary=58)


def promote(region: Any, events: Events) -> None:
    now = region.clock.time
    region.release(
        stage=3,
        admitted_at=now - 15 * DAY,
        first_exposure_at=now - 15 * DAY,
        block_started_at=now - 13 * DAY,
        look_information=(300.0, 500.0),
        looks_done=3,
        v_max=4000.0,
    )
    for intent in ("recommendation", "faq", "escalation"):
        for arm, completed in (("control", 70), ("canary", 80)):
            crowd(
                events,
                now - 12 * DAY,
                arm,
                completed=completed,
                count=4000,
                stratum=intent,
                stage=3,
                every=11 * DAY / 4000,
            )
    crowd(events, now - 60, "control", completed=70, count=1, stage=3)


CASES = {
    DecisionKind.ADVANCE: advance,
    DecisionKind.EXTEND: extend,
    DecisionKind.HOLD: hold,
    DecisionKind.ROLLBACK: roll_back,
    DecisionKind.REJECT: reject,
    DecisionKind.PROMOTE: promote,
}


def looks_of(region: Any) -> tuple[LookRecord, ...]:
    return Looks(region.client("s3"), "reports").read("r-1")


@pytest.mark.parametrize("kind", DecisionKind)
def test_a_look_of_each_kind_is_decided_again_bit_for_bit(
    region: Any, events: Events, kind: DecisionKind
) -> None:
    """From the object alone: every verdict, rule and remembered field, with every digit."""
    CASES[kind](region, events)
    before = region.record()
    answer = region.load("decide").handler({"release_id": "r-1", "stage": before.stage}, None)
    assert answer["decision"] == kind.value
    (record,) = looks_of(region)
    assert record.state == before
    assert record.replay() == record.decision
    assert pack(unpack(pack(record), "again")) == pack(record)
    (kept,) = region.record().decisions
    assert rounded(record.decision) == kept


def rounded(decision: Mapping[str, Any]) -> dict[str, Any]:
    """As the record has it: six significant digits, and nothing that it keeps elsewhere."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: plain(each) for name, each in value.items()}
        if isinstance(value, list):
            return [plain(each) for each in value]
        return float(f"{value:.6g}") if isinstance(value, float) else value

    shown: dict[str, Any] = {
        name: plain(value) if name in ("verdicts", "rules") else value
        for name, value in decision.items()
        if name != "remembered"
    }
    return shown


def test_what_the_record_remembers_is_in_the_look(region: Any, events: Events) -> None:
    """A promotion's look says that the last look was taken, and what it decided."""
    promote(region, events)
    region.load("decide").handler({"release_id": "r-1", "stage": 3}, None)
    (record,) = looks_of(region)
    after = region.record()
    remembered = record.decision["remembered"]
    assert (remembered["looks_done"], remembered["benefit"]) == (4, True)
    assert (after.looks_done, after.benefit) == (4, True)
    assert remembered["blocks_judged"] == after.blocks_judged > 0


def test_a_look_that_cannot_be_kept_decides_nothing(
    region: Any, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The function fails, the record stays, and the machine's retry takes the look anew."""
    reject(region, events)
    before = region.record()
    decide = region.load("decide")

    def refuse(_self: Looks, _record: LookRecord) -> str:
        raise ClientError({"Error": {"Code": "SlowDown", "Message": "later"}}, "PutObject")

    with monkeypatch.context() as patch:
        patch.setattr(Looks, "write", refuse)
        with pytest.raises(ClientError):
            decide.handler({"release_id": "r-1", "stage": 1}, None)
    assert region.record() == before
    answer = decide.handler({"release_id": "r-1", "stage": 1}, None)
    assert answer["decision"] == "REJECT"
    assert len(looks_of(region)) == 1


def test_a_retry_after_the_record_failed_leaves_both_looks(
    region: Any, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first look is kept and not entered: no later record holds its moment."""
    extend(region, events)
    decide = region.load("decide")
    first = region.clock.time
    with monkeypatch.context() as patch:
        patch.setattr(decide.PERFORMER.releases, "save", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            decide.handler({"release_id": "r-1", "stage": 1}, None)
    region.clock.time += 15
    decide.handler({"release_id": "r-1", "stage": 1}, None)
    assert [record.facts.as_of for record in looks_of(region)] == [first, first + 15]
    assert [decision["at"] for decision in region.record().decisions] == [first + 15]
