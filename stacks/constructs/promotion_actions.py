"""The three actions of the promotion pipeline: the report, a person's answer, the task token."""

from __future__ import annotations

import json
from typing import Any

from aws_cdk import aws_codepipeline as codepipeline

__all__ = ["approval", "confirm", "source"]

Action = codepipeline.CfnPipeline.ActionDeclarationProperty
_MINUTE = 60
_SHORTEST_MINUTES, _LONGEST_MINUTES = 5, 86_400
"""What CodePipeline lets a manual approval wait."""


def source(reports: str) -> Action:
    """Read, of bucket `reports`, the object and version that an execution is started with.

    The key written here is never written to.
    """
    return _action(
        "Report",
        ("Source", "S3"),
        {
            "S3Bucket": reports,
            "S3ObjectKey": "reports/none.html",
            "PollForSourceChanges": "false",
            "AllowOverrideForS3ObjectKey": "true",
        },
        namespace="Report",
        output_artifacts=[codepipeline.CfnPipeline.OutputArtifactProperty(name="Report")],
    )


def approval(reports: str, topic_arn: str, region: str, *, seconds: int) -> Action:
    """Wait so long for a person, who is told by the topic and finds the report by a link.

    Raises `ValueError` for a time that CodePipeline does not wait. Whoever opens the link needs
    access to the bucket: the report is not public.
    """
    return _action(
        "Approval",
        ("Approval", "Manual"),
        {
            "NotificationArn": topic_arn,
            "CustomData": "Release #{variables.release_id} passed every test at the last stage. "
            "Approving sends all traffic to its candidate; rejecting holds it where it is.",
            "ExternalEntityLink": f"https://{region}.console.aws.amazon.com/s3/object/{reports}"
            f"?region={region}&prefix=#{{Report.ObjectKey}}&versionId=#{{Report.VersionId}}",
        },
        timeout_in_minutes=_minutes(seconds),
    )


def confirm(function_name: str) -> Action:
    """Call the function by its name (the action takes no alias) with the release and execution."""
    asked = {
        "release_id": "#{variables.release_id}",
        "execution_id": "#{codepipeline.PipelineExecutionId}",
    }
    return _action(
        "Confirm",
        ("Invoke", "Lambda"),
        {"FunctionName": function_name, "UserParameters": json.dumps(asked)},
    )


def _action(name: str, kind: tuple[str, str], configuration: dict[str, str], **more: Any) -> Action:
    category, provider = kind
    return Action(
        name=name,
        action_type_id=codepipeline.CfnPipeline.ActionTypeIdProperty(
            category=category, owner="AWS", provider=provider, version="1"
        ),
        configuration=configuration,
        run_order=1,
        **more,
    )


def _minutes(seconds: int) -> int:
    minutes = -(-seconds // _MINUTE)
    if not _SHORTEST_MINUTES <= minutes <= _LONGEST_MINUTES:
        raise ValueError(
            f"promotion.approval: {minutes} min; CodePipeline waits {_SHORTEST_MINUTES} min to "
            f"{_LONGEST_MINUTES // 1440} days for a manual approval"
        )
    return minutes
