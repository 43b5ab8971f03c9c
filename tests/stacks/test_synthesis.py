"""The synthesis as a whole."""

from __future__ import annotations

import json

import pytest

from tests.stacks.assembly import ROOT, Assembly, first_region_only, synthesize, text


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """A synthesis of the policy with one rate changed."""
    folder = tmp_path_factory.mktemp("edited")
    source = (ROOT / "policy" / "mangaassist.toml").read_text()
    stage = "[[stages]]\nrate = 0.05\n"
    assert source.count(stage) == 1
    changed = first_region_only(source).replace(stage, stage.replace("5", "4"))
    (folder / "policy.toml").write_text(changed)
    return synthesize(folder / "cdk.out", CANARY_POLICY=str(folder / "policy.toml"))


def test_every_region_of_the_policy_is_synthesized_without_an_account(assembly: Assembly) -> None:
    """Eight stacks a region, in an environment that names the region only."""
    for region in ("us-east-1", "ap-northeast-1"):
        manifest = json.loads((assembly.path / f"assembly-{region}" / "manifest.json").read_text())
        stacks = [
            each
            for each in manifest["artifacts"].values()
            if each["type"] == "aws:cloudformation:stack"
        ]
        assert {each["environment"] for each in stacks} == {f"aws://unknown-account/{region}"}
        assert {each["properties"]["stackName"] for each in stacks} == {
            f"mangaassist-{name}"
            for name in (
                "network",
                "state",
                "traffic",
                "gateway",
                "api",
                "progression",
                "guardrails",
                "dashboards",
            )
        }


def test_one_rate_of_the_policy_changes_what_is_synthesized(
    assembly: Assembly, edited: Assembly
) -> None:
    """The policy is the only place to edit."""
    before = assembly.one("State", "AWS::SSM::Parameter")["Value"]
    assert edited.one("State", "AWS::SSM::Parameter")["Value"] != before
    machine = edited.one("Progression", "AWS::StepFunctions::StateMachine")
    states = json.loads(text(machine["DefinitionString"]))["States"]
    assert "Stage 4%: set traffic" in states
    assert "Stage 5%: set traffic" not in states


def test_policy_edit_leaves_the_rules_and_the_gateway_alone(
    assembly: Assembly, edited: Assembly
) -> None:
    """Another policy must not be a reason to touch live traffic or tasks."""
    for stack in ("Network", "Traffic", "Gateway"):
        assert edited.template(stack) == assembly.template(stack)
