"""What a deployment of one region would do: the templates of a base against those of a head."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from canary.review.assembly import Region, Resource, Stack
from canary.review.schemas import Creation, Schemas

__all__ = ["Change", "Kind", "compare"]

Kind = Literal["add", "update", "may replace", "replace", "delete"]
_MISSING = object()
_Place = tuple[str, str]
"""A stack's name and a logical id."""


@dataclass(frozen=True)
class Change:
    """One resource that a deployment touches.

    `properties` are those that differ; `forced_by` those of them that replace it. `kept` says that
    the old one stays in the account (RETAIN). `refusals` are the reasons for which CloudFormation
    would not do it at all.
    """

    kind: Kind
    stack: Stack
    logical_id: str
    resource_type: str
    properties: tuple[str, ...] = ()
    forced_by: tuple[str, ...] = ()
    kept: bool = False
    refusals: tuple[str, ...] = ()


def compare(base: Region | None, head: Region, schemas: Schemas) -> tuple[Change, ...]:
    """Every change from `base` to `head`, in the order of stacks and logical ids.

    Replacing a resource changes every value that refers to it; what such a value may not change is
    replaced in its turn.
    """
    before = {stack.name: stack for stack in base.stacks} if base else {}
    found: dict[_Place, Change] = {}
    for stack in head.stacks:
        old = before.get(stack.name)
        for change in _within(old, stack, schemas):
            found[stack.name, change.logical_id] = change
    for stack in before.values():
        if all(each.name != stack.name for each in head.stacks):
            for logical_id, resource in stack.resources.items():
                found[stack.name, logical_id] = _deleted(stack, logical_id, resource)
    _follow(found, head, schemas)
    _moves(found, before, head, schemas)
    _exports(found, head)
    return tuple(found[place] for place in sorted(found))


def _within(old: Stack | None, new: Stack, schemas: Schemas) -> Iterator[Change]:
    known = old.resources if old else {}
    for logical_id, resource in new.resources.items():
        kind = resource["Type"]
        previous = known.get(logical_id)
        if previous is None:
            yield Change("add", new, logical_id, kind)
        elif previous["Type"] != kind:
            change = Change("replace", new, logical_id, kind, ("Type",), ("Type",))
            why = "a resource cannot change its type under the same logical id"
            yield dataclasses.replace(change, refusals=(why,))
        elif differing := tuple(_differing(previous, resource)):
            change = Change("update", new, logical_id, kind, differing)
            yield _judged(change, previous, resource, schemas(kind))
    for logical_id, resource in known.items():
        if logical_id not in new.resources:
            assert old
            yield _deleted(old, logical_id, resource)


def _judged(change: Change, old: Resource, new: Resource, creation: Creation) -> Change:
    """An update, or the replacement that the schema makes of it."""
    before, after = old.get("Properties", {}), new.get("Properties", {})
    forced = tuple(path for path in creation.only if _at(before, path) != _at(after, path))
    if forced:
        return _replaced(change, forced, old, new, creation)
    maybe = tuple(path for path in creation.conditional if _at(before, path) != _at(after, path))
    if maybe or not creation.known:
        kept = old.get("UpdateReplacePolicy") == "Retain"
        return dataclasses.replace(change, kind="may replace", forced_by=maybe, kept=kept)
    return change


def _replaced(
    change: Change, forced: tuple[str, ...], old: Resource, new: Resource, creation: Creation
) -> Change:
    return dataclasses.replace(
        change,
        kind="replace",
        forced_by=forced,
        kept=old.get("UpdateReplacePolicy") == "Retain",
        refusals=_clash(_identity(new, creation), _identity(old, creation)),
    )


def _deleted(stack: Stack, logical_id: str, resource: Resource) -> Change:
    kept = resource.get("DeletionPolicy", "Delete").startswith("Retain")
    return Change("delete", stack, logical_id, resource["Type"], kept=kept)


def _identity(resource: Resource, creation: Creation) -> tuple[str, ...]:
    """The name that a resource is given, when it is given one and it is spelled out."""
    names = [_at(resource.get("Properties", {}), path) for path in creation.identity]
    return tuple(names) if all(isinstance(name, str) for name in names) else ()


def _clash(new: tuple[str, ...], old: tuple[str, ...]) -> tuple[str, ...]:
    if not new or new != old:
        return ()
    return (f"the new one is made before the old one goes, and both are named `{', '.join(new)}`",)


def _differing(previous: Resource, resource: Resource) -> Iterator[str]:
    """Names of properties, and of the attributes beside them, that are not the same."""
    old, new = previous.get("Properties", {}), resource.get("Properties", {})
    for name in sorted({*old, *new}):
        if old.get(name, _MISSING) != new.get(name, _MISSING):
            yield name
    for name in ("DeletionPolicy", "UpdateReplacePolicy", "UpdatePolicy"):
        if previous.get(name) != resource.get(name):
            yield name


def _at(properties: Any, path: str) -> Any:
    """The value at a schema's path; `*` is every element of a list."""
    value = properties
    steps = path.split("/")
    for index, step in enumerate(steps):
        if isinstance(value, list):
            rest = "/".join(steps[index + 1 :] if step == "*" else steps[index:])
            return [_at(each, rest) if rest else each for each in value]
        if not isinstance(value, Mapping) or step not in value:
            return None
        value = value[step]
    return value


def _follow(found: dict[_Place, Change], head: Region, schemas: Schemas) -> None:
    """Let replacements spread along references until nothing is added."""
    waiting = [place for place, change in found.items() if change.kind == "replace"]
    stacks = {stack.name: stack for stack in head.stacks}
    while waiting:
        name, replaced = waiting.pop()
        stack = stacks.get(name)
        if stack is None:
            continue
        for logical_id, resource in stack.resources.items():
            place = (name, logical_id)
            change = found.get(place)
            if logical_id == replaced or (change and change.kind in ("add", "replace")):
                continue
            properties = resource.get("Properties", {})
            touched = tuple(key for key in properties if replaced in set(_refers(properties[key])))
            if not touched:
                continue
            creation = schemas(resource["Type"])
            forced = tuple(
                path for path in creation.only if replaced in set(_refers(_at(properties, path)))
            )
            if change and change.kind == "may replace" and not forced:
                continue
            known = change.properties if change else ()
            update = Change(
                "update", stack, logical_id, resource["Type"], tuple(sorted({*known, *touched}))
            )
            found[place] = (
                _replaced(update, forced, resource, resource, creation) if forced else update
            )
            if forced:
                waiting.append(place)


def _moves(
    found: dict[_Place, Change], before: Mapping[str, Stack], head: Region, schemas: Schemas
) -> None:
    """Refuse an addition that takes the name of what the same deployment deletes or keeps."""
    stacks = {stack.name: stack for stack in head.stacks}
    deleted = {
        (change.resource_type, identity)
        for (name, logical_id), change in found.items()
        if change.kind == "delete"
        and (
            identity := _identity(before[name].resources[logical_id], schemas(change.resource_type))
        )
    }
    for place, change in found.items():
        if change.kind == "add":
            resource = stacks[place[0]].resources[place[1]]
            identity = _identity(resource, schemas(change.resource_type))
            if (change.resource_type, identity) in deleted:
                found[place] = dataclasses.replace(change, refusals=_clash(identity, identity))


def _exports(found: dict[_Place, Change], head: Region) -> None:
    """Refuse to replace what another stack imports."""
    imports = {each.name: set(_imports(each.template.get("Resources", {}))) for each in head.stacks}
    for stack in head.stacks:
        users: dict[str, set[str]] = {}
        for output in stack.template.get("Outputs", {}).values():
            name = output.get("Export", {}).get("Name")
            importing = {other for other, imported in imports.items() if name in imported}
            for logical_id in set(_refers(output["Value"])):
                users.setdefault(logical_id, set()).update(importing)
        for logical_id, importing in users.items():
            change = found.get((stack.name, logical_id))
            if importing and change and change.kind == "replace":
                why = f"its old value is in use by {', '.join(sorted(importing))}"
                refusals = (*change.refusals, why)
                found[stack.name, logical_id] = dataclasses.replace(change, refusals=refusals)


def _refers(value: Any) -> Iterator[str]:
    """Every logical id that a value refers to."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "Ref":
                yield str(inner)
            elif key == "Fn::GetAtt":
                yield str(inner[0] if isinstance(inner, list) else inner.partition(".")[0])
            else:
                yield from _refers(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _refers(inner)


def _imports(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "Fn::ImportValue":
                yield str(inner)
            else:
                yield from _imports(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _imports(inner)
