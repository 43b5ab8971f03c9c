"""Deploys over a region that runs: what the guard refuses, and how task sets are replaced."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from canary.aws.records import Releases
from canary.local.assets import DeploymentError, Stack, stacks, update
from canary.local.region import RELEASES_TABLE, EmbeddedRegion
from canary.policy.compile import compile_policy, load_policy
from canary.release.model import Phase
from tests.canary.samples import release
from tests.stacks.assembly import ROOT, Assembly, shared_assembly, synthesize

pytestmark = pytest.mark.region

POLICY = ROOT / "policy" / "mangaassist.toml"
THRESHOLD = 'unit = "level", threshold = 0.02'
MODEL = "claude-haiku-4-5-20251001-v1:0"
DESIRED = 3


@pytest.fixture(scope="module")
def assembly() -> Assembly:
    return shared_assembly()


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """The same product under a policy with another alarm threshold and another model."""
    folder = tmp_path_factory.mktemp("edited")
    text = POLICY.read_text()
    assert THRESHOLD in text
    changed = text.replace(THRESHOLD, THRESHOLD.replace("2", "3")).replace(MODEL, "claude-next")
    (folder / "policy.toml").write_text(changed)
    return synthesize(folder / "cdk.out", CANARY_POLICY=str(folder / "policy.toml"))


@pytest.fixture(scope="module")
def region(assembly: Assembly) -> Iterator[EmbeddedRegion]:
    """Every stack of us-east-1, deployed, with its gateway tasks running."""
    policy = compile_policy(load_policy(POLICY), "us-east-1", pace={})
    made = EmbeddedRegion(
        assembly.path,
        policy,
        ROOT / "scenarios" / "good.toml",
        candidate=policy.models[1].id,
        checkout=ROOT,
        on_transition=lambda *_transition: None,
    )
    try:
        made.start()
        made.deploy(lambda _stack: None)
        yield made
    finally:
        made.stop()


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
