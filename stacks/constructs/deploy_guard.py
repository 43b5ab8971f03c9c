"""Refuses a deploy that would change what a release in flight stands on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.custom_function import CustomFunction
from stacks.constructs.permissions import Permission

__all__ = ["DeployGuardFunction", "guard"]


class DeployGuardFunction(Construct):
    """The one function behind every stack's guard; it reads the release lock and its own items."""

    def __init__(self, scope: Construct, construct_id: str, *, releases: dynamodb.ITable) -> None:
        super().__init__(scope, construct_id)
        keys = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["LOCK#release", "GUARD#*"]}}
        self.service_token = CustomFunction(
            self,
            "Guard",
            folder="deploy_guard",
            timeout_seconds=30,
            environment={"RELEASES_TABLE": releases.table_name},
            may=[
                Permission(
                    iam.PolicyStatement(
                        actions=["dynamodb:GetItem", "dynamodb:PutItem"],
                        resources=[releases.table_arn],
                        conditions=keys,
                    )
                )
            ],
        ).service_token


def guard(stack: cdk.Stack, *, service_token: str, types: Collection[str]) -> None:
    """Guard every resource of those types that `stack` has by now; call it when all are there.

    Each depends on the guard, so CloudFormation asks it first. Its digest is of the resources'
    properties but for their tags: what does not change them never asks.
    """
    guarded = {
        stack.get_logical_id(each): each
        for each in stack.node.find_all()
        if isinstance(each, cdk.CfnResource) and each.cfn_resource_type in types
    }
    resource = cdk.CustomResource(
        stack,
        "DeployGuard",
        resource_type="Custom::DeployGuard",
        service_token=service_token,
        properties={
            "Stack": stack.stack_name,
            "Digest": _digest({name: _properties(each) for name, each in guarded.items()}),
        },
    )
    for each in guarded.values():
        each.node.add_dependency(resource)


def _properties(resource: cdk.CfnResource) -> dict[str, Any]:
    # Protected, but what a subclass of the CDK's own reads to know what it renders.
    found: dict[str, Any] = cdk.Stack.of(resource).resolve(resource._cfn_properties)  # noqa: SLF001
    return {name: value for name, value in found.items() if name != "tags"}


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]
