"""What the emulator's tests build their small regions from."""

from __future__ import annotations

import io
import json
import textwrap
import time
import zipfile
from collections.abc import Callable
from typing import Any

from canary.local.clock import Clock
from canary.local.emulator import ACCOUNT, Emulator
from canary.local.parts import Parts

REGION = "us-east-1"
FACTOR = 600.0
"""A virtual minute is a tenth of a second."""

ROLE = f"arn:aws:iam::{ACCOUNT}:role/any"


def fast_clock() -> Clock:
    return Clock.starting_now(FACTOR)


def zipped(**files: str) -> bytes:
    """An archive of Python modules by name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{name.replace('__', '/')}.py", textwrap.dedent(text))
    return buffer.getvalue()


def make_function(emulator: Emulator, name: str, code: str, **options: Any) -> str:
    """A function of one module, `handler(event, context)`; its ARN."""
    names = emulator.client("iam").list_roles()["Roles"]
    if "any" not in {each["RoleName"] for each in names}:
        emulator.client("iam").create_role(RoleName="any", AssumeRolePolicyDocument="{}")
    made = emulator.client("lambda").create_function(
        **{
            "FunctionName": name,
            "Runtime": "python3.13",
            "Role": ROLE,
            "Handler": "index.handler",
            "Code": {"ZipFile": zipped(index=code)},
            "Timeout": 5,
            **options,
        }
    )
    return str(made["FunctionArn"])


def make_stack(emulator: Emulator, name: str, template: dict[str, Any]) -> dict[str, str]:
    """Create a stack and return its outputs."""
    client = emulator.client("cloudformation")
    client.create_stack(StackName=name, TemplateBody=json.dumps(template))
    (stack,) = client.describe_stacks(StackName=name)["Stacks"]
    return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}


def make_machine(emulator: Emulator, name: str, states: dict[str, Any], **top: Any) -> str:
    """A state machine that starts at its first state; its ARN."""
    definition = {"StartAt": next(iter(states)), "States": states, **top}
    client = emulator.client("stepfunctions")
    made = client.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)
    return str(made["stateMachineArn"])


def run_machine(emulator: Emulator, arn: str, **values: Any) -> dict[str, Any]:
    """Run an execution to its end and describe it."""
    client = emulator.client("stepfunctions")
    execution = client.start_execution(stateMachineArn=arn, input=json.dumps(values))
    return finished(emulator, execution["executionArn"])


def finished(emulator: Emulator, execution: str) -> dict[str, Any]:
    """The execution's description once it has ended."""
    client = emulator.client("stepfunctions")
    eventually(lambda: client.describe_execution(executionArn=execution)["status"] != "RUNNING")
    return dict(client.describe_execution(executionArn=execution))


def eventually(holds: Callable[[], Any], seconds: float = 20.0) -> Any:
    """What `holds` answers once it is true; fails the test when it never is."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := holds():
            return found
        time.sleep(0.02)
    raise AssertionError("it never came true")


def network(emulator: Emulator, name: str = "") -> dict[str, Any]:
    """Subnets and a load balancer with a target group and a listener.

    Both are called `name`, or `balancer` and `group`.
    """
    ec2, elb = emulator.client("ec2"), emulator.client("elbv2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(
            VpcId=vpc, CidrBlock=f"10.0.{index}.0/24", AvailabilityZone=f"{REGION}{zone}"
        )["Subnet"]["SubnetId"]
        for index, zone in enumerate("ab")
    ]
    (balancer,) = elb.create_load_balancer(Name=name or "balancer", Subnets=subnets)[
        "LoadBalancers"
    ]
    (group,) = elb.create_target_group(
        Name=name or "group", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip"
    )["TargetGroups"]
    (listener,) = elb.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"],
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group["TargetGroupArn"]}],
    )["Listeners"]
    return {
        "subnets": subnets,
        "balancer": balancer,
        "group": group["TargetGroupArn"],
        "listener": listener["ListenerArn"],
    }


def lines_of(parts: Parts, name: str) -> list[str]:
    return parts.functions.lines(name)
