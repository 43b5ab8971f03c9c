"""What a synthesis wrote, read from its directory; nothing else in this package opens files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Acknowledgement", "Assembly", "AssemblyError", "Finding", "Region", "Stack"]

_STACK = "aws:cloudformation:stack"
_STAGE = "cdk:cloud-assembly"
_ACKNOWLEDGED = "aws:cdk:acknowledged-rules"
_LOGICAL_ID = "aws:cdk:logicalId"
_POLICY_PARAMETER = "/policy"

Resource = Mapping[str, Any]


class AssemblyError(Exception):
    """The directory is not what a synthesis writes; the message says what is missing."""


@dataclass(frozen=True)
class Acknowledgement:
    """A rule that is accepted at one place of the tree, and why."""

    path: str
    rule: str
    reason: str


@dataclass(frozen=True)
class Finding:
    """What a check reported and nobody accepted: where, and which rule."""

    check: str
    rule: str
    description: str
    path: str


@dataclass(frozen=True)
class Stack:
    """One template, under the name of its construct (`Gateway`) and of its stack."""

    name: str
    stack_name: str
    template: Mapping[str, Any]
    protected: bool = False
    acknowledgements: tuple[Acknowledgement, ...] = ()
    paths: Mapping[str, str] = field(default_factory=dict)
    """Each logical id's place in the tree of constructs, from below its stack."""

    @property
    def resources(self) -> Mapping[str, Resource]:
        """Resources by logical id."""
        found: Mapping[str, Resource] = self.template.get("Resources", {})
        return found


@dataclass(frozen=True)
class Region:
    """One stage of the app; `policy` is the compiled policy that its templates carry, as JSON."""

    name: str
    stacks: tuple[Stack, ...]
    policy: str | None = None

    def of_type(self, kind: str) -> Iterator[tuple[Stack, str, Resource]]:
        """Every resource of one type: its stack, its logical id, itself."""
        for stack in self.stacks:
            for logical_id, resource in stack.resources.items():
                if resource["Type"] == kind:
                    yield stack, logical_id, resource


@dataclass(frozen=True)
class Assembly:
    """Every region, and what the checks at synthesis said."""

    regions: tuple[Region, ...]
    findings: tuple[Finding, ...] = field(default=())
    checked: bool = False

    @classmethod
    def read(cls, path: Path) -> Assembly:
        """Read a directory such as `cdk.out`. Raises `AssemblyError`."""
        manifest = _json(path / "manifest.json")
        stages = _artifacts(manifest, _STAGE)
        regions = [
            _region(path / each["properties"]["directoryName"], path, name=_shown(each, key))
            for key, each in stages
        ]
        if not regions:
            raise AssemblyError(f"{path}: holds no stage of a region")
        report = path / "validation-report.json"
        return cls(
            regions=tuple(regions),
            findings=tuple(_findings(_json(report))) if report.is_file() else (),
            checked=report.is_file(),
        )


def _region(folder: Path, root: Path, *, name: str) -> Region:
    artifacts = _artifacts(_json(folder / "manifest.json"), _STACK)
    stacks = tuple(_stack(folder, each, _shown(each, key)) for key, each in artifacts)
    return Region(name, stacks, _policy(stacks, root))


def _stack(folder: Path, artifact: Mapping[str, Any], shown: str) -> Stack:
    properties = artifact["properties"]
    extra = artifact.get("additionalMetadataFile")
    metadata = _json(folder / extra) if extra else artifact.get("metadata", {})
    return Stack(
        name=shown.rpartition("/")[2],
        stack_name=properties.get("stackName", shown),
        template=_json(folder / properties["templateFile"]),
        protected=bool(properties.get("terminationProtection")),
        acknowledgements=tuple(sorted(_acknowledged(metadata), key=lambda each: each.path)),
        paths=dict(_paths(metadata, f"/{shown}/")),
    )


def _paths(metadata: Mapping[str, Any], above: str) -> Iterator[tuple[str, str]]:
    """Without the last step where that is the CDK's own name for the resource itself."""
    for path, entries in metadata.items():
        for entry in entries:
            if entry["type"] == _LOGICAL_ID:
                below = path.removeprefix(above)
                yield entry["data"], below.removesuffix("/Resource").removesuffix("/Default")


def _acknowledged(metadata: Mapping[str, Any]) -> Iterator[Acknowledgement]:
    for path, entries in metadata.items():
        for entry in entries:
            if entry["type"] == _ACKNOWLEDGED:
                for rule, reason in sorted(entry["data"].items()):
                    yield Acknowledgement(path, rule.removeprefix("Annotation::"), reason)


def _findings(report: Mapping[str, Any]) -> Iterator[Finding]:
    for plugin in report["pluginReports"]:
        for violation in plugin["violations"]:
            for construct in violation["violatingConstructs"]:
                yield Finding(
                    plugin["pluginName"],
                    violation["ruleName"],
                    violation["description"],
                    construct.get("constructPath", ""),
                )


def _policy(stacks: tuple[Stack, ...], root: Path) -> str | None:
    """The file asset that the policy's parameter names."""
    for stack in stacks:
        for resource in stack.resources.values():
            properties = resource.get("Properties", {})
            named = str(properties.get("Name", "")).endswith(_POLICY_PARAMETER)
            if resource["Type"] == "AWS::SSM::Parameter" and named:
                value = json.dumps(properties["Value"])
                for file in sorted(root.glob("asset.*.json")):
                    if file.name.removeprefix("asset.") in value:
                        return file.read_text()
    return None


def _artifacts(manifest: Mapping[str, Any], kind: str) -> list[tuple[str, dict[str, Any]]]:
    return [(key, each) for key, each in manifest["artifacts"].items() if each["type"] == kind]


def _shown(artifact: Mapping[str, Any], key: str) -> str:
    name = artifact.get("displayName") or artifact.get("properties", {}).get("displayName") or key
    return str(name)


def _json(path: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise AssemblyError(f"{path}: not what a synthesis writes ({error})") from error
    return document
