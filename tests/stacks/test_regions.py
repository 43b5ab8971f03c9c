"""Regions: what each has of its own, in which order they go, and that a third is a policy edit."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from canary.local.synthesis import synthesize
from canary.policy.compile import compile_policy, load_policy
from canary.policy.compiled import CompiledPolicy
from stacks.tags import TAGS
from tests.stacks.assembly import RAMP, ROOT, Assembly, text

REGIONS = ("us-east-1", "ap-northeast-1")
THIRD = "eu-west-1"
OUTPUTS = {
    "Api": {"PublicAddress", "PublicZone"},
    "Progression": {"ReleaseMachineArn", "RollbackFunctionArn"},
    "State": {
        "DashboardBucket",
        "EventsBucket",
        "MlEngineersTopicArn",
        "OnCallTopicArn",
        "ReleasesTable",
        "TestsTable",
    },
    "Traffic": {
        "CanaryRuleArn",
        "CanaryTargetGroupArn",
        "ControlRuleArn",
        "DrawRuleArn",
        "PrimaryTargetGroupArn",
    },
}
WEIGHTS = {
    "AWS::ElasticLoadBalancingV2::Listener",
    "AWS::ElasticLoadBalancingV2::ListenerRule",
    "AWS::ElasticLoadBalancingV2::TargetGroup",
}
_REGION = """
[[regions]]
name = "eu-west-1"
wave = {wave}
zones = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
timezone = "Europe/Dublin"
daily_conversations = 120_000
offline_gates = [{{ metric = "product_names", limit = 0.97 }}]

[[regions.models]]
id = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
destinations = ["eu-west-1", "eu-west-3"]

[[regions.models]]
id = "eu.anthropic.claude-haiku-4-5-20251001-v1:0"
destinations = ["eu-west-1", "eu-west-3"]
"""
_PLACE = re.compile(r"arn:\$\{AWS::Partition\}:[a-z0-9-]+:([a-z0-9-]*):")


def with_third_region(target: Path, wave: int = 3) -> Path:
    """A copy of the policy with one table more."""
    source = (ROOT / "policy" / "mangaassist.toml").read_text()
    assert source.count(RAMP) == 1
    target.write_text(source.replace(RAMP, _REGION.format(wave=wave) + "\n" + RAMP))
    return target


def third_region_policy() -> Path:
    """The policy with a third region where the embedded region's test finds it synthesized."""
    folder = ROOT / ".build" / "tests"
    folder.mkdir(parents=True, exist_ok=True)
    return with_third_region(folder / "third-region.toml")


@pytest.fixture(scope="module")
def wider() -> Assembly:
    """The app under the policy with a third region, cdk-nag included."""
    return Assembly(synthesize(ROOT, third_region_policy(), environment={"CANARY_NAG": "1"}))


def statements(assembly: Assembly, region: str) -> list[dict[str, Any]]:
    """What the Admit function's role may do."""
    (role,) = (
        each["Properties"]["Role"]
        for each in assembly.resources("Progression", "AWS::Lambda::Function", region).values()
        if each["Properties"].get("FunctionName") == "canary-admit"
    )
    return [
        statement
        for each in assembly.resources("Progression", "AWS::IAM::Policy", region).values()
        if {"Ref": role["Fn::GetAtt"][0]} in each["Properties"]["Roles"]
        for statement in each["Properties"]["PolicyDocument"]["Statement"]
    ]


def elsewhere(assembly: Assembly, region: str) -> list[tuple[str, list[str]]]:
    """Actions and resources of Admit in regions that are not its own."""
    found = []
    for statement in statements(assembly, region):
        resources = statement["Resource"]
        every = resources if isinstance(resources, list) else [resources]
        listed = [text(each) for each in every]
        places = {match[1] for each in listed if (match := _PLACE.match(each))}
        if places - {region, ""}:
            found.append((statement["Action"], listed))
    return found


def test_a_third_region_is_a_policy_edit(wider: Assembly, assembly: Assembly) -> None:
    """One table in the policy makes the same stacks there.

    The synthesis ran cdk-nag, and ends with an error where a finding is not acknowledged.
    """
    assert wider.stacks(THIRD) == assembly.stacks("us-east-1")
    report = json.loads((wider.path / "validation-report.json").read_text())
    assert {each["conclusion"] for each in report["pluginReports"]} == {"success"}


def test_a_third_region_passes_the_linter_of_templates(wider: Assembly) -> None:
    """What CloudFormation offers in that region is what the templates ask for."""
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "cfn-lint"),
            *map(str, (wider.path / f"assembly-{THIRD}").glob("*.template.json")),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_third_region_leaves_the_others_as_they_are(wider: Assembly, assembly: Assembly) -> None:
    """Nothing of a running region changes but the picture over all of them.

    Another process wrote these, into another folder: so it also shows that synthesizing again
    gives the same bytes, assets included, whose digests are in the templates.
    """
    for region in REGIONS:
        for stack in assembly.stacks(region):
            if (region, stack) != ("us-east-1", "Dashboards"):
                assert wider.template(stack, region) == assembly.template(stack, region)
    for asset in assembly.path.glob("asset.*"):
        assert _contents(wider.path / asset.name) == _contents(asset), asset.name
    (overview,) = (
        text(each["Properties"]["DashboardBody"])
        for each in wider.resources("Dashboards", "AWS::CloudWatch::Dashboard").values()
        if each["Properties"]["DashboardName"] == "mangaassist-canary"
    )
    assert THIRD in overview


def test_no_template_names_another_region_by_accident(wider: Assembly) -> None:
    """A region hard-coded somewhere would point the third at the first.

    On purpose it stands in Admit's role (the wave before), on the global dashboard, and in the
    gateway's role where a model is served by several regions.
    """
    for stack in set(wider.stacks(THIRD)) - {"Dashboards", "Progression", "Gateway"}:
        for other in REGIONS:
            assert other not in json.dumps(wider.template(stack, THIRD)), stack


def test_a_wave_may_read_the_records_of_the_wave_before_and_nothing_else(
    wider: Assembly,
) -> None:
    """`GetItem` on that region's table: the first wave may look nowhere."""
    assert elsewhere(wider, "us-east-1") == []
    table = "arn:${AWS::Partition}:dynamodb:%s:${AWS::AccountId}:table/canary-releases"
    assert elsewhere(wider, "ap-northeast-1") == [("dynamodb:GetItem", [table % "us-east-1"])]
    assert elsewhere(wider, THIRD) == [("dynamodb:GetItem", [table % "ap-northeast-1"])]


def test_the_table_is_called_alike_in_each_region(wider: Assembly) -> None:
    """The permission and the read across regions go by this name."""
    for region in (*REGIONS, THIRD):
        names = wider.named("State", "AWS::DynamoDB::Table", "TableName", region)
        assert "canary-releases" in names


def test_a_wave_of_two_regions_is_waited_for_as_a_whole(tmp_path: Path) -> None:
    """Each region of the wave before is named; a wave does not wait for itself."""
    policy = load_policy(with_third_region(tmp_path / "policy.toml", wave=1))
    assert compile_policy(policy, "ap-northeast-1").wave_before == ("us-east-1", THIRD)
    assert compile_policy(policy, THIRD).wave_before == ()


@pytest.mark.parametrize("region", REGIONS)
def test_a_region_s_own_numbers_reach_what_evaluates(assembly: Assembly, region: str) -> None:
    """The policy that functions read, and the limits of its alarms, are the region's."""
    (parameter,) = (
        each["Properties"]
        for each in assembly.resources("State", "AWS::SSM::Parameter", region).values()
        if text(each["Properties"]["Name"]) == "/mangaassist/canary/policy"
    )
    place = json.loads(text(parameter["Value"]))
    deployed = CompiledPolicy.from_json((assembly.path / f"asset.{place['key']}").read_text())
    wanted = compile_policy(load_policy(ROOT / "policy" / "mangaassist.toml"), region)
    assert deployed == wanted
    names = next(gate for gate in deployed.gates if gate.metric == "product_names")
    assert names.limit == {"us-east-1": 0.95, "ap-northeast-1": 0.99}[region]
    alarms = assembly.named("Guardrails", "AWS::CloudWatch::Alarm", "AlarmName", region)
    for trigger in deployed.triggers:
        if trigger.statistic == "harm":
            assert alarms[f"canary-harm-{trigger.metric}"]["Threshold"] == trigger.threshold


@pytest.mark.parametrize("region", REGIONS)
def test_no_stack_is_deleted_by_one_command(assembly: Assembly, region: str) -> None:
    """Termination protection is the assembly's word to the deployer, for every stack."""
    manifest = json.loads((assembly.path / f"assembly-{region}" / "manifest.json").read_text())
    protected = {
        each["properties"]["stackName"]: each["properties"].get("terminationProtection")
        for each in manifest["artifacts"].values()
        if each["type"] == "aws:cloudformation:stack"
    }
    assert len(protected) == len(assembly.stacks(region))
    assert set(protected.values()) == {True}


@pytest.mark.parametrize("region", REGIONS)
def test_tags_say_what_a_resource_belongs_to(assembly: Assembly, region: str) -> None:
    """The same two everywhere, and none on what carries a release's weights."""
    tagged = 0
    for stack in assembly.stacks(region):
        for name, resource in assembly.template(stack, region)["Resources"].items():
            tags = _tags(resource)
            if resource["Type"] in WEIGHTS:
                assert not tags, name
            elif tags:
                tagged += 1
                assert TAGS.items() <= tags.items(), name
    assert tagged > 50


def test_no_tag_changes_from_deploy_to_deploy(assembly: Assembly, wider: Assembly) -> None:
    """Another policy gives the same tags: nothing of a commit, a day or a digest is in them.

    Nor does a stack carry tags of its own: CloudFormation would pass them on to the rules.
    """
    for stack in assembly.stacks():
        mine, other = (
            {name: _tags(each) for name, each in made.template(stack)["Resources"].items()}
            for made in (assembly, wider)
        )
        assert mine == {name: other.get(name) for name in mine}
    manifest = json.loads((assembly.path / "assembly-us-east-1" / "manifest.json").read_text())
    for each in manifest["artifacts"].values():
        assert not each.get("properties", {}).get("tags")


@pytest.mark.parametrize("region", REGIONS)
def test_operators_are_told_what_they_need(assembly: Assembly, region: str) -> None:
    """Address, bucket, machine, topics, rules: each output with what it is for, none exported."""
    for stack, names in OUTPUTS.items():
        outputs = assembly.template(stack, region)["Outputs"]
        assert names <= outputs.keys()
        for name in names:
            assert outputs[name]["Description"]
            assert "Export" not in outputs[name]


def _tags(resource: dict[str, Any]) -> dict[str, Any]:
    """A resource's tags, without the CDK's own name for what stands in a VPC."""
    tags = resource.get("Properties", {}).get("Tags") or {}
    pairs = tags.items() if isinstance(tags, dict) else ((tag["Key"], tag["Value"]) for tag in tags)
    return {key: value for key, value in pairs if key != "Name"}


def _contents(asset: Path) -> dict[str, bytes]:
    """Each file of an asset, which is one itself or a folder of them, by its place."""
    files = asset.rglob("*") if asset.is_dir() else (asset,)
    return {str(each.relative_to(asset)): each.read_bytes() for each in files if each.is_file()}
