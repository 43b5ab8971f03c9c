"""Updates a stack as CloudFormation does: in order of dependency, new before old, back on failure.

Moto updates in the template's order, replaces nothing, tries what failed again and leaves a failed
stack half changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.cloudformation import parsing
from moto.cloudformation.models import Stack
from moto.cloudformation.parsing import ResourceMap

from canary.local.patches import Patches

__all__ = ["install"]

_NAMED = re.compile(r"\$\{([A-Za-z0-9]+)")


def install(patches: Patches) -> None:
    """Replace moto's update of a stack."""
    patches.set(Stack, "update", _update_stack)


def _update_stack(
    self: Stack,
    template: str,
    role_arn: str | None = None,
    parameters: dict[str, str] | None = None,
    tags: dict[str, str] | None = None,
) -> None:
    before = self.template
    self._add_stack_event("UPDATE_IN_PROGRESS", resource_status_reason="User Initiated")
    self.template = template
    self._parse_template()
    update = _Update(self.resource_map, self.template_dict, parameters)
    try:
        update.forward()
    except Exception as error:  # noqa: BLE001 - whatever failed, the stack goes back
        reason = getattr(error, "message", "") or str(error)
        self._add_stack_event("UPDATE_FAILED", resource_status_reason=reason)
        self.template = before
        self._parse_template()
        self.status = "UPDATE_ROLLBACK_COMPLETE"
        try:
            update.back()
        except Exception as second:  # noqa: BLE001 - as CloudFormation, it stays where it failed
            self.status = "UPDATE_ROLLBACK_FAILED"
            reason = f"{reason}; and then: {getattr(second, 'message', '') or second}"
        self._add_stack_event(self.status, resource_status_reason=reason)
        return
    update.clean_up()
    self.output_map = self._create_output_map()
    self.status = "UPDATE_COMPLETE"
    self._add_stack_event(self.status)
    self.role_arn = role_arn
    self.parameters = parameters or self.parameters
    self.tags = self.tags if tags is None else tags


@dataclass
class _Update:
    """One update under way: what it made and changed, so that it can be undone."""

    resources: ResourceMap
    template: dict[str, Any]
    parameters: dict[str, Any] | None
    created: list[str] = field(default_factory=list)
    touched: list[str] = field(default_factory=list)
    replaced: dict[str, Any] = field(default_factory=dict)
    """What had a logical id before another physical resource took its place."""

    def __post_init__(self) -> None:
        self._parsed = self.resources._parsed_resources
        self._old = self.resources._template
        self._old_parameters = self.resources.input_parameters
        self._diff = self.resources.build_resource_diff(self.template, self.parameters)

    def forward(self) -> None:
        """Make and change in order of dependency; what refers to a replaced resource follows it."""
        self._point_to(self.template, self.parameters)
        for name in _in_order(self.template["Resources"]):
            resource = self.template["Resources"][name]
            if name in self._diff["Add"]:
                self.created.append(name)
                _ = self.resources[name]
            elif name in self._diff["Modify"] or _mentions(resource) & self.replaced.keys():
                self.touched.append(name)
                self._change(name)

    def back(self) -> None:
        """Take back what `forward` did, latest first."""
        made = {name: self._parsed.pop(name) for name in self.created if name in self._parsed}
        for name, old in self.replaced.items():
            made[name], self._parsed[name] = self._parsed[name], old
        self._point_to(self._old, self._old_parameters)
        for name in reversed(self.touched):
            if name not in self.replaced:
                self._change(name)
        for name, resource in reversed(made.items()):
            self._delete(resource, self.template["Resources"][name], "DeletionPolicy")

    def clean_up(self) -> None:
        """Delete what was replaced, and what the new template no longer has."""
        for name, resource in self.replaced.items():
            self._delete(resource, self.template["Resources"][name], "UpdateReplacePolicy")
        old = self._old["Resources"]
        for name in reversed(list(_in_order(old))):
            if name in self._diff["Remove"] and (resource := self._parsed.pop(name, None)):
                self._delete(resource, old[name], "DeletionPolicy")

    def _change(self, name: str) -> None:
        before = self._parsed[name]
        after = parsing.parse_and_update_resource(
            name,
            self.resources._resource_json_map[name],
            self.resources,
            account_id=self.resources._account_id,
            region_name=self.resources._region_name,
        )
        self._parsed[name] = after
        if _physical(after) != _physical(before):
            self.replaced.setdefault(name, before)

    def _delete(self, resource: Any, template: dict[str, Any], policy: str) -> None:
        if template.get(policy) != "Retain":
            self.resources._delete_resource(resource, template)

    def _point_to(self, template: dict[str, Any], parameters: dict[str, Any] | None) -> None:
        resources = self.resources
        resources._template = template
        if parameters:
            resources.input_parameters = parameters
        resources.load_mapping()
        resources.load_parameters()
        resources.load_conditions()
        resources._resource_json_map = template["Resources"]


def _physical(resource: Any) -> Any:
    return getattr(resource, "physical_resource_id", None)


def _in_order(resources: Mapping[str, Any]) -> Iterator[str]:
    """Logical ids, each after what it depends on or refers to."""
    done: set[str] = set()

    def visit(name: str) -> Iterator[str]:
        if name in done:
            return
        done.add(name)
        needed = resources[name].get("DependsOn", [])
        names = [needed] if isinstance(needed, str) else needed
        for each in sorted({*names, *_mentions(resources[name])} & resources.keys()):
            yield from visit(each)
        yield name

    for name in resources:
        yield from visit(name)


def _mentions(value: Any) -> set[str]:
    """The logical ids that a part of a template refers to."""
    if isinstance(value, list):
        return {name for each in value for name in _mentions(each)}
    if not isinstance(value, dict):
        return set()
    found: set[str] = set()
    for key, inner in value.items():
        if key == "Ref" and isinstance(inner, str):
            found.add(inner)
        elif key == "Fn::GetAtt":
            found.add(inner[0] if isinstance(inner, list) else inner.split(".")[0])
        else:
            found |= _mentions(inner)
            if key == "Fn::Sub":
                text = inner if isinstance(inner, str) else inner[0]
                found |= set(_NAMED.findall(text))
    return found
