"""CodePipeline: pipelines by name."""

from __future__ import annotations

from canary.local.cloudformation import Made, Request, handles


@handles(
    "AWS::CodePipeline::Pipeline",
    "not run",
    "nothing builds or pushes an image here; what it would deploy is deployed by CodeDeploy's own "
    "API",
    name_property="Name",
)
def pipeline(request: Request) -> Made:
    """A pipeline that nothing starts."""
    return Made(request.name, {"Version": "1"})
