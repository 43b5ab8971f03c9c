"""An image of the API, released in an embedded region by the templates' own deployment group."""

from __future__ import annotations

import io
import json
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from canary.local.region import EmbeddedRegion
from canary.local.synthesis import synthesize
from canary.policy.compile import compile_policy, load_policy

ROOT = Path(__file__).parents[2]
POLICY = ROOT / "policy" / "mangaassist.toml"


@pytest.fixture(scope="module")
def region() -> Iterator[EmbeddedRegion]:
    """us-east-1 with the default policy, serving; no release is under way."""
    policy = compile_policy(load_policy(POLICY), "us-east-1")
    made = EmbeddedRegion(
        synthesize(ROOT, POLICY),
        policy,
        ROOT / "scenarios" / "good.toml",
        candidate=policy.models[-1].id,
        checkout=ROOT,
        on_transition=lambda *_: None,
    )
    try:
        made.start()
        made.deploy(lambda _: None)
        made.serve(lambda _: None)
        yield made
    finally:
        made.stop()


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


def state(region: EmbeddedRegion, deployment: str) -> dict[str, Any]:
    answer = region.client("codedeploy").get_deployment(deploymentId=deployment)
    return dict(answer["deploymentInfo"])


def eventually(holds: Callable[[], bool], seconds: float = 900.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.1)


def serving(region: EmbeddedRegion) -> dict[str, int]:
    """Logical names of the groups that production forwards to, and their percent."""
    stack = region.client("cloudformation")

    def arn(logical_id: str) -> str:
        found = stack.describe_stack_resources(StackName="mangaassist-api")["StackResources"]
        return next(
            str(each["PhysicalResourceId"])
            for each in found
            if each["LogicalResourceId"] == logical_id
        )

    names = {arn(name): name for name in ("BlueTargetGroup", "GreenTargetGroup")}
    (listener,) = region.client("elbv2").describe_listeners(
        ListenerArns=[arn("ProductionListener")]
    )["Listeners"]
    (action,) = listener["DefaultActions"]
    groups = (action.get("ForwardConfig") or {}).get("TargetGroups") or [
        {"TargetGroupArn": action["TargetGroupArn"], "Weight": 100}
    ]
    return {names[each["TargetGroupArn"]]: each["Weight"] for each in groups if each["Weight"]}


def chat(region: EmbeddedRegion) -> dict[str, Any]:
    body = {"session_id": "s", "conversation_id": "c", "message": "Hello"}
    request = urllib.request.Request(
        region.api_url() + "/v1/chat",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return dict(json.load(answer))


@pytest.mark.region
def test_an_image_that_cannot_reach_its_models_never_meets_a_customer(
    region: EmbeddedRegion,
) -> None:
    """The template's smoke test refuses it on the test listener; production never moves."""
    deployment = deploy(region, GATEWAY_URL="http://127.0.0.1:1")
    eventually(lambda: state(region, deployment)["status"] == "Failed")
    assert state(region, deployment)["deploymentStatusMessages"] == [
        "hook canary-smoke-test: Failed"
    ]
    assert serving(region) == {"BlueTargetGroup": 100}
    assert chat(region)["text"]


@pytest.mark.region
def test_a_good_image_passes_its_test_and_takes_all_customers(region: EmbeddedRegion) -> None:
    """A tenth of them first, and somebody answers at every moment on the way."""
    eventually(lambda: alarms(region) == set())
    deployment = deploy(region)
    eventually(lambda: serving(region) == {"BlueTargetGroup": 90, "GreenTargetGroup": 10})
    assert chat(region)["text"]
    eventually(lambda: serving(region) == {"GreenTargetGroup": 100})
    assert chat(region)["text"]
    eventually(lambda: state(region, deployment)["status"] == "Succeeded")
    assert chat(region)["text"]


@pytest.mark.region
def test_the_api_s_own_alarm_brings_the_old_image_back(region: EmbeddedRegion) -> None:
    """An alarm of the group rings while a tenth is on the new image: everybody is back."""
    before = serving(region)
    deployment = deploy(region)
    eventually(lambda: len(serving(region)) == 2)
    region.client("cloudwatch").set_alarm_state(
        AlarmName="api-target-5xx", StateValue="ALARM", StateReason="a test"
    )
    eventually(lambda: state(region, deployment)["status"] == "Failed")
    assert state(region, deployment)["deploymentStatusMessages"] == ["alarms: api-target-5xx"]
    assert serving(region) == before
    assert chat(region)["text"]


def alarms(region: EmbeddedRegion) -> set[str]:
    """The API's alarms that ring."""
    return {
        name for name, now, *_ in region.alarm_lines() if name.startswith("api-") and now == "ALARM"
    }
