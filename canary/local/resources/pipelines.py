"""CodePipeline: pipelines that the region's stand-in runs."""

from __future__ import annotations

from typing import Any

from canary.local.cloudformation import Made, Request, handles
from canary.local.shapes import to_request

_NOT_AN_API_PROPERTY = ("RestartExecutionOnUpdate", "DisableInboundStageTransitions", "Tags")


@handles(
    "AWS::CodePipeline::Pipeline",
    "stand-in",
    "S3 sources, manual approvals and Lambda actions run, with their events; an action of another "
    "kind fails; executions run one after the other, none at creation, and nothing triggers them",
    name_property="Name",
)
def pipeline(request: Request) -> Made:
    """A pipeline, created or with a new structure."""
    client = request.parts.emulator.client("codepipeline")
    wanted: dict[str, Any] = {**request.properties, "Name": request.name}
    declaration = {key: each for key, each in wanted.items() if key not in _NOT_AN_API_PROPERTY}
    if request.previous is None:
        answer = client.create_pipeline(
            **to_request(client, "create_pipeline", {"Pipeline": declaration})
        )
    else:
        answer = client.update_pipeline(
            **to_request(client, "update_pipeline", {"Pipeline": declaration})
        )
    return Made(request.name, {"Version": str(answer["pipeline"]["version"])})
