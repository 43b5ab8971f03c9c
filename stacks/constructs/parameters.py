"""The parameters: four that are seeded once and belong to the release, one that is owned."""

from __future__ import annotations

import json
from typing import Any

import aws_cdk as cdk
from aws_cdk import (
    aws_iam as iam,
)
from aws_cdk import (
    aws_s3_assets as assets,
)
from aws_cdk import (
    aws_ssm as ssm,
)
from constructs import Construct

from canary.policy.compiled import CompiledPolicy
from stacks.constructs.custom_function import CustomFunction
from stacks.constructs.permissions import Permission, parameter_arn
from stacks.names import PREFIX
from stacks.packaging import write_file

__all__ = ["PolicyParameter", "SeededParameters"]


class SeededParameters(Construct):
    """Writes the models, the assignment and the status if they do not exist, and never again.

    As resources they would be owned by value: a change of tags writes the template's value back,
    and with it the old model. A new region starts with `model` in both arms.
    """

    def __init__(self, scope: Construct, construct_id: str, *, model: str) -> None:
        super().__init__(scope, construct_id)
        values: dict[str, str] = {
            "control/model-id": model,
            "canary/model-id": model,
            "assignment": _compact({"active": False, "version": 0}),
            "status": _compact({"phase": "NONE"}),
        }
        seed = CustomFunction(
            self,
            "Seed",
            folder="seed",
            timeout_seconds=60,
            environment={},
            may=[
                Permission(
                    iam.PolicyStatement(
                        actions=["ssm:PutParameter"],
                        resources=[parameter_arn(self, name) for name in values],
                    )
                )
            ],
        )
        cdk.CustomResource(
            self,
            "Parameters",
            resource_type="Custom::SeededParameters",
            service_token=seed.service_token,
            properties={
                "Parameters": {f"{PREFIX}/{name}": value for name, value in values.items()}
            },
        )


class PolicyParameter(Construct):
    """The compiled policy as an object in S3, and the parameter that names it with its digest."""

    def __init__(self, scope: Construct, construct_id: str, *, policy: CompiledPolicy) -> None:
        super().__init__(scope, construct_id)
        path = write_file(f"policy/{policy.region}-{policy.digest[:16]}.json", policy.to_json())
        self.asset = assets.Asset(self, "Policy", path=str(path))
        ssm.StringParameter(
            self,
            "Parameter",
            parameter_name=f"{PREFIX}/policy",
            description="Digest and place of the compiled release policy",
            string_value=cdk.Stack.of(self).to_json_string(
                {
                    "digest": policy.digest,
                    "bucket": self.asset.s3_bucket_name,
                    "key": self.asset.s3_object_key,
                }
            ),
        )

    def may_read(self) -> Permission:
        """Permission to read the object that the parameter names."""
        place = f"{self.asset.bucket.bucket_arn}/{self.asset.s3_object_key}"
        return Permission(iam.PolicyStatement(actions=["s3:GetObject"], resources=[place]))


def _compact(value: dict[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
