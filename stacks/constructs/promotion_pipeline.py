"""The pipeline in which a person decides whether the candidate takes all traffic."""

from __future__ import annotations

import json
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.constructs.approval_functions import ApprovalFunctions
from stacks.constructs.bucket import PrivateBucket
from stacks.constructs.pipeline_role import PipelineRole
from stacks.constructs.topics import Topics
from stacks.names import PROMOTION

__all__ = ["PromotionPipeline"]

_MINUTE = 60
_SHORTEST_MINUTES, _LONGEST_MINUTES = 5, 86_400
"""What CodePipeline lets a manual approval wait."""
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
        self._functions = functions
        self._reports = reports
        self._topic = topics.ml_engineers
        self._minutes = _approval_minutes(approval_seconds)
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
            action=functions.confirm.function,
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
                self._stage("Source", self._source()),
                self._stage("Approval", self._approval()),
                self._stage("Confirm", self._confirm()),
            ],
        )
        self.pipeline.node.add_dependency(role)
        self._tell_how_else_it_ended()

    def _stage(
        self, name: str, action: codepipeline.CfnPipeline.ActionDeclarationProperty
    ) -> codepipeline.CfnPipeline.StageDeclarationProperty:
        return codepipeline.CfnPipeline.StageDeclarationProperty(name=name, actions=[action])

    def _source(self) -> codepipeline.CfnPipeline.ActionDeclarationProperty:
        """Reads the object and version it is started with; the key here is never written."""
        return _action(
            "Report",
            ("Source", "S3"),
            {
                "S3Bucket": self._reports.bucket_name,
                "S3ObjectKey": "reports/none.html",
                "PollForSourceChanges": "false",
                "AllowOverrideForS3ObjectKey": "true",
            },
            namespace="Report",
            output_artifacts=[codepipeline.CfnPipeline.OutputArtifactProperty(name="Report")],
        )

    def _approval(self) -> codepipeline.CfnPipeline.ActionDeclarationProperty:
        region = cdk.Stack.of(self).region
        return _action(
            "Approval",
            ("Approval", "Manual"),
            {
                "NotificationArn": self._topic.topic_arn,
                "CustomData": "Release #{variables.release_id} passed every test at the last "
                "stage. Approving sends all traffic to its candidate; rejecting holds it "
                "where it is.",
                # Whoever opens it needs access to the bucket: the report is not public.
                "ExternalEntityLink": f"https://{region}.console.aws.amazon.com/s3/object/"
                f"{self._reports.bucket_name}?region={region}&prefix=#{{Report.ObjectKey}}"
                "&versionId=#{Report.VersionId}",
            },
            timeout_in_minutes=self._minutes,
        )

    def _confirm(self) -> codepipeline.CfnPipeline.ActionDeclarationProperty:
        """Calls the function by its name: CodePipeline's action takes no alias."""
        asked = {
            "release_id": "#{variables.release_id}",
            "execution_id": "#{codepipeline.PipelineExecutionId}",
        }
        return _action(
            "Confirm",
            ("Invoke", "Lambda"),
            {
                "FunctionName": self._functions.confirm.function.function_name,
                "UserParameters": json.dumps(asked),
            },
        )

    def _tell_how_else_it_ended(self) -> None:
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
            targets=[targets.LambdaFunction(self._functions.deny.alias)],
        )


def _action(
    name: str, kind: tuple[str, str], configuration: dict[str, str], **more: Any
) -> codepipeline.CfnPipeline.ActionDeclarationProperty:
    category, provider = kind
    return codepipeline.CfnPipeline.ActionDeclarationProperty(
        name=name,
        action_type_id=codepipeline.CfnPipeline.ActionTypeIdProperty(
            category=category, owner="AWS", provider=provider, version="1"
        ),
        configuration=configuration,
        run_order=1,
        **more,
    )


def _approval_minutes(seconds: int) -> int:
    """The policy's time for an answer in whole minutes; `ValueError` beyond CodePipeline's."""
    minutes = -(-seconds // _MINUTE)
    if not _SHORTEST_MINUTES <= minutes <= _LONGEST_MINUTES:
        raise ValueError(
            f"promotion.approval: {minutes} min; CodePipeline waits {_SHORTEST_MINUTES} min to "
            f"{_LONGEST_MINUTES // 1440} days for a manual approval"
        )
    return minutes
