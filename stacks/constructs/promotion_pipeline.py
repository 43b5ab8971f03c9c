"""The pipeline in which a person decides whether the candidate takes all traffic."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.constructs import promotion_actions
from stacks.constructs.approval_functions import ApprovalFunctions
from stacks.constructs.bucket import PrivateBucket
from stacks.constructs.pipeline_role import PipelineRole
from stacks.constructs.topics import Topics
from stacks.names import PROMOTION

__all__ = ["PromotionPipeline"]

_KEEP_ARTIFACTS = cdk.Duration.days(90)
_ENDED_OTHERWISE = ["FAILED", "STOPPED", "CANCELED", "SUPERSEDED"]


class PromotionPipeline(Construct):
    """Pipeline `promotion`: the report, a person's answer, the task token back to the progression.

    It is an approval and no more; the days of a release live in the progression. Nothing triggers
    it: the progression starts it with the release's id and the report's own version. Executions
    queue, so that no release displaces another one that waits.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        functions: ApprovalFunctions,
        reports: s3.IBucket,
        access_logs: s3.IBucket,
        topics: Topics,
        approval_seconds: int,
    ) -> None:
        super().__init__(scope, construct_id)
        confirm = functions.confirm.function
        approval = promotion_actions.approval(
            reports.bucket_name,
            topics.ml_engineers.topic_arn,
            cdk.Stack.of(self).region,
            seconds=approval_seconds,
        )
        key = kms.Key(
            self,
            "Key",
            description="Artifacts of the promotion pipeline",
            enable_key_rotation=True,
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        artifacts = PrivateBucket(
            self, "Artifacts", keep=_KEEP_ARTIFACTS, access_logs=access_logs
        ).bucket
        role = PipelineRole(
            self,
            "Access",
            reports=reports,
            artifacts=artifacts,
            key=key,
            topics=topics,
            action=confirm,
        ).role
        self.pipeline = codepipeline.CfnPipeline(
            self,
            "Pipeline",
            name=PROMOTION,
            pipeline_type="V2",
            execution_mode="QUEUED",
            role_arn=role.role_arn,
            restart_execution_on_update=False,
            artifact_store=codepipeline.CfnPipeline.ArtifactStoreProperty(
                type="S3",
                location=artifacts.bucket_name,
                encryption_key=codepipeline.CfnPipeline.EncryptionKeyProperty(
                    id=key.key_arn, type="KMS"
                ),
            ),
            variables=[
                codepipeline.CfnPipeline.VariableDeclarationProperty(
                    name="release_id", description="The release that asks"
                )
            ],
            stages=[
                _stage("Source", promotion_actions.source(reports.bucket_name)),
                _stage("Approval", approval),
                _stage("Confirm", promotion_actions.confirm(confirm.function_name)),
            ],
        )
        self.pipeline.node.add_dependency(role)
        self._tell_how_else_it_ended(functions.deny.alias)

    def _tell_how_else_it_ended(self, deny: lambda_.IAlias) -> None:
        """A rejection ends an execution before any later action could tell of it."""
        events.Rule(
            self,
            "EndedOtherwise",
            description="A promotion that was rejected, stopped or not answered holds its release",
            event_pattern=events.EventPattern(
                source=["aws.codepipeline"],
                detail_type=["CodePipeline Pipeline Execution State Change"],
                detail={"pipeline": [PROMOTION], "state": _ENDED_OTHERWISE},
            ),
            targets=[targets.LambdaFunction(deny)],
        )


def _stage(
    name: str, action: codepipeline.CfnPipeline.ActionDeclarationProperty
) -> codepipeline.CfnPipeline.StageDeclarationProperty:
    return codepipeline.CfnPipeline.StageDeclarationProperty(name=name, actions=[action])
