"""The role that Bedrock's evaluation jobs work as, and what the function may that starts them."""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from canary.policy.compiled import Model
from stacks.acknowledge import acknowledge
from stacks.constructs.model_access import model_access, model_arns
from stacks.constructs.permissions import Permission

__all__ = ["EVALUATION", "EvaluationRole"]

EVALUATION = "evaluation/"
"""Where in the bucket of reports prompts, results and verdicts lie."""
_JOB_NAMED = "A job's files are named after the job, which is not known beforehand."
_JOB_ID = "Bedrock makes up a job's id."


class EvaluationRole(Construct):
    """Asks the policy's models, reads prompts and writes results below `EVALUATION`; no more.

    Prompts and answers are the golden set's and hold nothing of a customer, so that the keys of S3
    and of Bedrock encrypt them: there is no key of ours to give away.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, bucket: s3.IBucket, models: Sequence[Model]
    ) -> None:
        super().__init__(scope, construct_id)
        self._bucket = bucket
        stack = cdk.Stack.of(self)
        self._jobs = stack.format_arn(
            service="bedrock", resource="evaluation-job", resource_name="*"
        )
        self._models = model_arns(self, models)
        self.role = iam.Role(
            self,
            "Role",
            description="What Bedrock evaluates the golden set as",
            assumed_by=iam.PrincipalWithConditions(
                iam.ServicePrincipal("bedrock.amazonaws.com"),
                {
                    "StringEquals": {"aws:SourceAccount": stack.account},
                    "ArnLike": {"aws:SourceArn": self._jobs},
                },
            ),
        )
        for statement in (*model_access(self, models), *self._files()):
            self.role.add_to_policy(statement)
        acknowledge(self.role, f"AwsSolutions-IAM5[Resource::{self._shown_files}]", _JOB_NAMED)

    def permissions(self) -> tuple[Permission, ...]:
        """Start, see and stop jobs as this role, and what is kept of them."""
        here, account = cdk.Stack.of(self).region, "<AWS::AccountId>"
        shown_jobs = f"arn:<AWS::Partition>:bedrock:{here}:{account}:evaluation-job/*"
        passing = iam.PolicyStatement(
            actions=["iam:PassRole"],
            resources=[self.role.role_arn],
            conditions={"StringEquals": {"iam:PassedToService": "bedrock.amazonaws.com"}},
        )
        return (
            Permission(passing),
            Permission(
                iam.PolicyStatement(
                    actions=["bedrock:CreateEvaluationJob"], resources=[*self._models, self._jobs]
                ),
                ((shown_jobs, _JOB_ID),),
            ),
            Permission(
                iam.PolicyStatement(
                    actions=["bedrock:GetEvaluationJob", "bedrock:StopEvaluationJob"],
                    resources=[self._jobs],
                ),
                ((shown_jobs, _JOB_ID),),
            ),
            Permission(self._list()),
            Permission(
                iam.PolicyStatement(
                    actions=["s3:GetObject", "s3:PutObject"],
                    resources=[self._bucket.arn_for_objects(f"{EVALUATION}*")],
                ),
                ((self._shown_files, _JOB_NAMED),),
            ),
        )

    @property
    def _shown_files(self) -> str:
        owner = cdk.Stack.of(self._bucket)
        arn = owner.resolve(owner.export_value(self._bucket.bucket_arn))["Fn::ImportValue"]
        return f"{arn}/{EVALUATION}*"

    def _list(self) -> iam.PolicyStatement:
        return iam.PolicyStatement(
            actions=["s3:ListBucket"],
            resources=[self._bucket.bucket_arn],
            conditions={"StringLike": {"s3:prefix": f"{EVALUATION}*"}},
        )

    def _files(self) -> tuple[iam.PolicyStatement, ...]:
        return (
            self._list(),
            iam.PolicyStatement(
                actions=["s3:GetBucketLocation", "s3:ListBucketMultipartUploads"],
                resources=[self._bucket.bucket_arn],
            ),
            iam.PolicyStatement(
                actions=["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
                resources=[self._bucket.arn_for_objects(f"{EVALUATION}*")],
            ),
        )
