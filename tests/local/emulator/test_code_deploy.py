"""A deployment by CodeDeploy: real tasks in the other group, the hook, the shift, the way back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from canary.local.ecs_task import TaskStatus
from canary.local.parts import Parts
from tests.local.emulator.bench import (
    REGION,
    eventually,
    fast_clock,
    make_function,
    make_stack,
    network,
)

APPLICATION = """
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        return await send({"type": "lifespan.shutdown.complete"})
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"{}"})
"""
HOOK = """
import boto3
def handler(event, context):
    elb = boto3.client("elbv2")
    found = elb.describe_listeners(ListenerArns=["{test}", "{production}"])["Listeners"]
    for each in found:
        print("saw", each["ListenerArn"], each["DefaultActions"])
    boto3.client("codedeploy").put_lifecycle_event_hook_execution_status(
        deploymentId=event["DeploymentId"],
        lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
        status="{answer}",
    )
"""


class Deployments:
    """One service with two groups and two listeners, and its deployments."""

    def __init__(self, parts: Parts, name: str, minutes_kept: int = 0) -> None:
        self.parts, self.name, self.said = parts, name, ""
        made = network(parts.emulator, name)
        elb = parts.emulator.client("elbv2")
        vpc = elb.describe_target_groups(TargetGroupArns=[made["group"]])["TargetGroups"][0][
            "VpcId"
        ]
        (green,) = elb.create_target_group(
            Name=f"{name}-green", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip"
        )["TargetGroups"]
        (test,) = elb.create_listener(
            LoadBalancerArn=made["balancer"]["LoadBalancerArn"],
            Protocol="HTTP",
            Port=9000,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": made["group"]}],
        )["Listeners"]
        self.groups = {"blue": made["group"], "green": green["TargetGroupArn"]}
        self.listeners = {"production": made["listener"], "test": test["ListenerArn"]}
        self.hooks = {
            answer: make_function(
                parts.emulator,
                f"{name}-{answer}",
                HOOK.format(
                    test=self.listeners["test"],
                    production=self.listeners["production"],
                    answer=answer,
                ),
            )
            for answer in ("Succeeded", "Failed")
        }
        self._create_service(made["subnets"])
        self._create_group(minutes_kept)

    def start(self, hook: str = "Succeeded") -> str:
        service = {
            "Type": "AWS::ECS::Service",
            "Properties": {
                "TaskDefinition": "web",
                "LoadBalancerInfo": {"ContainerName": "web", "ContainerPort": 80},
            },
        }
        spec = {
            "Resources": [{"TargetService": service}],
            "Hooks": [{"AfterAllowTestTraffic": self.hooks[hook]}],
        }
        made = self.parts.emulator.client("codedeploy").create_deployment(
            applicationName=self.name,
            deploymentGroupName="web",
            revision={
                "revisionType": "AppSpecContent",
                "appSpecContent": {"content": json.dumps(spec)},
            },
        )
        return str(made["deploymentId"])

    def found(self, deployment: str) -> dict[str, Any]:
        client = self.parts.emulator.client("codedeploy")
        return dict(client.get_deployment(deploymentId=deployment)["deploymentInfo"])

    def end(self, deployment: str) -> str:
        """How a deployment ended, once it has."""
        eventually(
            lambda: self.found(deployment)["status"] in {"Succeeded", "Failed", "Stopped"},
            seconds=60,
        )
        found = self.found(deployment)
        self.said = " ".join(found.get("deploymentStatusMessages") or [])
        return str(found["status"])

    def shares(self, listener: str) -> dict[str, int]:
        """Which group a listener forwards to, in percent."""
        client = self.parts.emulator.client("elbv2")
        arn = self.listeners[listener]
        (found,) = client.describe_listeners(ListenerArns=[arn])["Listeners"]
        (action,) = found["DefaultActions"]
        forward = (action.get("ForwardConfig") or {}).get("TargetGroups") or [
            {"TargetGroupArn": action["TargetGroupArn"], "Weight": 100}
        ]
        names = {arn: name for name, arn in self.groups.items()}
        return {names[each["TargetGroupArn"]]: each["Weight"] for each in forward if each["Weight"]}

    def healthy(self, group: str) -> int:
        states = [state for _, _, state in self.parts.targets.targets(self.groups[group])]
        return states.count("healthy")

    def ring(self, state: str) -> None:
        self.parts.emulator.client("cloudwatch").set_alarm_state(
            AlarmName=f"{self.name}-alarm", StateValue=state, StateReason="a test"
        )

    def _create_service(self, subnets: list[str]) -> None:
        self.parts.emulator.client("ecs").create_service(
            cluster="shop",
            serviceName=self.name,
            desiredCount=1,
            taskDefinition="web",
            launchType="FARGATE",
            deploymentController={"type": "CODE_DEPLOY"},
            networkConfiguration={
                "awsvpcConfiguration": {"subnets": subnets, "securityGroups": []}
            },
            loadBalancers=[
                {
                    "targetGroupArn": self.groups["blue"],
                    "containerName": "web",
                    "containerPort": 80,
                }
            ],
        )
        eventually(lambda: self.healthy("blue") == 1, seconds=60)

    def _create_group(self, minutes_kept: int) -> None:
        client = self.parts.emulator.client("codedeploy")
        client.create_application(applicationName=self.name, computePlatform="ECS")
        self.parts.emulator.client("cloudwatch").put_metric_alarm(
            AlarmName=f"{self.name}-alarm",
            Namespace="N",
            MetricName="M",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
        )
        self.ring("OK")
        client.create_deployment_group(
            applicationName=self.name,
            deploymentGroupName="web",
            serviceRoleArn="arn:aws:iam::123456789012:role/any",
            deploymentConfigName="CodeDeployDefault.ECSCanary10Percent5Minutes",
            ecsServices=[{"clusterName": "shop", "serviceName": self.name}],
            alarmConfiguration={"enabled": True, "alarms": [{"name": f"{self.name}-alarm"}]},
            blueGreenDeploymentConfiguration={
                "terminateBlueInstancesOnDeploymentSuccess": {
                    "action": "TERMINATE",
                    "terminationWaitTimeInMinutes": minutes_kept,
                }
            },
            loadBalancerInfo={
                "targetGroupPairInfoList": [
                    {
                        "targetGroups": [{"name": self.name}, {"name": f"{self.name}-green"}],
                        "prodTrafficRoute": {"listenerArns": [self.listeners["production"]]},
                        "testTrafficRoute": {"listenerArns": [self.listeners["test"]]},
                    }
                ]
            },
        )


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    """A running region whose checkout has one small service, `web`."""
    checkout = tmp_path_factory.mktemp("checkout")
    (checkout / "services" / "web").mkdir(parents=True)
    (checkout / "services" / "web" / "app.py").write_text(APPLICATION)
    (checkout / "canary").symlink_to(Path(__file__).resolve().parents[3] / "canary")
    with Parts(REGION, fast_clock(), checkout) as made:
        ecs = made.emulator.client("ecs")
        ecs.create_cluster(clusterName="shop")
        ecs.register_task_definition(
            family="web",
            networkMode="awsvpc",
            containerDefinitions=[{"name": "web", "image": "any", "memory": 128}],
        )
        made.run()
        yield made


def test_a_deployment_swaps_the_groups_after_its_hook(parts: Parts) -> None:
    """Green is started, shown to the hook alone, then to everybody; blue's tasks end."""
    shop = Deployments(parts, "swaps")
    deployment = shop.start()
    assert shop.end(deployment) == "Succeeded", shop.said
    assert shop.shares("production") == shop.shares("test") == {"green": 100}
    eventually(lambda: (shop.healthy("blue"), shop.healthy("green")) == (0, 1))
    test, production = sorted(
        parts.functions.lines("swaps-Succeeded"),
        key=lambda line: shop.listeners["test"] not in line,
    )
    assert shop.groups["green"] in test
    assert shop.groups["green"] not in production
    (service,) = parts.emulator.client("ecs").describe_services(cluster="shop", services=["swaps"])[
        "services"
    ]
    assert service["runningCount"] == 1


def test_the_next_deployment_goes_back_to_the_first_group(parts: Parts) -> None:
    """Either group may serve: the second deployment starts its tasks in blue."""
    shop = Deployments(parts, "again")
    assert shop.end(shop.start()) == "Succeeded", shop.said
    assert shop.end(shop.start()) == "Succeeded", shop.said
    assert shop.shares("production") == {"blue": 100}
    eventually(lambda: (shop.healthy("blue"), shop.healthy("green")) == (1, 0))


def test_a_hook_that_refuses_leaves_customers_where_they_are(parts: Parts) -> None:
    """The production listener never moves, and the new tasks end."""
    shop = Deployments(parts, "refused")
    told = told_of(parts, "refused")
    deployment = shop.start("Failed")
    assert shop.end(deployment) == "Failed"
    assert shop.shares("production") == shop.shares("test") == {"blue": 100}
    eventually(lambda: (shop.healthy("blue"), shop.healthy("green")) == (1, 0))
    (message,) = eventually(told)
    assert message["detail"]["state"] == "FAILURE"
    assert message["detail"]["deploymentId"] == deployment


def told_of(parts: Parts, application: str) -> Callable[[], list[dict[str, Any]]]:
    """What a rule for CodeDeploy's events sends to a queue, from now on."""
    sqs, events = parts.emulator.client("sqs"), parts.emulator.client("events")
    url = sqs.create_queue(QueueName=application)["QueueUrl"]
    pattern = {"source": ["aws.codedeploy"], "detail": {"application": [application]}}
    events.put_rule(Name=application, EventPattern=json.dumps(pattern))
    arn = f"arn:aws:sqs:{REGION}:123456789012:{application}"
    events.put_targets(Rule=application, Targets=[{"Id": "queue", "Arn": arn}])
    return lambda: [
        json.loads(each["Body"])
        for each in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    ]


def test_a_template_cannot_change_a_service_under_code_deploy(parts: Parts) -> None:
    """As on AWS the update fails: whoever unfreezes the service learns it here."""
    service = {
        "Cluster": "shop",
        "ServiceName": "frozen",
        "DesiredCount": 0,
        "TaskDefinition": "web",
        "LaunchType": "FARGATE",
        "DeploymentController": {"Type": "CODE_DEPLOY"},
    }
    template = {"Resources": {"Service": {"Type": "AWS::ECS::Service", "Properties": service}}}
    make_stack(parts.emulator, "frozen", template)
    service["DesiredCount"] = 1
    client = parts.emulator.client("cloudformation")
    client.update_stack(StackName="frozen", TemplateBody=json.dumps(template))
    events = client.describe_stack_events(StackName="frozen")["StackEvents"]
    (failed,) = [each for each in events if each["ResourceStatus"] == "UPDATE_FAILED"]
    assert "CODE_DEPLOY deployment controller is not updated" in failed["ResourceStatusReason"]


def test_an_alarm_during_the_shift_brings_the_old_tasks_back(parts: Parts) -> None:
    """A tenth of the requests is on green when the alarm rings; then none is."""
    shop = Deployments(parts, "alarmed")
    deployment = shop.start()
    eventually(lambda: shop.shares("production") == {"blue": 90, "green": 10})
    shop.ring("ALARM")
    assert shop.end(deployment) == "Failed"
    assert shop.shares("production") == {"blue": 100}
    eventually(lambda: shop.healthy("green") == 0)
    assert shop.healthy("blue") == 1


def test_an_alarm_while_the_old_tasks_are_kept_still_brings_them_back(parts: Parts) -> None:
    """After the whole shift, too: that is what they are kept for."""
    shop = Deployments(parts, "late", minutes_kept=60)
    deployment = shop.start()
    eventually(lambda: shop.shares("production") == {"green": 100}, seconds=60)
    shop.ring("ALARM")
    assert shop.end(deployment) == "Failed"
    assert shop.shares("production") == {"blue": 100}


def test_a_deployment_does_not_begin_while_an_alarm_is_raised(parts: Parts) -> None:
    """No new task is started."""
    shop = Deployments(parts, "held")
    shop.ring("ALARM")
    assert shop.end(shop.start()) == "Failed"
    group = shop.groups["green"]
    assert parts.targets.targets(group) == []


def test_a_stopped_deployment_brings_the_old_tasks_back(parts: Parts) -> None:
    """StopDeployment on the way: as with an alarm, but nobody calls it a failure."""
    shop = Deployments(parts, "stopped")
    deployment = shop.start()
    eventually(lambda: "green" in shop.shares("production"))
    parts.emulator.client("codedeploy").stop_deployment(deploymentId=deployment)
    assert shop.end(deployment) == "Stopped"
    assert shop.shares("production") == {"blue": 100}
    eventually(lambda: shop.healthy("green") == 0)
    states = {each.status for each in parts.tasks.tasks() if each.group == deployment}
    assert states <= {TaskStatus.DEACTIVATING, TaskStatus.STOPPED}
