"""Moving traffic: set_traffic, the steps of a promotion, the reconciler."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from typing import Any

import pytest

from canary.aws.faults import NotReady
from canary.aws.functions import Function
from canary.aws.traffic import Traffic
from canary.release.model import Cause, Hold, Phase
from canary.routing.rates import rates_by_intent
from canary.routing.weights import ALL_ON_CANARY, ALL_ON_PRIMARY, TrafficForm

AT_STAGE = TrafficForm(control=0, canary=100, draw=0)
EVENT = {"release_id": "r-1", "stage": 1}
HOLD = Hold(Cause.OPERATOR, (), 1.0, Phase.BAKING)
STANDING = ("ReleaseActive", "ReleaseHeld", "StagePercent")
"""What the dashboards read of a release."""


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What other functions were invoked with."""
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(Function, "start", lambda _self, event: calls.append(event))
    return calls


def prepared(region: Any, **changes: Any) -> Any:
    return region.release(**{"phase": Phase.PREPARING, "stage": 0} | changes)


def test_a_stage_opens_the_canarys_rule_and_publishes_the_rates(region: Any) -> None:
    """Rule 2 is on the canary, rates are per intent, the record bakes at the stage."""
    prepared(region, first_exposure_at=None)
    assert region.load("set_traffic").handler(EVENT, None) == {"done": True}
    assert region.weights() == AT_STAGE
    assignment = json.loads(region.parameter("assignment"))
    assert assignment["active"] is True
    assert assignment["rates"] == rates_by_intent(region.policy, 1)
    record = region.record()
    assert (record.phase, record.stage) == (Phase.BAKING, 1)
    assert record.first_exposure_at == region.clock.time


def test_setting_the_same_stage_again_changes_no_weight(region: Any) -> None:
    """A retry is harmless."""
    prepared(region)
    handler = region.load("set_traffic").handler
    handler(EVENT, None)
    handler(EVENT, None)
    assert region.weights() == AT_STAGE
    assert region.record().stage == 1


def test_no_traffic_moves_while_a_critical_alarm_is_raised(region: Any) -> None:
    """The alarm's own action fired once, before: whoever moves must ask."""
    prepared(region)
    region.set_alarm("canary-critical", "ALARM")
    module = region.load("set_traffic")
    with pytest.raises(module.HarmDetected):
        module.handler(EVENT, None)
    assert region.weights() == ALL_ON_PRIMARY


def test_a_revoked_release_moves_nothing(region: Any) -> None:
    """After the mark no shift begins."""
    from canary.aws.faults import Revoked

    prepared(region, revoked=True)
    with pytest.raises(Revoked):
        region.load("set_traffic").handler(EVENT, None)
    assert region.weights() == ALL_ON_PRIMARY


def test_a_shift_that_a_rollback_overtook_is_undone(
    region: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Revoked between the read and the write: the writer itself takes the traffic back."""
    from canary.aws.faults import Revoked

    prepared(region)
    module = region.load("set_traffic")
    write, revoked = Traffic.write, []

    def overtaken(self: Traffic, form: TrafficForm, rules: Any = ("canary", "draw")) -> None:
        write(self, form, rules)
        if not revoked:
            revoked.append(True)
            record = region.record()
            region.releases.save(record, replace(record, revoked=True, cause=Cause.OPERATOR))

    monkeypatch.setattr(Traffic, "write", overtaken)
    with pytest.raises(Revoked):
        module.handler(EVENT, None)
    assert region.weights() == ALL_ON_PRIMARY


def test_a_held_release_stays_where_it_is(region: Any) -> None:
    """A pause that came before the shift wins; the answer says it was not done."""
    hold = Hold(Cause.WARNING, ("canary-harm-csat",), 1.0, Phase.BAKING)
    region.release(phase=Phase.HELD, hold=hold)
    answer = region.load("set_traffic").handler({"release_id": "r-1", "stage": 2}, None)
    assert answer == {"done": False}
    assert region.record().stage == 1


def test_a_rule_that_keeps_other_weights_is_an_error(
    region: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rules are read back, not believed."""
    from canary.aws.traffic import TrafficError

    prepared(region)
    monkeypatch.setattr(Traffic, "write", lambda *_args, **_kwargs: None)
    with pytest.raises(TrafficError):
        region.load("set_traffic").handler(EVENT, None)


def test_a_promotion_goes_over_the_canary_to_the_new_primary(
    region: Any, started: list[dict[str, Any]]
) -> None:
    """All on the canary, point of no return, all on the primary, promoted, lock free."""
    region.release(phase=Phase.SHIFTING, stage=3, approved_at=1.0)
    region.shift(AT_STAGE)
    handler = region.load("promote").handler

    def step(name: str) -> None:
        assert handler({"release_id": "r-1", "step": name}, None) == {"done": True}

    step("shift_to_canary")
    assert region.weights() == ALL_ON_CANARY
    assert region.releases.lock().control_header_on_canary
    assert json.loads(region.parameter("assignment"))["promoting"] is True
    step("check")
    step("begin")
    assert region.releases.lock().safe_arm == "canary"
    assert region.record().phase is Phase.PROMOTING
    step("shift_to_primary")
    assert region.weights() == ALL_ON_PRIMARY
    assert json.loads(region.parameter("assignment"))["active"] is False
    step("finish")
    assert region.record().phase is Phase.PROMOTED
    assert region.releases.lock() is None
    assert started == [{"active": False}]


@pytest.mark.parametrize("step", ["shift_to_canary", "check", "begin"])
def test_a_raised_alarm_stops_a_promotion_before_the_point_of_no_return(
    region: Any, step: str
) -> None:
    """The soak is worth nothing if nobody looks."""
    region.release(phase=Phase.AWAITING_APPROVAL, stage=3)
    region.set_alarm("canary-critical", "ALARM")
    module = region.load("promote")
    with pytest.raises(module.HarmDetected):
        module.handler({"release_id": "r-1", "step": step}, None)


@pytest.mark.parametrize("step", ["shift_to_canary", "check", "begin"])
def test_a_held_release_is_not_promoted(region: Any, step: str) -> None:
    """The machine is told to come back, and the rules stay."""
    hold = Hold(Cause.WARNING, ("canary-harm-csat",), 1.0, Phase.BAKING)
    region.release(phase=Phase.HELD, hold=hold, stage=3)
    region.shift(AT_STAGE)
    module = region.load("promote")
    with pytest.raises(module.NotReady):
        module.handler({"release_id": "r-1", "step": step}, None)
    assert region.weights() == AT_STAGE


def test_the_reconciler_leaves_what_the_record_says(region: Any) -> None:
    """The rules of the stage in force are right, and both arms' shares are published."""
    region.release()
    region.shift(AT_STAGE)
    answer = region.load("reconcile").handler({}, None)
    assert answer["repaired"] is False
    assert region.weights() == AT_STAGE
    assert region.metric("AskedShare", "canary") == [pytest.approx(0.095)]
    assert region.metric("AskedShare", "control") == [pytest.approx(0.905)]
    assert [region.metric(name) for name in STANDING] == [[1.0], [0.0], [5.0]]


@pytest.mark.parametrize(
    ("changes", "standing"),
    [
        ({"hold": HOLD, "phase": Phase.HELD}, [[1.0], [1.0], [5.0]]),
        ({"revoked": True}, [[1.0], [0.0], [0.0]]),
    ],
)
def test_the_reconciler_tells_the_dashboards_where_a_release_stands(
    region: Any, started: list[dict[str, Any]], changes: dict[str, Any], standing: list[list[float]]
) -> None:
    """Active, held, and at which percent: a revoked release asks for none."""
    region.release(**changes)
    region.load("reconcile").handler({}, None)
    assert [region.metric(name) for name in STANDING] == standing


def test_the_reconciler_takes_back_traffic_that_no_record_allows(region: Any) -> None:
    """Weights left by a crash, or by hand, become what the record says."""
    region.release()
    region.shift(ALL_ON_CANARY)
    assert region.load("reconcile").handler({}, None)["repaired"] is True
    assert region.weights() == AT_STAGE


def test_without_a_release_everything_belongs_on_primary(region: Any) -> None:
    """No lock: the safe form, and nothing is asked of any arm."""
    region.shift(AT_STAGE)
    region.load("reconcile").handler({}, None)
    assert region.weights() == ALL_ON_PRIMARY
    assert region.metric("AskedShare", "canary") == [0.0]
    assert [region.metric(name) for name in STANDING] == [[0.0], [0.0], [0.0]]


def test_a_rollback_that_died_after_its_mark_is_called_again(
    region: Any, started: list[dict[str, Any]]
) -> None:
    """Traffic is taken off at once; the steps that are left are the rollback function's."""
    region.release(revoked=True, cause=Cause.CRITICAL_ALARM, strike=True)
    region.shift(AT_STAGE)
    region.load("reconcile").handler({}, None)
    assert region.weights() == ALL_ON_PRIMARY
    (call,) = started
    assert (call["source"], call["release_id"]) == ("reconcile", "r-1")
    assert (call["cause"], call["strike"]) == ("critical_alarm", True)


@pytest.mark.parametrize("broken", [False, True])
def test_the_age_of_a_rollback_that_is_not_finished_is_published(
    region: Any,
    started: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    broken: bool,
) -> None:
    """Above all when the rollback function cannot even be called."""
    from canary.aws.rollbacks import Rollbacks

    region.release(revoked=True, cause=Cause.CRITICAL_ALARM)
    Rollbacks(region.client("dynamodb"), "canary-rollbacks").open("r-1", {})
    region.clock.time += 200
    handler = region.load("reconcile").handler
    if broken:
        monkeypatch.setattr(Function, "start", unable)
        with pytest.raises(RuntimeError, match="cannot be called"):
            handler({}, None)
    else:
        handler({}, None)
        assert len(started) == 1
    assert region.metric("RollbackSeconds") == [pytest.approx(200)]


def unable(_self: Function, _event: dict[str, Any]) -> None:
    raise RuntimeError("cannot be called")


def test_without_a_rollback_no_age_is_published(region: Any) -> None:
    """The alarm's metric has no value, and no value is well."""
    region.release()
    region.shift(AT_STAGE)
    region.load("reconcile").handler({}, None)
    assert region.metric("RollbackSeconds") == []


def test_a_shift_under_way_is_not_repaired(region: Any) -> None:
    """While the record says that traffic moves, both ends are right."""
    region.release(phase=Phase.SHIFTING, stage=0, target_stage=1)
    region.shift(AT_STAGE)
    assert region.load("reconcile").handler({}, None)["repaired"] is False
    assert region.weights() == AT_STAGE


def test_a_rollback_just_begun_is_left_to_itself(
    region: Any, started: list[dict[str, Any]]
) -> None:
    """Its steps are not done twice while it is at work."""
    from canary.aws.rollbacks import Rollbacks

    region.release(revoked=True, cause=Cause.CRITICAL_ALARM)
    Rollbacks(region.client("dynamodb"), "canary-rollbacks").open("r-1", {"reject": False})
    region.clock.time += 30
    reconcile = region.load("reconcile").handler
    reconcile({}, None)
    assert started == []
    region.clock.time += 60
    reconcile({}, None)
    assert len(started) == 1


def suspended(region: Any) -> bool:
    found = region.client("application-autoscaling").describe_scalable_targets(
        ServiceNamespace="ecs"
    )
    (target,) = found["ScalableTargets"]
    return bool(target.get("SuspendedState", {}).get("DynamicScalingInSuspended"))


def test_no_task_is_taken_away_while_a_release_is_active(region: Any) -> None:
    """A rollback finds a primary that can carry everything; after the release, load decides."""
    reconcile = region.load("reconcile").handler
    reconcile({}, None)
    assert not suspended(region)
    state = region.release()
    region.shift(AT_STAGE)
    reconcile({}, None)
    assert suspended(region)
    region.releases.save(state, replace(state, phase=Phase.ROLLED_BACK))
    reconcile({}, None)
    assert not suspended(region)


def test_the_scaling_target_is_written_when_it_differs_only(region: Any) -> None:
    """A minute in which nothing changed asks once and writes nothing."""
    reconcile = region.load("reconcile")
    region.release()
    assert reconcile.CAPACITY.hold(held=True) is True
    assert reconcile.CAPACITY.hold(held=True) is False


def test_a_rollback_that_died_before_its_mark_is_finished_and_not_undone(
    region: Any, started: list[dict[str, Any]]
) -> None:
    """Rules that give the canary less than the record allows stay, and the release is ended."""
    region.release()
    region.shift(ALL_ON_PRIMARY)
    region.load("reconcile").handler({}, None)
    assert region.weights() == ALL_ON_PRIMARY
    (call,) = started
    assert (call["source"], call["release_id"]) == ("reconcile", "r-1")
    assert (call["cause"], call["strike"]) == ("machinery", False)


def test_the_rollback_that_is_finished_keeps_its_own_reason(
    region: Any, started: list[dict[str, Any]]
) -> None:
    """It had opened its record, with a strike, before it died."""
    from canary.aws.rollbacks import Rollbacks

    region.release()
    opened = {"cause": "critical_alarm", "strike": True, "detail": "errors"}
    Rollbacks(region.client("dynamodb"), "canary-rollbacks").open("r-1", opened)
    region.clock.time += 90
    region.load("reconcile").handler({}, None)
    (call,) = started
    assert (call["cause"], call["strike"], call["detail"]) == ("critical_alarm", True, "errors")


def test_rates_that_a_rollback_overtook_are_taken_back(
    region: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Revoked while they were published: readers must not be left with a canary."""
    from canary.aws.faults import Revoked
    from canary.aws.parameters import Parameters

    prepared(region)
    module = region.load("set_traffic")
    put = Parameters.put

    def overtaken(self: Parameters, name: str, value: str) -> None:
        record = region.record()
        if not record.revoked:
            region.releases.save(record, replace(record, revoked=True, cause=Cause.OPERATOR))
        put(self, name, value)

    monkeypatch.setattr(Parameters, "put", overtaken)
    with pytest.raises(Revoked):
        module.handler(EVENT, None)
    assert json.loads(region.parameter("assignment"))["active"] is False
    assert region.parameter("status") == "rolled_back"


@pytest.mark.parametrize(
    ("function", "event", "changes"),
    [
        ("set_traffic", {"stage": 2}, {"stage": 1, "target_stage": 2}),
        (
            "promote",
            {"step": "shift_to_canary"},
            {"stage": 3, "target_stage": 4, "control_header_on_canary": True},
        ),
    ],
)
def test_a_shift_that_died_before_a_hold_is_not_confirmed_by_its_retry(
    region: Any, function: str, event: dict[str, Any], changes: dict[str, Any]
) -> None:
    """Nothing was moved, so the record keeps the stage that customers have."""
    hold = Hold(Cause.MACHINERY, (), 1.0, Phase.SHIFTING)
    before = region.release(phase=Phase.HELD, hold=hold, **changes)
    region.shift(AT_STAGE)
    module = region.load(function)
    with contextlib.suppress(NotReady):
        module.handler({"release_id": "r-1", **event}, None)
    assert region.weights() == AT_STAGE
    assert region.record() == before
