"""The Bedrock guardrail that both arms' answers pass, and the version that tasks are pinned to."""

from __future__ import annotations

import hashlib
import json

import aws_cdk as cdk
from aws_cdk import aws_bedrock as bedrock
from aws_cdk import aws_iam as iam
from constructs import Construct

__all__ = ["ContentGuardrail"]

_STRENGTHS: dict[str, tuple[str, str]] = {
    "HATE": ("HIGH", "HIGH"),
    "INSULTS": ("MEDIUM", "HIGH"),
    "MISCONDUCT": ("MEDIUM", "HIGH"),
    "PROMPT_ATTACK": ("HIGH", "NONE"),
    "SEXUAL": ("MEDIUM", "HIGH"),
    "VIOLENCE": ("LOW", "MEDIUM"),
}
"""Input and output strength. Plots of manga are violent: customers must be able to talk of them.
An attack on the prompt exists on the way in only, and Bedrock takes no other value for it."""
_DECLINED = "I cannot help with that. Is there a manga I can find for you?"

_US = ("us-east-1", "us-east-2", "us-west-2")
_APAC = (
    *("ap-northeast-1", "ap-northeast-2", "ap-northeast-3"),
    *("ap-south-1", "ap-southeast-1", "ap-southeast-2"),
)
_PROFILES: dict[str, tuple[str, tuple[str, ...]]] = {
    **dict.fromkeys(_US, ("us.guardrail.v1:0", _US)),
    "ap-northeast-1": ("apac.guardrail.v1:0", _APAC),
}
"""A region's guardrail profile and where it sends text to be judged
(https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-cross-region-support.html)."""


class ContentGuardrail(Construct):
    """Filters for what a shop's assistant neither answers nor says, the same for both arms.

    Tier STANDARD where a profile is known: CLASSIC knows no Japanese. STANDARD judges text in the
    profile's regions; a region without an entry gets CLASSIC, which judges it where it is.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self._region = cdk.Stack.of(self).region
        profile, self._destinations = _PROFILES.get(self._region, ("", ()))
        self._profile = profile
        self._guardrail = bedrock.CfnGuardrail(
            self,
            "Guardrail",
            name="mangaassist",
            description="What MangaAssist neither answers nor says, in both arms",
            blocked_input_messaging=_DECLINED,
            blocked_outputs_messaging=_DECLINED,
            content_policy_config=bedrock.CfnGuardrail.ContentPolicyConfigProperty(
                filters_config=[
                    bedrock.CfnGuardrail.ContentFilterConfigProperty(
                        type=kind, input_strength=asked, output_strength=said
                    )
                    for kind, (asked, said) in _STRENGTHS.items()
                ],
                content_filters_tier_config=(
                    bedrock.CfnGuardrail.ContentFiltersTierConfigProperty(
                        tier_name="STANDARD" if profile else "CLASSIC"
                    )
                ),
            ),
            cross_region_config=(
                bedrock.CfnGuardrail.GuardrailCrossRegionConfigProperty(
                    guardrail_profile_arn=self._profile_arn(self._region)
                )
                if profile
                else None
            ),
        )
        # A version is a copy that never changes: other filters need another one, and so a new
        # description, which replaces it.
        self._version = bedrock.CfnGuardrailVersion(
            self,
            "Version",
            guardrail_identifier=self._guardrail.attr_guardrail_id,
            description=f"Filters {_digest(_STRENGTHS, _DECLINED, profile)}",
        )
        # Tasks that drain still call the version they started with.
        self._version.cfn_options.deletion_policy = cdk.CfnDeletionPolicy.DELETE
        self._version.cfn_options.update_replace_policy = cdk.CfnDeletionPolicy.RETAIN

    @property
    def environment(self) -> dict[str, str]:
        """What a task needs to have its calls judged."""
        return {
            "GUARDRAIL_ID": self._guardrail.attr_guardrail_id,
            "GUARDRAIL_VERSION": self._version.attr_version,
        }

    def may_apply(self) -> iam.PolicyStatement:
        """This guardrail alone, and its profile in each region that it judges text in.

        https://docs.aws.amazon.com/bedrock/latest/userguide/guardrail-profiles-permissions.html
        """
        return iam.PolicyStatement(
            actions=["bedrock:ApplyGuardrail"],
            resources=[
                self._guardrail.attr_guardrail_arn,
                *(self._profile_arn(region) for region in self._destinations),
            ],
        )

    def _profile_arn(self, region: str) -> str:
        owner = f"{region}:{cdk.Aws.ACCOUNT_ID}"
        return f"arn:{cdk.Aws.PARTITION}:bedrock:{owner}:guardrail-profile/{self._profile}"


def _digest(*configuration: object) -> str:
    return hashlib.sha256(json.dumps(configuration, sort_keys=True).encode()).hexdigest()[:12]
