"""Which models a task may call: those of the policy, where a profile sends them too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from canary.policy.compiled import Model

__all__ = ["model_access", "model_arns"]


_ACTIONS = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]


def model_access(scope: Construct, models: Sequence[Model]) -> Iterator[iam.PolicyStatement]:
    """Statements that allow exactly `models` from the region of `scope`.

    A cross-region profile is invoked here and answered elsewhere, so its caller needs the profile
    and the model in every destination; there the model may be reached through the profile alone
    (https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-prereq.html).
    """
    region = cdk.Stack.of(scope).region
    own = [_model_arn(region, model) for model in models if not model.destinations]
    if own:
        yield iam.PolicyStatement(actions=_ACTIONS, resources=own)
    for model in models:
        if model.destinations:
            account = f"arn:{cdk.Aws.PARTITION}:bedrock:{region}:{cdk.Aws.ACCOUNT_ID}"
            profile = f"{account}:inference-profile/{model.id}"
            yield iam.PolicyStatement(actions=_ACTIONS, resources=[profile])
            yield iam.PolicyStatement(
                actions=_ACTIONS,
                resources=[_model_arn(name, model) for name in model.destinations],
                conditions={"StringEquals": {"bedrock:InferenceProfileArn": profile}},
            )


def model_arns(scope: Construct, models: Sequence[Model]) -> list[str]:
    """Every foundation model and inference profile behind `models`, wherever it answers."""
    region = cdk.Stack.of(scope).region
    found: dict[str, None] = {}
    for model in models:
        for place in model.destinations or (region,):
            found[_model_arn(place, model)] = None
        if model.destinations:
            account = f"arn:{cdk.Aws.PARTITION}:bedrock:{region}:{cdk.Aws.ACCOUNT_ID}"
            found[f"{account}:inference-profile/{model.id}"] = None
    return list(found)


def _model_arn(region: str, model: Model) -> str:
    return f"arn:{cdk.Aws.PARTITION}:bedrock:{region}::foundation-model/{model.foundation_model}"
