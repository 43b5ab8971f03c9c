"""The compiled policy: a parameter that names an object in S3, trusted by its digest."""

from __future__ import annotations

from typing import Any

from canary.aws.parameters import Parameters
from canary.policy.compiled import CompiledPolicy

__all__ = ["PolicyMismatchError", "load_policy"]


class PolicyMismatchError(RuntimeError):
    """The object is not the policy that the parameter names."""


def load_policy(parameters: Parameters, s3: Any) -> CompiledPolicy:
    """Read parameter `policy`, then its object; raises `PolicyMismatchError` on another digest."""
    place = parameters.get_json("policy")
    body = s3.get_object(Bucket=place["bucket"], Key=place["key"])["Body"].read()
    policy = CompiledPolicy.from_json(body.decode())
    if policy.digest != place["digest"]:
        raise PolicyMismatchError(
            f"s3://{place['bucket']}/{place['key']} has digest {policy.digest}, "
            f"the parameter says {place['digest']}"
        )
    return policy
