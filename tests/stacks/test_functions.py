"""The functions: what each is given, what each may do, and that each runs alone."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

from tests.stacks.assembly import ROOT, Assembly, text

RULES = [
    "RULE_CONTROL_ARN",
    "RULE_CANARY_ARN",
    "RULE_DRAW_ARN",
    "TARGET_PRIMARY_ARN",
    "TARGET_CANARY_ARN",
]
EVENTS = [
    "ATHENA_WORKGROUP",
    "EVENTS_DATABASE",
    "EVENTS_TABLE",
    "EVENT_DAYS_TABLE",
    "METRICS_NAMESPACE",
]
FOLDERS = sorted(path.parent.name for path in (ROOT / "lambdas").glob("*/handler.py"))
LAYERED = {
    *("admit", "decide", "analyse", "report", "detect", "session_flag"),
    *("learn", "publish_bandits", "offline_gate"),
}
IN_THE_NETWORK = {"session_flag", "smoke_test", "publish_bandits", "probe"}
WITHOUT_RESOURCES = {
    "application-autoscaling:DescribeScalableTargets",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:GetMetricData",
    "cloudwatch:PutMetricData",
    "codedeploy:PutLifecycleEventHookExecutionStatus",
    "codepipeline:PutJobFailureResult",
    "codepipeline:PutJobSuccessResult",
    "ec2:DescribeNetworkInterfaces",
    "ecs:DescribeTaskDefinition",
    "ecs:ListTasks",
    "elasticloadbalancing:DescribeRules",
    "elasticloadbalancing:DescribeTargetHealth",
}


def contract() -> dict[str, tuple[set[str], int]]:
    """Each function's environment and time-out as docs/reference/contracts.md lists them."""
    lines = (ROOT / "docs" / "reference" / "contracts.md").read_text().splitlines()
    start = lines.index("| function | environment | time-out |") + 2
    found = {}
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        folder, environment, seconds = (each.strip() for each in line.strip("|").split("|"))
        groups = {"RULES": RULES, "EVENTS": EVENTS, "none": []}
        names = [
            name
            for word in environment.replace("`", "").split()
            for name in groups.get(word, [word])
        ]
        found[folder] = (set(names), int(re.match(r"\d+", seconds)[0]))
    return found


def name_of(folder: str) -> str:
    return f"canary-{folder.replace('_', '-')}"


def test_every_handler_is_deployed_and_nothing_else(assembly: Assembly) -> None:
    """A folder of lambdas is a function of its name."""
    assert sorted(assembly.functions()) == sorted(name_of(folder) for folder in FOLDERS)
    assert contract().keys() == set(FOLDERS)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_function_is_given_what_its_contract_lists(assembly: Assembly, folder: str) -> None:
    """Environment and time-out are the contract's; the kind decides about the layer."""
    function = assembly.functions()[name_of(folder)]
    environment, seconds = contract()[folder]
    assert set(function.get("Environment", {}).get("Variables", {})) == environment
    assert function["Timeout"] == seconds
    assert (function["Runtime"], function["Architectures"]) == ("python3.13", ["arm64"])
    assert ("Layers" in function) == (folder in LAYERED)
    assert ("VpcConfig" in function) == (folder in IN_THE_NETWORK)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_function_has_its_alias_and_its_own_log_group(assembly: Assembly, folder: str) -> None:
    """Others call the alias; its logs are kept for a limited time."""
    stack = assembly.stack_of(name_of(folder))
    (logical_id,) = [
        key
        for key, each in assembly.resources(stack, "AWS::Lambda::Function").items()
        if each["Properties"].get("FunctionName") == name_of(folder)
    ]
    aliases = assembly.resources(stack, "AWS::Lambda::Alias").values()
    (alias,) = [
        each["Properties"]
        for each in aliases
        if each["Properties"]["FunctionName"] == {"Ref": logical_id}
    ]
    assert alias["Name"] == "live"
    groups = assembly.named(stack, "AWS::Logs::LogGroup", "LogGroupName")
    assert groups[f"/mangaassist/functions/{name_of(folder)}"]["RetentionInDays"] == 90


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_function_may_act_on_named_resources_only(assembly: Assembly, folder: str) -> None:
    """`*` stands only where the API knows no resources; a family of ids ends in `/*` or `:*`."""
    stack = assembly.stack_of(name_of(folder))
    statements = assembly.statements(stack, assembly.functions()[name_of(folder)]["Role"])
    assert statements
    for statement in statements:
        if statement["Effect"] == "Deny":
            continue
        actions, resources = (
            each if isinstance(each, list) else [each]
            for each in (statement["Action"], statement["Resource"])
        )
        assert not [action for action in actions if "*" in action]
        if "*" in resources:
            assert set(actions) <= WITHOUT_RESOURCES
        for resource in resources:
            if resource != "*" and "*" in text(resource):
                assert re.search(
                    r"(task-set/mangaassist/gateway/|scalable-target/|execution:canary-release:|/events/|/days/|/results/|/evaluation/"
                    r"|evaluation-job/|:stack/mangaassist-[a-z]+/)\*$"
                    r"|/reports/\*\.(html|json)$|/looks/\*\.json\.gz$",
                    text(resource),
                ) or set(actions) == {"ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface"}


def test_admission_asks_for_exactly_the_stacks_that_have_a_guard(assembly: Assembly) -> None:
    """A stack that gets a deploy guard is one that no release may start beside."""
    guarded = {
        guard["Properties"]["Stack"]
        for stack in assembly.stacks()
        for guard in assembly.resources(stack, "Custom::DeployGuard").values()
    }
    given = assembly.functions()["canary-admit"]["Environment"]["Variables"]
    asked = {value for name, value in given.items() if name.endswith("_STACK")}
    assert (
        asked == guarded == {"mangaassist-traffic", "mangaassist-gateway", "mangaassist-guardrails"}
    )


@pytest.mark.parametrize("folder", sorted(IN_THE_NETWORK))
def test_the_network_is_joined_by_lambda_and_not_by_the_function_s_code(
    assembly: Assembly, folder: str
) -> None:
    """The service makes interfaces in this account and region; the code itself is denied that."""
    role = assembly.functions()[name_of(folder)]["Role"]
    statements = assembly.statements(assembly.stack_of(name_of(folder)), role)
    network = [each for each in statements if "ec2:" in str(each["Action"])]
    allowed = [each for each in network if each["Effect"] == "Allow"]
    (denied,) = [each for each in network if each["Effect"] == "Deny"]
    assert {text(each["Resource"]) for each in allowed} == {
        "*",
        "arn:${AWS::Partition}:ec2:us-east-1:${AWS::AccountId}:*/*",
    }
    actions = {
        action
        for each in allowed
        for action in (each["Action"] if isinstance(each["Action"], list) else [each["Action"]])
        if action.startswith("ec2:")  # the CDK joins what has the same resources
    }
    assert actions == set(denied["Action"])
    (source,) = denied["Condition"]["ArnEquals"].values()
    assert text(source).endswith(f":function:{name_of(folder)}")


def test_few_functions_may_move_exactly_the_three_rules(assembly: Assembly) -> None:
    """Whoever moves traffic is known, and can move nothing else of the load balancer."""
    movers = set()
    for name, function in assembly.functions().items():
        stack = assembly.stack_of(name)
        for statement in assembly.statements(stack, function["Role"]):
            if "ModifyRule" in json.dumps(statement["Action"]):
                movers.add(name)
                assert statement["Action"] == "elasticloadbalancing:ModifyRule"
                named = re.findall(
                    r"(ControlHeaderRule|CanaryHeaderRule|DrawRule)",
                    json.dumps(statement["Resource"]),
                )
                assert len(statement["Resource"]) == len(named) == 3
    moving = {"canary-set-traffic", "canary-promote", "canary-rollback", "canary-reconcile"}
    assert movers == moving | {"canary-drill"}


def test_only_the_scale_cycle_may_write_a_model(assembly: Assembly) -> None:
    """A model's parameter is written under the release lock, by one function, and by the seed."""
    writers = set()
    for name, function in assembly.functions().items():
        stack = assembly.stack_of(name)
        for statement in assembly.statements(stack, function["Role"]):
            if "ssm:PutParameter" in json.dumps(statement["Action"]) and "model-id" in json.dumps(
                statement["Resource"]
            ):
                writers.add(name)
    assert writers == {"canary-scale-cycle", "canary-seed"}


def test_rollback_has_room_to_run_and_no_network_of_its_own(assembly: Assembly) -> None:
    """Concurrency is kept for it, whatever else runs in the account."""
    rollback = assembly.functions()["canary-rollback"]
    assert rollback["ReservedConcurrentExecutions"] >= 2
    assert "VpcConfig" not in rollback
    assert "Layers" not in rollback


ALONE = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked!r}:
            raise ImportError(name + " is not in the function's package")
sys.meta_path.insert(0, Absent())
sys.path.insert(0, {path!r})
import handler
assert callable(handler.handler)
own = [module for name, module in sys.modules.items() if name.split(".")[0] == "canary"]
strangers = [m.__file__ for m in own if not m.__file__.startswith({path!r})]
assert not strangers, strangers
"""


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_staged_function_imports_alone_with_the_template_s_environment(
    assembly: Assembly, folder: str
) -> None:
    """Its asset has every module it needs; a bare one needs nothing but the runtime's SDK."""
    function = assembly.functions()[name_of(folder)]
    variables = function.get("Environment", {}).get("Variables", {})
    blocked = {"stacks", "services", "lambdas", "aws_cdk", "moto"}
    if folder not in LAYERED:
        blocked |= {"numpy", "pydantic", "redis"}
    path = str(assembly.asset(function).resolve())
    result = subprocess.run(
        [sys.executable, "-I", "-B", "-c", ALONE.format(path=path, blocked=blocked)],
        env={
            "PATH": os.environ["PATH"],
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            **{key: text(value) for key, value in variables.items()},
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
