"""The review page of the product's own templates."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from canary.policy.compiled import CompiledPolicy
from canary.review.assembly import Assembly as Reviewed
from canary.review.assembly import AssemblyError
from canary.review.page import review_page
from canary.review.schemas import lint_schemas
from tests.stacks.assembly import Assembly


@pytest.fixture(scope="module")
def head(assembly: Assembly) -> Reviewed:
    return Reviewed.read(assembly.path)


@pytest.fixture(scope="module")
def page(head: Reviewed) -> str:
    return review_page(head)


def changed(assembly: Assembly, target: Path, stack: str, edit: Any) -> Reviewed:
    """The assembly with one template of us-east-1 edited."""
    shutil.copytree(
        assembly.path, target, ignore=lambda _, names: [n for n in names if n.endswith(".py")]
    )
    (file,) = target.glob(f"assembly-us-east-1/useast1{stack}*.template.json")
    template = json.loads(file.read_text())
    edit(template["Resources"])
    file.write_text(json.dumps(template))
    return Reviewed.read(target)


def test_the_page_is_the_same_each_time(head: Reviewed, page: str, assembly: Assembly) -> None:
    """A pull request shows what changed and nothing else."""
    assert review_page(head) == page
    assert review_page(Reviewed.read(assembly.path)) == page


def test_the_page_tells_every_role_alarm_and_acknowledgement(head: Reviewed, page: str) -> None:
    """Nothing that a reviewer has to approve is left out of the first region."""
    first = head.regions[0]
    for stack in first.stacks:
        for each in stack.acknowledgements:
            assert f"`{each.rule}`" in page
            assert each.reason.replace("|", "\\|") in page
        for logical_id, resource in stack.resources.items():
            if resource["Type"] in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"):
                assert f"| `{resource['Properties']['AlarmName']}` |" in page
            if resource["Type"] == "AWS::IAM::Role":
                assert f"#### {stack.name}: {stack.paths[logical_id]}\n" in page


def test_every_statement_of_the_templates_is_on_the_page(head: Reviewed, page: str) -> None:
    """Each action that a policy names stands there by its own name."""

    def actions(value: Any) -> set[str]:
        if isinstance(value, list):
            return set().union(*map(actions, value))
        if not isinstance(value, dict):
            return set()
        if "Effect" in value and "Action" in value:
            listed = value["Action"]
            return {listed} if isinstance(listed, str) else set(listed)
        return set().union(*map(actions, value.values()))

    for stack in head.regions[0].stacks:
        for kind, resource in stack.resources.items():
            assert all(
                action == "sts:AssumeRole" or f"`{action}`" in page for action in actions(resource)
            ), kind


def test_the_page_tells_the_stages_of_each_region_s_own_policy(head: Reviewed, page: str) -> None:
    """The policy comes with the templates, so that the page needs nothing else."""
    for region in head.regions:
        assert region.policy
        assert f"Policy version `{CompiledPolicy.from_json(region.policy).digest}`" in page
    assert "| 3 | 50% | 50% | 0 / 100 / 0 |" in page
    assert "| csat | 2, 3 | overall | proved | at least -1% of control's |" in page


def test_a_synthesis_without_checks_is_said_to_be_unchecked(page: str) -> None:
    """No finding and no check are not the same."""
    assert "**Not checked:**" in page


def test_nothing_changes_against_the_same_templates(head: Reviewed) -> None:
    """Whatever is synthesized compares equal with itself."""
    page = review_page(head, head, schemas=lint_schemas)
    assert "## Changes against the base\n\n### us-east-1\n\nNone." in page


def test_a_new_target_group_is_told_with_what_it_does_to_a_release(
    assembly: Assembly, head: Reviewed, tmp_path: Path
) -> None:
    """By AWS's own schemas: replaced, refused for its users, and the rules change with it."""

    def edit(resources: dict[str, Any]) -> None:
        resources["CanaryTargetGroup"]["Properties"]["Port"] = 1

    base = changed(assembly, tmp_path / "base", "Traffic", edit)
    page = review_page(head, base, schemas=lint_schemas)
    rows = [line for line in page.splitlines() if line.startswith("| **replaced**")]
    assert any("target group `Routes/CanaryTargetGroup`" in row for row in rows)
    assert "**CloudFormation refuses: its old value is in use by" in page
    assert "changed in place | Traffic: rule `Routes/CanaryHeaderRule`" in page
    assert "writes the template's weights" in page


def test_another_task_replaces_its_set(assembly: Assembly, head: Reviewed, tmp_path: Path) -> None:
    """A task definition cannot be updated, and a set is made from one."""

    def edit(resources: dict[str, Any]) -> None:
        for each in resources.values():
            if each["Type"] == "AWS::ECS::TaskDefinition":
                each["Properties"]["Cpu"] = "256"

    base = changed(assembly, tmp_path / "base", "Gateway", edit)
    page = review_page(head, base, schemas=lint_schemas)
    assert "| **replaced** | Gateway: task set `canary` | `TaskDefinition` needs a new one" in page


def test_a_directory_that_is_no_synthesis_is_refused(tmp_path: Path) -> None:
    """One line says which file is missing."""
    with pytest.raises(AssemblyError, match=r"manifest\.json: not what a synthesis writes"):
        Reviewed.read(tmp_path)


def test_a_stack_whose_guard_is_asked_is_said_to_wait_for_the_release(
    assembly: Assembly, head: Reviewed, tmp_path: Path
) -> None:
    """The guard's digest changes with what it guards, and it refuses while a release is active."""

    def edit(resources: dict[str, Any]) -> None:
        for each in resources.values():
            if each["Type"] == "Custom::DeployGuard":
                each["Properties"]["Digest"] = "another"

    base = changed(assembly, tmp_path / "base", "Traffic", edit)
    page = review_page(head, base, schemas=lint_schemas)
    assert "**Traffic** wait for the release" in page
    assert "wait for the release" not in review_page(head, head, schemas=lint_schemas)
