"""Deploys over a region that serves: the API's own releases, what the guard refuses, task sets."""

from __future__ import annotations

import io
import json
import threading
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from canary.aws.records import Releases
from canary.local.assets import DeploymentError, Stack, stacks, update
from canary.local.region import RELEASES_TABLE, EmbeddedRegion
from canary.release.model import Phase
from tests.canary.samples import release
from tests.stacks.assembly import ROOT, Assembly, first_region_only, synthesize

pytestmark = pytest.mark.region

POLICY = ROOT / "policy" / "mangaassist.toml"
THRESHOLD = 'unit = "level", threshold = 0.02'
MODEL = "claude-haiku-4-5-20251001-v1:0"
DESIRED = 3


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """The same product under a policy with another alarm threshold and another model."""
    folder = tmp_path_factory.mktemp("edited")
    text = first_region_only(POLICY.read_text())
    assert THRESHOLD in text
    changed = text.replace(THRESHOLD, THRESHOLD.replace("2", "3")).replace(MODEL, "claude-next")
    (folder / "policy.toml").write_text(changed)
    return synthesize(folder / "cdk.out", CANARY_POLICY=str(folder / "policy.toml"))


@pytest.fixture
def in_flight(region: EmbeddedRegion, request: pytest.FixtureRequest) -> Iterator[None]:
    """A release that holds the lock."""
    releases = Releases(region.client("dynamodb"), RELEASES_TABLE)
    held = releases.create(release(release_id=request.function.__name__))
    yield
    now = releases.load(held.release_id)
    assert now is not None
    releases.save(now, replace(now, phase=Phase.ROLLED_BACK))


def stack_of(assembly: Assembly, name: str) -> Stack:
    return next(
        each for each in stacks(assembly.path, "us-east-1") if each.name == f"mangaassist-{name}"
    )


def error_thresholds(region: EmbeddedRegion) -> set[float]:
    alarms = region.client("cloudwatch").describe_alarms(AlarmNamePrefix="canary-error")
    return {each["Threshold"] for each in alarms["MetricAlarms"]}


def status(region: EmbeddedRegion, name: str) -> str:
    described = region.client("cloudformation").describe_stacks(StackName=f"mangaassist-{name}")
    return str(described["Stacks"][0]["StackStatus"])


def test_an_image_that_cannot_reach_its_models_never_meets_a_customer(
    region: EmbeddedRegion,
) -> None:
    """The template's smoke test refuses it on the test listener; production never moves."""
    deployment = deploy(region, GATEWAY_URL="http://127.0.0.1:1")
    eventually(lambda: deployment_state(region, deployment)["status"] == "Failed")
    assert deployment_state(region, deployment)["deploymentStatusMessages"] == [
        "hook canary-smoke-test: Failed"
    ]
    assert serving(region) == {"BlueTargetGroup": 100}
    assert chat(region)["text"]


def test_a_good_image_passes_its_test_and_takes_all_customers(region: EmbeddedRegion) -> None:
    """A tenth of them first, and somebody answers at every moment on the way."""
    eventually(lambda: alarms(region) == set())
    deployment = deploy(region)
    eventually(lambda: serving(region) == {"BlueTargetGroup": 90, "GreenTargetGroup": 10})
    assert chat(region)["text"]
    eventually(lambda: serving(region) == {"GreenTargetGroup": 100})
    assert chat(region)["text"]
    eventually(lambda: deployment_state(region, deployment)["status"] == "Succeeded")
    assert chat(region)["text"]


def test_the_api_s_own_alarm_brings_the_old_image_back(region: EmbeddedRegion) -> None:
    """An alarm of the group rings while a tenth is on the new image: everybody is back."""
    before = serving(region)
    deployment = deploy(region)
    eventually(lambda: len(serving(region)) == 2)

    def failed() -> bool:
        """A state that was set lasts until the alarm's next evaluation: it is set until seen."""
        if deployment_state(region, deployment)["status"] == "Failed":
            return True
        region.client("cloudwatch").set_alarm_state(
            AlarmName="api-target-5xx", StateValue="ALARM", StateReason="a test"
        )
        return False

    eventually(failed)
    assert deployment_state(region, deployment)["deploymentStatusMessages"] == [
        "alarms: api-target-5xx"
    ]
    assert serving(region) == before
    assert chat(region)["text"]


@pytest.mark.usefixtures("in_flight")
def test_deploy_that_changes_an_alarm_under_a_release_is_refused_and_goes_back(
    region: EmbeddedRegion, edited: Assembly
) -> None:
    """The refusal names the release; the rollback to what was accepted before is let through."""
    with pytest.raises(
        DeploymentError, match=r"UPDATE_ROLLBACK_COMPLETE.*release test_\w+ is active"
    ):
        update(region.parts.emulator, stack_of(edited, "guardrails"))
    assert status(region, "guardrails") == "UPDATE_ROLLBACK_COMPLETE"
    assert error_thresholds(region) == {0.02}


@pytest.mark.usefixtures("in_flight")
def test_deploy_that_touches_nothing_guarded_goes_through_under_a_release(
    region: EmbeddedRegion, edited: Assembly
) -> None:
    """Another model in the gateway's role is no reason to wait: task sets and rules stay."""
    sets = task_sets(region)
    update(region.parts.emulator, stack_of(edited, "gateway"))
    assert status(region, "gateway") == "UPDATE_COMPLETE"
    assert task_sets(region) == sets


def test_the_same_deploy_goes_through_when_the_release_is_over(
    region: EmbeddedRegion, edited: Assembly
) -> None:
    """Only the release stood in the way."""
    update(region.parts.emulator, stack_of(edited, "guardrails"))
    assert error_thresholds(region) == {0.03}


def test_new_gateway_tasks_carry_themselves_before_the_old_ones_go(
    region: EmbeddedRegion, edited: Assembly, tmp_path: Path
) -> None:
    """Another task definition replaces both sets, and at no moment does primary lack its tasks."""
    before = task_sets(region)
    running: list[int] = []
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.05):
            running.append(sum(each["runningCount"] for each in described(region, "primary")))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        update(region.parts.emulator, with_new_tasks(stack_of(edited, "gateway"), tmp_path))
    finally:
        done.set()
        watcher.join()
    after = task_sets(region)
    assert {name for name, _ in after} == {"primary", "canary"}
    assert not before & after
    assert min(running) == DESIRED < max(running)
    (primary,) = described(region, "primary")
    assert primary["status"] == "PRIMARY"


def described(region: EmbeddedRegion, external_id: str) -> list[dict[str, Any]]:
    answer = region.client("ecs").describe_task_sets(cluster="mangaassist", service="gateway")
    return [each for each in answer["taskSets"] if each["externalId"] == external_id]


def task_sets(region: EmbeddedRegion) -> set[tuple[str, str]]:
    """External id and id of each set of the gateway."""
    return {
        (name, each["id"]) for name in ("primary", "canary") for each in described(region, name)
    }


def with_new_tasks(stack: Stack, folder: Path) -> Stack:
    """The stack with what a new image brings: other task definitions, and so another digest."""
    template = json.loads(stack.template.read_text())
    for each in template["Resources"].values():
        if each["Type"] == "AWS::ECS::TaskDefinition":
            (container,) = each["Properties"]["ContainerDefinitions"]
            container["Environment"].append({"Name": "BUILD", "Value": "2"})
        elif each["Type"] == "Custom::DeployGuard":
            each["Properties"]["Digest"] = "another"
    (folder / "gateway.template.json").write_text(json.dumps(template))
    return replace(stack, template=folder / "gateway.template.json", assets=None)


def published(region: EmbeddedRegion) -> dict[str, Any]:
    """The archive that the templates' custom resource wrote, by document."""
    s3 = region.client("s3")
    for bucket in s3.list_buckets()["Buckets"]:
        for found in s3.list_objects_v2(Bucket=bucket["Name"]).get("Contents", []):
            if found["Key"] == "api/release.zip":
                body = s3.get_object(Bucket=bucket["Name"], Key=found["Key"])["Body"].read()
                with zipfile.ZipFile(io.BytesIO(body)) as archive:
                    return {name: json.loads(archive.read(name)) for name in archive.namelist()}
    raise AssertionError("nothing was published")


def deploy(region: EmbeddedRegion, **changes: str) -> str:
    """What the pipeline does: register the published definition, deploy it. `changes` break it."""
    documents = published(region)
    definition = documents["taskdef.json"]
    (container,) = definition["containerDefinitions"]
    for each in container["environment"]:
        each["value"] = changes.get(each["name"], each["value"])
    registered = region.client("ecs").register_task_definition(**definition)["taskDefinition"]
    spec = json.dumps(documents["appspec.yaml"])
    content = spec.replace("<TASK_DEFINITION>", registered["taskDefinitionArn"])
    made = region.client("codedeploy").create_deployment(
        applicationName="mangaassist-api",
        deploymentGroupName="api",
        revision={"revisionType": "AppSpecContent", "appSpecContent": {"content": content}},
    )
    return str(made["deploymentId"])


def deployment_state(region: EmbeddedRegion, deployment: str) -> dict[str, Any]:
    answer = region.client("codedeploy").get_deployment(deploymentId=deployment)
    return dict(answer["deploymentInfo"])


def eventually(holds: Callable[[], bool], seconds: float = 900.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.5)


def serving(region: EmbeddedRegion) -> dict[str, int]:
    """Logical names of the groups that production forwards to, and their percent."""
    names = {resource(region, name): name for name in ("BlueTargetGroup", "GreenTargetGroup")}
    (listener,) = region.client("elbv2").describe_listeners(
        ListenerArns=[resource(region, "ProductionListener")]
    )["Listeners"]
    (action,) = listener["DefaultActions"]
    groups = (action.get("ForwardConfig") or {}).get("TargetGroups") or [
        {"TargetGroupArn": action["TargetGroupArn"], "Weight": 100}
    ]
    return {names[each["TargetGroupArn"]]: each["Weight"] for each in groups if each["Weight"]}


@cache
def resource(region: EmbeddedRegion, logical_id: str) -> str:
    """The ARN of a resource of the API's stack, which no test replaces."""
    found = region.client("cloudformation").describe_stack_resource(
        StackName="mangaassist-api", LogicalResourceId=logical_id
    )
    return str(found["StackResourceDetail"]["PhysicalResourceId"])


def chat(region: EmbeddedRegion) -> dict[str, Any]:
    body = {"session_id": "s", "conversation_id": "c", "message": "Hello"}
    request = urllib.request.Request(
        region.api_url() + "/v1/chat",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return dict(json.load(answer))


def alarms(region: EmbeddedRegion) -> set[str]:
    """The API's alarms that ring."""
    return {
        name for name, now, *_ in region.alarm_lines() if name.startswith("api-") and now == "ALARM"
    }
