"""What the matrix breaks: each scene is a region, a call, and what must be true in the end."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from botocore.client import BaseClient

from canary.aws.approvals import Approvals
from canary.aws.clients import client
from canary.aws.ledger import Registrations
from canary.aws.records import Releases
from canary.ledger.levels import next_entry
from canary.ledger.registration import default_registration
from canary.policy.compiled import CompiledPolicy, Gate
from canary.release.model import Cause, Hold, Phase, ReleaseState
from canary.routing.weights import ALL_ON_CANARY, ALL_ON_PRIMARY, TrafficForm
from tests.canary import samples
from tests.lambdas.faults.aws import World
from tests.lambdas.faults.ends import (
    admitted,
    approved,
    asked,
    at,
    ended,
    held,
    left_alone,
    paged,
    promoted,
    returned,
    untouched,
)
from tests.lambdas.faults.harness import EXECUTION, OPERATOR, PREFIX, START, region

HOUR = 3600
POLICY: CompiledPolicy = samples.policy(
    routing="alb", gates=(Gate("error", 1, "must_pass", "points", 0.0025),)
)
AT_5 = TrafficForm(control=0, canary=100, draw=5)
AT_25 = TrafficForm(control=0, canary=100, draw=25)
AT_50 = TrafficForm(control=0, canary=100, draw=50)
ALARM = {
    "source": "aws.cloudwatch",
    "alarmArn": "arn:aws:cloudwatch:us-east-1:123456789012:alarm:canary-critical",
    "alarmData": {"alarmName": "canary-critical", "state": {"value": "ALARM", "reason": "errors"}},
}
WARNING = {
    "source": "aws.cloudwatch",
    "detail-type": "CloudWatch Alarm State Change",
    "detail": {"alarmName": "canary-harm-completion", "state": {"value": "ALARM", "reason": "x"}},
}
FAULT = {"source": "progression", "release_id": "r-1", "cause": "machinery", "detail": "a step"}
CATCH = {
    "source": "progression",
    "release_id": "r-1",
    "cause": "harm_sequence",
    "strike": True,
    "reject": True,
    "detail": "completion is lower",
    "execution_arn": EXECUTION,
}


@dataclass(frozen=True)
class Scene:
    """`reached` says whether the call has had all its effects; `machine`: a state calls it."""

    name: str
    function: str
    event: dict[str, Any]
    form: TrafficForm
    reached: Callable[[World], bool]
    changes: dict[str, Any] = field(default_factory=dict)
    machine: bool = True
    primary_healthy: bool = True
    active: bool = True
    deploying: str = ""

    def world(self) -> World:
        """The region before the call."""
        world = World(weights=self.form.to_dict(), executions={EXECUTION: "RUNNING"})
        world.healthy["primary"] = self.primary_healthy
        world.deploying = self.deploying
        for name, value in {
            "control/model-id": "model-a",
            "assignment": '{"active": true, "version": 0}',
            "status": "before",
            "policy": json.dumps({"digest": POLICY.digest, "bucket": "b", "key": "p.json"}),
        }.items():
            world.parameters[f"{PREFIX}/{name}"] = value
        world.objects["p.json"] = POLICY.to_json().encode()
        with region(world):
            if self.active:
                Releases(client("dynamodb"), "canary-releases").create(release(**self.changes))
            else:
                register()
            if self.function == "attest":
                attest(client("dynamodb"))
            if self.function == "confirm_approval":
                question(client("dynamodb"))
        return world


def release(**changes: Any) -> ReleaseState:
    """A release at 5%, unless told otherwise."""
    return replace(
        samples.release(
            POLICY,
            release_id="r-1",
            test_id="t-1",
            phase=Phase.BAKING,
            stage=1,
            stage_started_at=START - 4 * HOUR,
            block_started_at=START - 4 * HOUR,
            first_exposure_at=START - 4 * HOUR,
            execution_arn=EXECUTION,
        ),
        **changes,
    )


def register() -> None:
    """A test for the release that is to be admitted."""
    made = default_registration(
        POLICY,
        test_id="t-1",
        candidate="model-b",
        text="model-b completes more conversations",
        by="ana",
        at=START,
    )
    made = replace(made, hypothesis="non_inferiority")
    ledger = Registrations(client("dynamodb"), "canary-tests")
    ledger.reserve(made, lambda known: next_entry(known, made, POLICY))


def attest(dynamodb: BaseClient) -> None:
    """Each canary task has said which model it loaded."""
    for n in range(3):
        item = {
            "pk": {"S": "ATTEST#canary"},
            "sk": {"S": f"ts-canary/{n}"},
            "model_id": {"S": "model-b"},
            "started_at": {"N": str(START)},
        }
        dynamodb.put_item(TableName="canary-releases", Item=item)


def question(dynamodb: BaseClient) -> None:
    """The release asks in `execution-1`."""
    approvals = Approvals(dynamodb, "canary-releases")
    approvals.asked_by(approvals.ask("r-1", "token-1"), "execution-1")


ON_CANARY: dict[str, Any] = {"stage": 4, "control_header_on_canary": True}
BEYOND: dict[str, Any] = {"phase": Phase.PROMOTING, "safe_arm": "canary", **ON_CANARY}
RETURNED: dict[str, Any] = {"phase": Phase.PROMOTING, "stage": 4}
HELD = {"phase": Phase.HELD, "hold": Hold(Cause.OPERATOR, (), START - HOUR, Phase.BAKING)}


def _promote(step: str) -> dict[str, Any]:
    return {"release_id": "r-1", "step": step}


def answer(execution_id: str) -> dict[str, Any]:
    """What CodePipeline calls its last action with, once a person approved in that execution."""
    parameters = json.dumps({"release_id": "r-1", "execution_id": execution_id})
    configuration = {"configuration": {"UserParameters": parameters}}
    return {"CodePipeline.job": {"id": "job-1", "data": {"actionConfiguration": configuration}}}


START_IT = {
    "input": {
        "release_id": "r-1",
        "test_id": "t-1",
        "candidate": "model-b",
        "hypothesis": "non_inferiority",
        "offline_evaluation": {"bert_score": 0.85, "hallucination": 0.01},
    },
    "execution_arn": EXECUTION,
}
SCENES: tuple[Scene, ...] = (
    Scene("alarm", "rollback", ALARM, AT_5, ended, machine=False),
    Scene("operator", "rollback", OPERATOR, ALL_ON_CANARY, ended, ON_CANARY, machine=False),
    Scene("catch", "rollback", CATCH, AT_50, ended, {"stage": 3}),
    Scene(
        "past the point of no return",
        "rollback",
        ALARM,
        ALL_ON_CANARY,
        paged,
        BEYOND,
        machine=False,
        primary_healthy=False,
    ),
    Scene("warning", "pause", WARNING, AT_5, held(Cause.WARNING), machine=False),
    Scene(
        "hold",
        "pause",
        {"source": "operator", "release_id": "r-1", "detail": "looking"},
        AT_5,
        held(Cause.OPERATOR),
        machine=False,
    ),
    Scene(
        "resume",
        "pause",
        {"source": "operator", "release_id": "r-1", "resume": True, "by": "kim"},
        AT_5,
        at(Phase.BAKING, hold=None),
        HELD,
        machine=False,
    ),
    Scene("fault", "pause", FAULT, AT_5, held(Cause.MACHINERY)),
    Scene(
        "denied approval",
        "pause",
        FAULT | {"cause": "approval"},
        AT_50,
        held(Cause.APPROVAL),
        {"phase": Phase.AWAITING_APPROVAL, "stage": 3},
    ),
    Scene(
        "first stage",
        "set_traffic",
        {"release_id": "r-1", "stage": 1},
        ALL_ON_PRIMARY,
        at(Phase.BAKING, stage=1),
        {"phase": Phase.PREPARING, "stage": 0},
    ),
    Scene(
        "next stage",
        "set_traffic",
        {"release_id": "r-1", "stage": 2},
        AT_5,
        at(Phase.BAKING, stage=2),
    ),
    Scene(
        "tasks",
        "attest",
        {"release_id": "r-1", "task_set": "canary", "model": "candidate"},
        ALL_ON_PRIMARY,
        untouched(Phase.PREPARING),
        {"phase": Phase.PREPARING, "stage": 0},
    ),
    Scene(
        "question",
        "await_approval",
        {"release_id": "r-1", "task_token": "token-1"},
        AT_50,
        asked,
        {"stage": 3},
    ),
    Scene(
        "answer",
        "confirm_approval",
        answer("execution-1"),
        AT_50,
        approved,
        {"phase": Phase.AWAITING_APPROVAL, "stage": 3, "asked_in": "execution-1"},
        machine=False,
    ),
    Scene(
        "shift to canary",
        "promote",
        _promote("shift_to_canary"),
        AT_50,
        at(Phase.BAKING, stage=4),
        {"phase": Phase.SHIFTING, "stage": 3, "approved_at": START},
    ),
    Scene("check", "promote", _promote("check"), ALL_ON_CANARY, untouched(Phase.BAKING), ON_CANARY),
    Scene(
        "begin",
        "promote",
        _promote("begin"),
        ALL_ON_CANARY,
        at(Phase.PROMOTING, safe_arm="canary"),
        ON_CANARY,
    ),
    Scene(
        "shift to primary",
        "promote",
        _promote("shift_to_primary"),
        ALL_ON_CANARY,
        returned,
        BEYOND,
    ),
    Scene("finish", "promote", _promote("finish"), ALL_ON_PRIMARY, promoted, RETURNED),
    Scene(
        "start",
        "admit",
        START_IT,
        ALL_ON_PRIMARY,
        admitted,
        active=False,
    ),
    Scene(
        "start beside a deploy",
        "admit",
        START_IT,
        ALL_ON_PRIMARY,
        left_alone,
        active=False,
        deploying="mangaassist-gateway",
    ),
)
