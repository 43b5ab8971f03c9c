"""Deploying an assembly: order, assets, outputs and reasons."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from canary.local.assets import DeploymentError, deploy, stacks, update
from canary.local.emulator import Emulator
from canary.local.inventory import inventory
from canary.local.parts import Parts
from tests.local.emulator.bench import REGION, ROLE


def stack_artifact(region: str, name: str, *needs: str) -> dict[str, Any]:
    return {
        "type": "aws:cloudformation:stack",
        "environment": f"aws://unknown-account/{region}",
        "properties": {"templateFile": f"{name}.template.json", "stackName": f"shop-{name}"},
        "dependencies": [f"{name}.assets", *needs],
    }


def assembly(folder: Path, region: str, templates: dict[str, Any], needs: dict[str, str]) -> Path:
    """A nested assembly, as a Stage makes it, with one zipped asset."""
    nested = folder / f"assembly-{region}"
    (nested / "asset.code").mkdir(parents=True)
    (nested / "asset.code" / "index.py").write_text(
        "def handler(event, context): return 'deployed'"
    )
    artifacts: dict[str, Any] = {}
    for name, template in templates.items():
        (nested / f"{name}.template.json").write_text(json.dumps(template))
        source = {"path": "asset.code", "packaging": "zip"}
        bucket = "assets-${AWS::AccountId}-${AWS::Region}"
        place = {"current": {"bucketName": bucket, "objectKey": "code.zip"}}
        files = {"files": {"code": {"source": source, "destinations": place}}}
        (nested / f"{name}.assets.json").write_text(json.dumps(files))
        artifacts[f"{name}.assets"] = {
            "type": "cdk:asset-manifest",
            "properties": {"file": f"{name}.assets.json"},
        }
        wanted = [needs[name]] if name in needs else []
        artifacts[name] = stack_artifact(region, name, *wanted)
    (nested / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    manifest = folder / "manifest.json"
    top = json.loads(manifest.read_text()) if manifest.exists() else {"artifacts": {}}
    top["artifacts"][f"assembly-{region}"] = {
        "type": "cdk:cloud-assembly",
        "properties": {"directoryName": f"assembly-{region}"},
    }
    manifest.write_text(json.dumps(top))
    return folder


def topic(name: str) -> dict[str, Any]:
    return {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}}},
        "Outputs": {"Arn": {"Value": {"Ref": "Topic"}, "Export": {"Name": f"{name}-arn"}}},
    }


FUNCTION = {
    "Resources": {
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "FunctionName": "deployed",
                "Runtime": "python3.13",
                "Handler": "index.handler",
                "Role": ROLE,
                "Code": {
                    "S3Bucket": {"Fn::Sub": "assets-${AWS::AccountId}-${AWS::Region}"},
                    "S3Key": "code.zip",
                },
                "Environment": {"Variables": {"TOPIC": {"Fn::ImportValue": "first-arn"}}},
            },
        }
    }
}


def test_deploy_when_stacks_depend_then_are_created_in_order_with_assets(
    tmp_path: Path, emulator: Emulator, parts: Parts
) -> None:
    """A stack that imports another's output comes after it, and its function is the asset."""
    emulator.client("iam").create_role(RoleName="any", AssumeRolePolicyDocument="{}")
    templates = {"functions": FUNCTION, "topics": topic("first")}
    folder = assembly(tmp_path, REGION, templates, {"functions": "topics"})
    assembly(folder, "ap-northeast-1", {"elsewhere": topic("elsewhere")}, {})
    done: list[str] = []
    outputs = deploy(emulator, folder, done.append)
    assert done == ["shop-topics", "shop-functions"]
    assert outputs["shop-topics"]["Arn"].endswith(":first")
    assert parts.functions.environment("deployed")["TOPIC"] == outputs["shop-topics"]["Arn"]
    assert json.loads(parts.functions.invoke("deployed", {}).payload) == "deployed"
    names = {
        each["TopicArn"].split(":")[-1] for each in emulator.client("sns").list_topics()["Topics"]
    }
    assert "elsewhere" not in names


def test_update_when_template_changes_then_output_is_the_new_one(
    tmp_path: Path, emulator: Emulator
) -> None:
    """A changed template is deployed over the stack that exists."""
    folder = assembly(tmp_path, REGION, {"changing": topic("before")}, {})
    deploy(emulator, folder)
    (stack,) = stacks(folder, REGION)
    changed = topic("before")
    changed["Outputs"]["Said"] = {"Value": "anew"}
    stack.template.write_text(json.dumps(changed))
    assert update(emulator, stack)["Said"] == "anew"


def test_deploy_when_a_type_is_unknown_then_nothing_is_created(
    tmp_path: Path, emulator: Emulator
) -> None:
    """All that nobody handles is told at once, before the first stack."""
    odd = {"Resources": {"Odd": {"Type": "AWS::QLDB::Ledger"}}}
    folder = assembly(tmp_path, REGION, {"fine": topic("never"), "odd": odd}, {})
    with pytest.raises(DeploymentError, match=r"shop-odd: Odd \(AWS::QLDB::Ledger\)"):
        deploy(emulator, folder)
    names = [each["TopicArn"] for each in emulator.client("sns").list_topics()["Topics"]]
    assert not any(each.endswith(":never") for each in names)


def test_deploy_when_a_resource_fails_then_reason_names_stack_and_resource(
    tmp_path: Path, emulator: Emulator
) -> None:
    """The first thing that goes wrong is the whole message."""
    broken = {
        "Resources": {
            "Version": {
                "Type": "AWS::Lambda::Version",
                "Properties": {"FunctionName": "no-such-function"},
            }
        }
    }
    folder = assembly(tmp_path, REGION, {"broken": broken}, {})
    with pytest.raises(DeploymentError, match=r"shop-broken: Version \(AWS::Lambda::Version\)"):
        deploy(emulator, folder)


def test_stacks_when_region_has_none_then_is_refused(tmp_path: Path) -> None:
    """A region that the policy does not name has nothing to deploy."""
    folder = assembly(tmp_path, REGION, {"only": topic("only")}, {})
    with pytest.raises(DeploymentError, match="no stack for eu-west-1"):
        stacks(folder, "eu-west-1")


def test_inventory_when_read_then_counts_and_explains_every_type(tmp_path: Path) -> None:
    """Each type says what it is here; what nobody handles stands out."""
    odd = {"Resources": {"Odd": {"Type": "AWS::QLDB::Ledger"}, **topic("t")["Resources"]}}
    folder = assembly(tmp_path, REGION, {"a": topic("a"), "b": odd, "f": FUNCTION}, {})
    entries = {entry.type: entry for entry in inventory(folder)}
    assert entries["AWS::SNS::Topic"].count == 2
    assert entries["AWS::SNS::Topic"].kind == "live"
    assert entries["AWS::QLDB::Ledger"].kind == "unhandled"
    assert all(entry.note for entry in entries.values())
