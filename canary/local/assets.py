"""Deploys a synthesized assembly to the emulator, as `cdk deploy` would to an account."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from canary.local.emulator import ACCOUNT, Emulator
from canary.local.inventory import unhandled

__all__ = ["DeploymentError", "Stack", "deploy", "stacks", "update"]

_BOOTSTRAP_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
_BOOTSTRAP_VERSION = "31"
_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)


class DeploymentError(Exception):
    """A stack could not be created or updated; the message names the resource and the reason."""


@dataclass(frozen=True)
class Stack:
    """One stack of an assembly."""

    name: str
    id: str
    template: Path
    assets: Path | None
    dependencies: tuple[str, ...]


def stacks(assembly: Path, region: str) -> list[Stack]:
    """The region's stacks, each after those it depends on.

    `assembly` is the app's output folder or the nested one of a Stage. Raises `DeploymentError`
    when it has no stack for the region.
    """
    found = [stack for folder in _folders(assembly) for stack in _read(folder, region)]
    if not found:
        raise DeploymentError(f"{assembly} has no stack for {region}")
    return _in_order(found)


def deploy(
    emulator: Emulator, assembly: Path, progress: Callable[[str], None] = lambda _name: None
) -> dict[str, dict[str, str]]:
    """Create every stack of the emulator's region; the answer is their outputs by stack name.

    `progress` is told each stack's name when it is complete. Raises `DeploymentError`.
    """
    wanted = stacks(assembly, emulator.region)
    problems = [f"{each.name}: {what}" for each in wanted for what in unhandled(each.template)]
    if problems:
        raise DeploymentError("nobody handles these resources: " + ", ".join(problems))
    emulator.client("ssm").put_parameter(
        Name=_BOOTSTRAP_PARAMETER, Value=_BOOTSTRAP_VERSION, Type="String", Overwrite=True
    )
    outputs = {}
    for stack in wanted:
        outputs[stack.name] = _apply(emulator, stack, "create_stack", "CREATE_COMPLETE")
        progress(stack.name)
    return outputs


def update(emulator: Emulator, stack: Stack) -> dict[str, str]:
    """Deploy a changed template over the stack that exists. Raises `DeploymentError`."""
    return _apply(emulator, stack, "update_stack", "UPDATE_COMPLETE")


def _apply(emulator: Emulator, stack: Stack, operation: str, expected: str) -> dict[str, str]:
    _upload(emulator, stack)
    client = emulator.client("cloudformation")
    try:
        getattr(client, operation)(
            StackName=stack.name,
            TemplateBody=stack.template.read_text(),
            Capabilities=_CAPABILITIES,
        )
        described = client.describe_stacks(StackName=stack.name)["Stacks"][0]
    except ClientError as error:
        raise DeploymentError(f"{stack.name}: {error.response['Error']['Message']}") from error
    if described["StackStatus"] != expected:
        (last, *_) = client.describe_stack_events(StackName=stack.name)["StackEvents"]
        reason = last.get("ResourceStatusReason", "no reason given")
        raise DeploymentError(f"{stack.name}: {described['StackStatus']}: {reason}")
    return {each["OutputKey"]: each["OutputValue"] for each in described.get("Outputs", [])}


def _upload(emulator: Emulator, stack: Stack) -> None:
    if stack.assets is None:
        return
    client = emulator.client("s3")
    layers = _layer_keys(stack)
    for file in json.loads(stack.assets.read_text()).get("files", {}).values():
        path = stack.assets.parent / file["source"]["path"]
        packed = file["source"].get("packaging") == "zip"
        for destination in file["destinations"].values():
            if destination["objectKey"] in layers:
                continue
            bucket = _resolve(destination["bucketName"], emulator.region)
            _ensure_bucket(client, bucket, emulator.region)
            body = _zip(path) if packed else path.read_bytes()
            client.put_object(Bucket=bucket, Key=destination["objectKey"], Body=body)


def _layer_keys(stack: Stack) -> set[str]:
    """Objects that only layers would be made from: tens of megabytes that nothing here reads."""
    resources = json.loads(stack.template.read_text()).get("Resources", {}).values()
    return {
        str(each["Properties"]["Content"]["S3Key"])
        for each in resources
        if each["Type"] == "AWS::Lambda::LayerVersion"
    }


def _zip(path: Path) -> bytes:
    if path.is_file():
        return path.read_bytes()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for each in sorted(path.rglob("*")):
            if each.is_file():
                info = zipfile.ZipInfo(str(each.relative_to(path)), _ZIP_DATE)
                info.external_attr = 0o644 << 16
                archive.writestr(info, each.read_bytes())
    return buffer.getvalue()


def _ensure_bucket(client: Any, bucket: str, region: str) -> None:
    try:
        client.head_bucket(Bucket=bucket)
    except ClientError:
        place = (
            {}
            if region == "us-east-1"
            else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        )
        client.create_bucket(Bucket=bucket, **place)


def _resolve(text: str, region: str) -> str:
    return (
        text.replace("${AWS::AccountId}", ACCOUNT)
        .replace("${AWS::Region}", region)
        .replace("${AWS::Partition}", "aws")
    )


def _folders(assembly: Path) -> list[Path]:
    manifest = json.loads((assembly / "manifest.json").read_text())
    nested = [
        assembly / artifact["properties"]["directoryName"]
        for artifact in manifest.get("artifacts", {}).values()
        if artifact["type"] == "cdk:cloud-assembly"
    ]
    return [assembly, *(folder for each in nested for folder in _folders(each))]


def _read(folder: Path, region: str) -> list[Stack]:
    artifacts = json.loads((folder / "manifest.json").read_text()).get("artifacts", {})
    found = []
    for identity, artifact in artifacts.items():
        if artifact["type"] != "aws:cloudformation:stack":
            continue
        place = artifact["environment"].rsplit("/", 1)[1]
        if place not in (region, "unknown-region"):
            continue
        needed = artifact.get("dependencies", [])
        assets = [
            folder / artifacts[each]["properties"]["file"]
            for each in needed
            if artifacts[each]["type"] == "cdk:asset-manifest"
        ]
        properties = artifact["properties"]
        found.append(
            Stack(
                name=properties.get("stackName", identity),
                id=identity,
                template=folder / properties["templateFile"],
                assets=assets[0] if assets else None,
                dependencies=tuple(
                    each for each in needed if artifacts[each]["type"] == "aws:cloudformation:stack"
                ),
            )
        )
    return found


def _in_order(found: list[Stack]) -> list[Stack]:
    by_id = {stack.id: stack for stack in found}
    ordered: list[Stack] = []

    def visit(stack: Stack) -> None:
        if stack in ordered:
            return
        for each in stack.dependencies:
            visit(by_id[each])
        ordered.append(stack)

    for stack in found:
        visit(stack)
    return ordered
