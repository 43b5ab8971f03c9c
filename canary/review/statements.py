"""Every policy statement of a region: those of roles, those on resources, and Lambda's own kind."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from canary.review.assembly import Region, Stack
from canary.review.names import Names

__all__ = ["ITSELF", "Holder", "Statement", "holders", "on_resources", "statements_of"]

ITSELF = "itself"
"""What `*` means in a key's own policy."""
_ON_RESOURCES = {
    "AWS::S3::BucketPolicy": ("Bucket", "PolicyDocument"),
    "AWS::SQS::QueuePolicy": ("Queues", "PolicyDocument"),
    "AWS::SNS::TopicPolicy": ("Topics", "PolicyDocument"),
    "AWS::KMS::Key": ("", "KeyPolicy"),
    "AWS::SecretsManager::ResourcePolicy": ("SecretId", "ResourcePolicy"),
    "AWS::Logs::ResourcePolicy": ("", "PolicyDocument"),
    "AWS::EC2::VPCEndpoint": ("", "PolicyDocument"),
    "AWS::ECR::Repository": ("", "RepositoryPolicyText"),
    "AWS::DynamoDB::Table": ("", "ResourcePolicy"),
}
"""Types that carry a policy: the property that names its subject, and the one that is it."""


@dataclass(frozen=True)
class Statement:
    """One statement; `resources` keep the template's values beside the words for them."""

    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    principals: tuple[str, ...] = ()
    all_but_actions: bool = False
    raw_resources: tuple[Any, ...] = field(default=(), compare=False)
    raw_conditions: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def allows(self) -> bool:
        """Whether it gives something."""
        return self.effect == "Allow"


@dataclass(frozen=True)
class Holder:
    """A role: who may take it, which managed policies it has, and its statements."""

    stack: Stack
    logical_id: str
    name: str
    trusted: tuple[str, ...]
    managed: tuple[str, ...]
    statements: tuple[Statement, ...]
    used_by: tuple[str, ...] = ()


def holders(region: Region, names: Names) -> list[Holder]:
    """Every role of a region, in the order of stacks and names."""
    attached, users = _attached(region, names), _users(region, names)
    found = []
    for stack, logical_id, resource in region.of_type("AWS::IAM::Role"):
        properties = resource["Properties"]
        trust = statements_of(properties["AssumeRolePolicyDocument"], stack, names)
        documents = [
            *(each["PolicyDocument"] for each in properties.get("Policies", ())),
            *attached[stack.name, logical_id],
        ]
        found.append(
            Holder(
                stack=stack,
                logical_id=logical_id,
                name=names.short(stack, logical_id),
                trusted=tuple(sorted({name for each in trust for name in each.principals})),
                managed=tuple(
                    names.text(stack, arn) for arn in properties.get("ManagedPolicyArns", ())
                ),
                statements=tuple(
                    statement
                    for document in documents
                    for statement in statements_of(document, stack, names)
                ),
                used_by=tuple(sorted(set(users[stack.name, logical_id]))),
            )
        )
    return found


def on_resources(region: Region, names: Names) -> list[tuple[str, tuple[Statement, ...]]]:
    """The policies that stand on resources: what each is about, with its statements."""
    found = []
    for stack in region.stacks:
        for logical_id, resource in stack.resources.items():
            place = _ON_RESOURCES.get(resource["Type"])
            document = resource.get("Properties", {}).get(place[1]) if place else None
            if place and document:
                named = resource["Properties"].get(place[0])
                subject = named[0] if isinstance(named, list) and len(named) == 1 else named
                target = names.target(stack, subject) if subject else (stack, logical_id)
                label = names.label(*target) if target else names.text(stack, subject)
                document = document.get("PolicyDocument", document)
                statements = tuple(statements_of(document, stack, names))
                if resource["Type"] == "AWS::KMS::Key":
                    statements = tuple(map(_of_itself, statements))
                found.append((label, statements))
    found += _permissions(region, names)
    return sorted(found, key=lambda each: each[0])


def statements_of(document: Mapping[str, Any], stack: Stack, names: Names) -> Iterator[Statement]:
    """The statements of one policy document."""
    for each in _list(document.get("Statement", ())):
        resources = _list(each.get("Resource", ()))
        conditions = each.get("Condition", {})
        yield Statement(
            effect=each["Effect"],
            actions=tuple(_list(each.get("Action", each.get("NotAction", ())))),
            resources=tuple(names.here(names.text(stack, resource)) for resource in resources),
            conditions=tuple(_conditions(conditions, stack, names)),
            principals=tuple(_principals(each.get("Principal"), stack, names)),
            all_but_actions="NotAction" in each,
            raw_resources=tuple(resources),
            raw_conditions=conditions,
        )


def _of_itself(statement: Statement) -> Statement:
    every = statement.resources == ("*",)
    return dataclasses.replace(statement, resources=(ITSELF,)) if every else statement


def _attached(region: Region, names: Names) -> dict[tuple[str, str], list[Mapping[str, Any]]]:
    """By stack and role, the documents of the policies that stand beside the role."""
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
        for owner, _, policy in region.of_type(kind):
            for role in policy["Properties"].get("Roles", ()):
                if target := names.target(owner, role):
                    documents = found[target[0].name, target[1]]
                    documents.append(policy["Properties"]["PolicyDocument"])
    return found


def _users(region: Region, names: Names) -> dict[tuple[str, str], list[str]]:
    """By stack and role, who runs with it."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for owner in region.stacks:
        for user, resource in owner.resources.items():
            for key, value in _roles_in(resource.get("Properties", {})):
                if target := names.target(owner, value):
                    words = names.label(owner, user)
                    execution = key == "ExecutionRoleArn"
                    found[target[0].name, target[1]].append(
                        f"{words} (to start it)" if execution else words
                    )
    return found


def _roles_in(value: Any) -> Iterator[tuple[str, Any]]:
    """Every property that names a role, however deep."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key.endswith(("Role", "RoleArn", "RoleARN")):
                yield key, inner
            yield from _roles_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _roles_in(inner)


def _permissions(region: Region, names: Names) -> list[tuple[str, tuple[Statement, ...]]]:
    """Lambda's permissions, which are statements of a function's own policy."""
    found: list[tuple[str, tuple[Statement, ...]]] = []
    for stack, _, resource in region.of_type("AWS::Lambda::Permission"):
        properties = resource["Properties"]
        conditions = [
            f"{words} is {names.text(stack, properties[key])}"
            for key, words in (("SourceArn", "the source"), ("SourceAccount", "its account"))
            if key in properties
        ]
        target = names.target(stack, properties["FunctionName"])
        label = (
            names.label(*target) if target else f"`{names.text(stack, properties['FunctionName'])}`"
        )
        statement = Statement(
            effect="Allow",
            actions=(properties["Action"],),
            conditions=tuple(conditions),
            principals=(names.text(stack, properties["Principal"]),),
        )
        found.append((label, (statement,)))
    return found


def _conditions(conditions: Mapping[str, Any], stack: Stack, names: Names) -> Iterator[str]:
    for operator, tests in conditions.items():
        for key, value in tests.items():
            values = " or ".join(names.text(stack, each) for each in _list(value))
            yield f"{key} {_operator(operator)} {values}"


def _operator(operator: str) -> str:
    many = operator.rpartition(":")[0]
    plain = operator.rpartition(":")[2].removesuffix("IfExists")
    words = {
        "StringEquals": "is",
        "StringNotEquals": "is not",
        "StringLike": "is like",
        "ArnEquals": "is",
        "ArnLike": "is like",
        "Bool": "is",
        "NumericLessThan": "is below",
        "Null": "is absent:",
    }.get(plain, plain)
    words = f"(each value) {words}" if many == "ForAllValues" else words
    return f"(if there is one) {words}" if operator.endswith("IfExists") else words


def _principals(principal: Any, stack: Stack, names: Names) -> Iterator[str]:
    if principal is None:
        return
    if isinstance(principal, str):
        yield principal
        return
    for kind, values in principal.items():
        for value in _list(values):
            text = names.text(stack, value)
            own = kind == "AWS" and text == "arn:aws:iam::{account}:root"
            yield "this account" if own else text


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
