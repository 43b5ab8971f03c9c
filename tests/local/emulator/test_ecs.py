"""Tasks: real processes behind target groups, counted and replaced as ECS does."""

from __future__ import annotations

import json
import os
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from canary.local.ecs_task import TaskStatus
from canary.local.parts import Parts
from tests.local.emulator.bench import REGION, eventually, fast_clock, network

APPLICATION = """
import asyncio, json, os, urllib.request
from canary.aws import clock

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        return await lifespan(receive, send)
    uri = os.environ["ECS_CONTAINER_METADATA_URI_V4"] + "/task"
    body = json.dumps({
        "environment": dict(os.environ), "now": clock.now(), "pid": os.getpid(),
        "task": json.load(urllib.request.urlopen(uri)),
    }).encode()
    print("served", scope["path"])
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})

async def lifespan(receive, send):
    while (await receive())["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})
"""
LINES: list[tuple[str, str]] = []


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    """A running region whose checkout has one small service, `web`."""
    checkout = tmp_path_factory.mktemp("checkout")
    (checkout / "services" / "web").mkdir(parents=True)
    (checkout / "services" / "web" / "app.py").write_text(APPLICATION)
    (checkout / "canary").symlink_to(Path(__file__).resolve().parents[3] / "canary")
    with Parts(
        REGION,
        fast_clock(),
        checkout,
        on_line=lambda group, line: LINES.append((group, line)),
    ) as made:
        made.run()
        yield made


@pytest.fixture(scope="module")
def place(parts: Parts) -> dict[str, Any]:
    """A cluster, a task definition and a network."""
    ssm, ecs = parts.emulator.client("ssm"), parts.emulator.client("ecs")
    secrets = parts.emulator.client("secretsmanager")
    ssm.put_parameter(Name="/web/model", Value="old-model", Type="String")
    secret = secrets.create_secret(Name="web", SecretString='{"password": "hush"}')["ARN"]
    ecs.create_cluster(clusterName="shop")
    definition = ecs.register_task_definition(
        family="web",
        networkMode="awsvpc",
        containerDefinitions=[
            {
                "name": "web",
                "image": "any",
                "memory": 128,
                "environment": [
                    {"name": "TABLE", "value": "t"},
                    {"name": "CACHE_TLS", "value": "true"},
                ],
                "secrets": [
                    {
                        "name": "MODEL_ID",
                        "valueFrom": "arn:aws:ssm:us-east-1:123456789012:parameter/web/model",
                    },
                    {"name": "PASSWORD", "valueFrom": f"{secret}:password::"},
                ],
                "logConfiguration": {
                    "logDriver": "awslogs",
                    "options": {"awslogs-group": "/web"},
                },
            }
        ],
    )["taskDefinition"]["taskDefinitionArn"]
    made = network(parts.emulator)
    vpc = {"awsvpcConfiguration": {"subnets": made["subnets"], "securityGroups": []}}
    return {**made, "definition": definition, "vpc": vpc}


def create_set(parts: Parts, place: dict[str, Any], service: str, desired: int) -> dict[str, Any]:
    ecs = parts.emulator.client("ecs")
    ecs.create_service(
        cluster="shop",
        serviceName=service,
        desiredCount=desired,
        deploymentController={"type": "EXTERNAL"},
    )
    made = ecs.create_task_set(
        cluster="shop",
        service=service,
        taskDefinition=place["definition"],
        externalId=f"{service}-set",
        launchType="FARGATE",
        networkConfiguration=place["vpc"],
        scale={"unit": "PERCENT", "value": 0},
        loadBalancers=[
            {"targetGroupArn": place["group"], "containerName": "web", "containerPort": 80}
        ],
    )
    return dict(made["taskSet"])


def scale(parts: Parts, service: str, task_set: dict[str, Any], percent: float) -> dict[str, Any]:
    parts.emulator.client("ecs").update_task_set(
        cluster="shop",
        service=service,
        taskSet=task_set["id"],
        scale={"unit": "PERCENT", "value": percent},
    )
    return described(parts, service)


def described(parts: Parts, service: str) -> dict[str, Any]:
    ecs = parts.emulator.client("ecs")
    (found,) = ecs.describe_task_sets(cluster="shop", service=service)["taskSets"]
    return dict(found)


def steady(parts: Parts, service: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        found = described(parts, service)
        return found if found["stabilityStatus"] == "STEADY_STATE" else None

    return dict(eventually(look, seconds=60))


def ask(address: tuple[str, int, str]) -> Any:
    with urllib.request.urlopen(f"http://{address[0]}:{address[1]}/anything") as answer:
        return json.load(answer)


def test_task_set_when_scaled_then_runs_its_share_as_real_processes(
    parts: Parts, place: dict[str, Any]
) -> None:
    """ceil(desired x scale) processes serve behind the target group, with the template's words."""
    ecs = parts.emulator.client("ecs")
    made = create_set(parts, place, "shared", 3)
    assert described(parts, "shared")["runningCount"] == 0
    at_once = scale(parts, "shared", made, 50)
    assert (at_once["computedDesiredCount"], at_once["stabilityStatus"]) == (2, "STABILIZING")
    assert steady(parts, "shared")["runningCount"] == 2

    targets = parts.targets.targets(place["group"])
    assert [state for _, _, state in targets] == ["healthy", "healthy"]
    health = parts.emulator.client("elbv2").describe_target_health(TargetGroupArn=place["group"])
    assert [each["TargetHealth"]["State"] for each in health["TargetHealthDescriptions"]] == [
        "healthy",
        "healthy",
    ]
    answers = [ask(target) for target in targets]
    environment = answers[0]["environment"]
    assert environment["MODEL_ID"] == "old-model"
    assert environment["PASSWORD"] == "hush"
    assert (environment["TABLE"], environment["CACHE_TLS"]) == ("t", "false")
    assert environment["AWS_ENDPOINT_URL"] == parts.emulator.endpoint
    assert abs(answers[0]["now"] - parts.clock.now()) < 120
    eventually(lambda: ("/web", "served /anything") in LINES)

    arns = ecs.list_tasks(cluster="shop", startedBy=made["id"])["taskArns"]
    assert sorted(arns) == sorted(each["task"]["TaskARN"] for each in answers)
    tasks = ecs.describe_tasks(cluster="shop", tasks=arns)["tasks"]
    assert {each["lastStatus"] for each in tasks} == {"RUNNING"}
    assert {each["startedBy"] for each in tasks} == {made["id"]}
    (service,) = ecs.describe_services(cluster="shop", services=["shared"])["services"]
    assert (service["runningCount"], service["pendingCount"]) == (2, 0)

    scale(parts, "shared", made, 0)
    assert steady(parts, "shared")["runningCount"] == 0
    assert parts.targets.targets(place["group"]) == []
    for each in answers:
        with pytest.raises(ProcessLookupError):
            os.kill(each["pid"], 0)


def test_task_when_started_after_a_parameter_changed_then_has_the_new_value(
    parts: Parts, place: dict[str, Any]
) -> None:
    """The scale cycle works: a model's name is read when a task starts, and only then."""
    ssm = parts.emulator.client("ssm")
    made = create_set(parts, place, "cycled", 1)
    scale(parts, "cycled", made, 100)
    steady(parts, "cycled")
    ssm.put_parameter(Name="/web/model", Value="new-model", Overwrite=True)
    assert ask(parts.targets.targets(place["group"])[0])["environment"]["MODEL_ID"] == "old-model"
    scale(parts, "cycled", made, 0)
    steady(parts, "cycled")
    scale(parts, "cycled", made, 100)
    steady(parts, "cycled")
    assert ask(parts.targets.targets(place["group"])[0])["environment"]["MODEL_ID"] == "new-model"
    scale(parts, "cycled", made, 0)
    steady(parts, "cycled")


def test_task_when_it_dies_then_is_replaced(parts: Parts, place: dict[str, Any]) -> None:
    """A crash costs one task for a moment, and the log says so."""
    made = create_set(parts, place, "mortal", 1)
    scale(parts, "mortal", made, 100)
    steady(parts, "mortal")
    first = ask(parts.targets.targets(place["group"])[0])["pid"]
    os.kill(first, signal.SIGKILL)
    eventually(lambda: any(t.status is TaskStatus.STOPPED for t in mine(parts, made)))
    steady(parts, "mortal")
    assert ask(parts.targets.targets(place["group"])[0])["pid"] != first
    assert any("ended with -9" in line for group, line in LINES if not group)
    scale(parts, "mortal", made, 0)
    steady(parts, "mortal")


def mine(parts: Parts, task_set: dict[str, Any]) -> list[Any]:
    return [task for task in parts.tasks.tasks() if task.group == task_set["id"]]


def test_task_set_when_killed_then_stays_dead_until_revived(
    parts: Parts, place: dict[str, Any]
) -> None:
    """The fault kills what replaces the dead, too, and leaves the set to heal when it ends."""
    made = create_set(parts, place, "doomed", 1)
    scale(parts, "doomed", made, 100)
    steady(parts, "doomed")
    parts.tasks.kill_task_set("doomed-set")
    eventually(lambda: len([t for t in mine(parts, made) if t.reason.endswith("-9")]) >= 2)
    assert described(parts, "doomed")["stabilityStatus"] == "STABILIZING"
    parts.tasks.revive_task_set("doomed-set")
    steady(parts, "doomed")
    scale(parts, "doomed", made, 0)
    steady(parts, "doomed")


def test_stop_task_when_called_then_another_takes_its_place(
    parts: Parts, place: dict[str, Any]
) -> None:
    """StopTask drains one process; the service starts another."""
    ecs = parts.emulator.client("ecs")
    made = create_set(parts, place, "stoppable", 1)
    scale(parts, "stoppable", made, 100)
    steady(parts, "stoppable")
    (arn,) = ecs.list_tasks(cluster="shop", startedBy=made["id"])["taskArns"]
    ecs.stop_task(cluster="shop", task=arn, reason="a test")
    eventually(lambda: len(mine(parts, made)) == 2)
    eventually(lambda: described(parts, "stoppable")["stabilityStatus"] == "STEADY_STATE")
    (second,) = ecs.list_tasks(cluster="shop", startedBy=made["id"])["taskArns"]
    assert second != arn
    scale(parts, "stoppable", made, 0)
    steady(parts, "stoppable")


def test_service_when_it_has_no_task_sets_then_runs_its_desired_count(
    parts: Parts, place: dict[str, Any]
) -> None:
    """A plain service keeps its tasks itself, and follows a changed count."""
    ecs = parts.emulator.client("ecs")
    ecs.create_service(
        cluster="shop",
        serviceName="plain",
        desiredCount=1,
        taskDefinition=place["definition"],
        launchType="FARGATE",
        networkConfiguration=place["vpc"],
        loadBalancers=[
            {"targetGroupArn": place["group"], "containerName": "web", "containerPort": 80}
        ],
    )

    def running() -> int:
        (found,) = ecs.describe_services(cluster="shop", services=["plain"])["services"]
        return int(found["runningCount"])

    eventually(lambda: running() == 1, seconds=60)
    assert ecs.list_tasks(cluster="shop", serviceName="plain")["taskArns"]
    ecs.update_service(cluster="shop", service="plain", desiredCount=0)
    eventually(lambda: running() == 0 and not parts.targets.targets(place["group"]))


def test_wait_until_steady_when_nothing_is_missing_then_is_true(parts: Parts) -> None:
    """A region is ready when every group has what it wants."""
    assert parts.tasks.wait_until_steady(60)
