"""Fire drills: the real functions of drill and rollback, and rollbacks that were sabotaged."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from canary.aws.fire_drill import UnderWayError
from canary.aws.functions import Function
from canary.release.drill import FUNCTION_SECONDS, LONGEST_SECONDS, PINNED_FORM, Step
from canary.release.model import Phase
from canary.routing.weights import ALL_ON_PRIMARY
from tests.lambdas.conftest import START, Region

DRILL = "drill-1"
BEFORE = '{"active": false, "promoted": true, "release_id": "r-0", "version": 7}'
WANTED_FAILURES = 5
"""The critical alarm's: so many refused calls raise it here."""


def denied(*_args: object, **_kwargs: object) -> Any:
    raise ClientError({"Error": {"Code": "AccessDenied", "Message": "not allowed"}}, "Any")


@dataclass
class Scene:
    """What stands around the two functions: the gateway, the alarm, the cache, the tasks."""

    region: Region
    alarm_acts: bool = True
    alarm_rings: bool = True
    flag_heard: bool = True
    ready: bool = True
    flag: bool | None = None
    failures: int = 0
    called: list[str] = field(default_factory=list)
    raised: dict[str, float] = field(default_factory=dict)
    rollback: Callable[[dict[str, Any]], Any] = lambda _event: None
    on_rollback: Callable[[], None] = lambda: None

    def call(self, name: str, event: dict[str, Any]) -> dict[str, Any]:
        """Invoke another function and wait."""
        self.called.append(name)
        if name == "probe":
            return self._talk(event)
        if name == "canary-session-flag":
            return self._flag(event)
        if not self.ready:
            raise RuntimeError("canary: 0 of 1 tasks run")
        if event.get("step") == "load":
            self.region.load("scale_cycle").load(
                self.region.record(event["release_id"]), "canary", event["model"]
            )
        return {"done": True}

    def start(self, name: str, event: dict[str, Any]) -> None:
        """Invoke another function without waiting."""
        assert name == "canary-session-flag"
        if self.flag_heard:
            self._flag(event)

    def _flag(self, event: dict[str, Any]) -> dict[str, Any]:
        if "active" in event:
            self.flag = event["active"]
        return {"active": self.flag}

    def _talk(self, event: dict[str, Any]) -> dict[str, Any]:
        """The gateway's load balancer by its live rules, and the alarm that counts what fails."""
        region, requests = self.region, event["requests"]
        region.clock.time += requests / 2
        on_canary = region.weights().canary == 100
        self.failures += requests if event["broken"] and on_canary else 0
        talk = {
            "canary": requests if on_canary else 0,
            "control": 0 if on_canary else requests,
            "failed": requests if event["broken"] else 0,
            "last_canary_at": region.clock.time if on_canary else None,
            "last_error": "",
        }
        if self.failures >= WANTED_FAILURES and self.alarm_rings:
            self.alarm_rings = False
            self._ring()
        return talk

    def _ring(self) -> None:
        for name in ("canary-critical", "canary-5xx"):
            self.region.set_alarm(name, "ALARM")
            self.raised[name] = self.region.clock.time
        if not self.alarm_acts:
            return
        state = {"value": "ALARM", "timestamp": stamp(self.region.clock.time)}
        try:
            self.rollback({"source": "aws.cloudwatch", "alarmData": alarm(state)})
        except Exception:  # noqa: BLE001 - it is called asynchronously: nobody hears it
            self.called.append("a rollback that failed")
        self.on_rollback()


def alarm(state: dict[str, str]) -> dict[str, Any]:
    return {"alarmName": "canary-critical", "state": state}


def stamp(at: float) -> str:
    import datetime as dt

    return f"{dt.datetime.fromtimestamp(at, tz=dt.UTC):%Y-%m-%dT%H:%M:%S.000+0000}"


@pytest.fixture
def scene(region: Region, monkeypatch: pytest.MonkeyPatch) -> Scene:
    for name, value in {
        "RELEASE_MACHINE_ARN": region.machine_arn,
        "SCALE_CYCLE_FUNCTION": "canary-scale-cycle",
        "ATTEST_FUNCTION": "canary-attest",
        "PROBE_FUNCTION": "probe",
    }.items():
        monkeypatch.setenv(name, value)
    region.client("ssm").put_parameter(
        Name="/mangaassist/canary/assignment", Value=BEFORE, Overwrite=True
    )
    made = Scene(region)
    monkeypatch.setattr(Function, "call", lambda self, event: made.call(self._name, event))
    monkeypatch.setattr(Function, "start", lambda self, event: made.start(self._name, event))
    monkeypatch.setattr(
        "canary.aws.task_sets.TaskSets.scale",
        lambda _self, name, percent: made.called.append(f"{name} {percent}%"),
    )
    # The stand-in of CloudWatch stamps with the machine's own time.
    monkeypatch.setattr("canary.aws.alarms.Alarms.raised", lambda _self: made.raised)
    none = type("None", (), {"running": 0})
    monkeypatch.setattr("canary.aws.task_sets.TaskSets.find", lambda _self, _name: none)
    module = region.load("rollback")
    made.rollback = lambda event: module.handler(event, None)
    return made


def drill(scene: Scene, **event: Any) -> dict[str, Any]:
    return scene.region.load("drill").handler({"drill_id": DRILL} | event, None)


def nothing_is_left(scene: Scene) -> None:
    """What holds after a drill, however it ended."""
    region = scene.region
    assert region.releases.lock() is None
    assert region.record(DRILL).terminal
    assert region.weights() == ALL_ON_PRIMARY
    assert region.parameter("assignment") == BEFORE
    assert region.parameter("status") == "idle"
    assert scene.flag in (False, None)
    assert "canary 0%" in scene.called
    items = region.client("dynamodb").scan(TableName="canary-rollbacks")["Items"]
    assert not [each for each in items if each["pk"]["S"].startswith("OWED#")]


def test_a_drill_passes_and_leaves_nothing_behind(scene: Scene) -> None:
    """Every moment is measured, the figure is published, and the next release starts as ever."""
    region = scene.region
    report = drill(scene)
    assert report["failures"] == {}
    assert report["outcome"] == "passed"
    assert report["alarms"] == ["canary-5xx", "canary-critical"]
    assert report["fault_at"] <= report["alarm_at"] <= report["safe_at"]
    assert report["seconds"]["alarm_to_safe"] == 0
    assert report["canary_requests"] > WANTED_FAILURES
    nothing_is_left(scene)
    assert region.metric("DrillFailed") == [0.0]
    assert region.metric("DrillSafeSeconds") == [0.0]
    assert region.metric("RollbackSafeSeconds") == [0.0]
    assert region.client("ssm").get_parameter(Name="/mangaassist/canary/canary/model-id")[
        "Parameter"
    ]["Value"] == region.parameter("control/model-id")


def test_a_drill_is_no_strike_and_touches_no_test(scene: Scene) -> None:
    """Neither the model's past nor the region's knows of it; its memory is its own."""
    region = scene.region
    region.register("t-1")
    entry = region.ledger.find("t-1")
    drill(scene)
    assert region.memories.candidate("model-a").rollbacks == ()
    assert region.memories.last_strike().release_id == ""
    (kept,) = region.memories.candidate("drill").rollbacks
    assert (kept.release_id, kept.strike) == (DRILL, False)
    assert region.ledger.find("t-1") == entry
    record = region.record(DRILL)
    assert (record.strike, record.phase, record.test_id) == (False, Phase.ROLLED_BACK, "")


def test_a_drill_is_skipped_while_a_release_is_active(scene: Scene) -> None:
    """The release keeps its lock, its weights and its parameters; nothing is published."""
    scene.region.release()
    scene.region.shift(PINNED_FORM)
    report = drill(scene)
    assert (report["outcome"], report["detail"]) == ("skipped", "r-1 is active")
    assert scene.region.weights() == PINNED_FORM
    assert scene.called == []
    assert scene.region.metric("DrillFailed") == []


def test_a_drill_is_skipped_while_its_alarm_is_raised(scene: Scene) -> None:
    """An alarm that is raised already cannot be raised by the fault."""
    scene.region.set_alarm("canary-critical", "ALARM")
    assert drill(scene)["outcome"] == "skipped"
    assert scene.region.releases.lock() is None


def rule_denied(scene: Scene, patch: pytest.MonkeyPatch) -> None:
    module = scene.region.load("rollback")
    patch.setattr(module.TRAFFIC._client, "modify_rule", denied)
    scene.rollback = lambda event: module.handler(event, None)


def wrong_rule(scene: Scene, patch: pytest.MonkeyPatch) -> None:
    with patch.context() as other:
        other.setenv("RULE_CANARY_ARN", scene.region.rules["control"])
        module = scene.region.load("rollback")
    scene.rollback = lambda event: module.handler(event, None)


def throttled(scene: Scene, patch: pytest.MonkeyPatch) -> None:
    scene.alarm_acts = False


def flag_stays(scene: Scene, patch: pytest.MonkeyPatch) -> None:
    scene.flag_heard = False


def no_alarm(scene: Scene, patch: pytest.MonkeyPatch) -> None:
    scene.alarm_rings = False


def no_task(scene: Scene, patch: pytest.MonkeyPatch) -> None:
    scene.ready = False


def broken(adapter: str) -> Callable[[Scene, pytest.MonkeyPatch], None]:
    """One of the rollback function's systems denies it what it wants."""

    def sabotage(scene: Scene, patch: pytest.MonkeyPatch) -> None:
        real = scene.rollback

        def denied_call(event: dict[str, Any]) -> None:
            with patch.context() as during:
                during.setattr(f"canary.aws.{adapter}", denied)
                real(event)

        scene.rollback = denied_call

    return sabotage


SABOTAGES = {
    "may not modify rules": (rule_denied, Step.WEIGHTS),
    "knows the wrong rule": (wrong_rule, Step.WEIGHTS),
    "is throttled": (throttled, Step.ROLLBACK),
    "may not write parameters": (broken("parameters.Parameters.put"), Step.ASSIGNMENT),
    "may not write records": (broken("records.Releases.save"), Step.REVOKED),
    "may not open a rollback": (broken("rollbacks.Rollbacks.open"), Step.ROLLBACK),
    "does not reach the cache": (flag_stays, Step.SESSION_FLAG),
    "may not remember": (broken("memories.Memories.remember"), Step.MEMORY),
    "may not read metrics": (broken("metrics.Metrics.sums"), Step.DIAGNOSTICS),
    "may not publish": (broken("notify.Topic.publish"), Step.TOLD_ON_CALL),
    "may not stop executions": (broken("executions.Executions.stop"), Step.EXECUTION),
    "no alarm": (no_alarm, Step.ALARM),
    "no task comes up": (no_task, Step.PREPARE),
}


@pytest.mark.parametrize("what", SABOTAGES)
def test_a_sabotaged_rollback_fails_the_drill_which_names_the_step(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """The step is named with what was seen, the failure is published, the lock is given back."""
    sabotage, step = SABOTAGES[what]
    sabotage(scene, monkeypatch)
    report = drill(scene)
    assert (report["outcome"], report["step"]) == ("failed", step.value), report["failures"]
    assert report["detail"] == report["failures"][step.value] != ""
    assert Step.CLEAN_UP not in report["failures"]
    nothing_is_left(scene)
    assert scene.region.metric("DrillFailed") == [1.0]


def test_weights_that_come_back_are_seen(scene: Scene) -> None:
    """Traffic that meets the canary after it was safe fails the drill."""
    seen = Scene._talk

    def leaking(event: dict[str, Any]) -> dict[str, Any]:
        talk = seen(scene, event)
        if scene.region.record(DRILL).revoked:
            talk["last_canary_at"] = scene.region.clock.time
        return talk

    scene._talk = leaking  # type: ignore[method-assign]
    report = drill(scene)
    assert (report["outcome"], report["step"]) == ("failed", Step.LAST_REQUEST)


def test_a_call_that_died_is_cleaned_up_by_its_retry(scene: Scene) -> None:
    """Lambda calls again with the same event: what is left is put back, and the drill failed."""
    drilled = scene.region.load("drill")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("canary.aws.drill_clean_up.DrillCleanUp.run", lambda *_: None)
        scene.alarm_acts = False
        drilled.handler({"drill_id": DRILL}, None)
    assert scene.region.releases.lock() is not None
    assert scene.region.weights() == PINNED_FORM
    stuck = scene.region.client("dynamodb")
    stuck.update_item(
        TableName="canary-releases",
        Key={"pk": {"S": f"DRILL#{DRILL}"}, "sk": {"S": "REPORT"}},
        UpdateExpression="SET outcome = :running",
        ExpressionAttributeValues={":running": {"S": "running"}},
    )
    with pytest.raises(UnderWayError):
        drilled.handler({"drill_id": DRILL}, None)
    assert scene.region.releases.lock() is not None
    scene.region.clock.time += FUNCTION_SECONDS
    report = drilled.handler({"drill_id": DRILL}, None)
    assert report["outcome"] == "failed"
    nothing_is_left(scene)


def test_an_event_that_comes_twice_is_one_drill(scene: Scene) -> None:
    """Lambda delivers at least once: the second answer is the first one's, and nothing runs."""
    first = drill(scene)
    called = list(scene.called)
    assert drill(scene) == first
    assert scene.called == called
    assert scene.region.metric("DrillFailed") == [0.0]


def test_a_drill_that_was_forgotten_is_ended_by_the_reconciler(scene: Scene) -> None:
    """A rollback gives the lock back once no function of a drill can live any more."""
    region = scene.region
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("canary.aws.drill_clean_up.DrillCleanUp.run", lambda *_: None)
        scene.alarm_acts = False
        drill(scene)
    reconcile, asked = region.load("reconcile"), []
    reconcile.ROLLBACK.start = asked.append
    reconcile.handler({}, None)
    assert asked == []
    assert region.weights() == PINNED_FORM
    region.clock.time += LONGEST_SECONDS
    reconcile.handler({}, None)
    (event,) = asked
    assert (event["release_id"], event["strike"]) == (DRILL, False)
    scene.rollback(event)
    assert region.releases.lock() is None
    assert region.weights() == ALL_ON_PRIMARY


def test_a_scheduled_drill_runs_once_a_week(scene: Scene) -> None:
    """The schedule asks each working day, so that a day on which it was skipped is made up for."""
    module = scene.region.load("drill")
    moment = stamp(START).replace("+0000", "Z")
    report = module.handler({"scheduled": moment}, None)
    assert report["outcome"] == "passed"
    assert report["drill_id"] == f"drill-{moment[:10].replace('-', '')}-221320"
    assert module.handler({"scheduled": stamp(START + 86_400)}, None) == {"outcome": "not due"}


def test_the_reconciler_says_how_long_ago_a_drill_passed(scene: Scene) -> None:
    """Nothing is said before the first one, nor while a release keeps drills from running."""
    region = scene.region
    reconcile = region.load("reconcile")
    assert reconcile.drilled(None, region.clock.time) == {}
    ended = drill(scene)["ended_at"]
    assert reconcile.drilled(None, ended + 60) == {"DrillAgeSeconds": 60}
    state = region.release()
    assert reconcile.drilled(state, ended + 60) == {}


def test_nobody_analyses_or_reports_a_drill(scene: Scene) -> None:
    """Both functions hear of every release; a drill has no customer and no test."""
    region = scene.region
    state = region.release(drill={"assignment": "", "status": "", "promoted": False})
    assert region.load("analyse").handler({}, None) == {"release_id": None}
    report = region.load("report").handler({"release_id": state.release_id}, None)
    assert report == {"key": None, "version": None}


def test_a_drill_s_record_survives_the_table(scene: Scene) -> None:
    """What it puts back is in the record itself, wherever the drill was stopped."""
    drill(scene)
    record = scene.region.record(DRILL)
    assert record.drill == {"assignment": BEFORE, "status": "idle", "promoted": True}
    assert json.loads(json.dumps(dataclasses.asdict(record)))["drill"]["promoted"] is True
