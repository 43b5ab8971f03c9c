"""Where a permission reaches further than one named resource, and what forces it.

An entry that no template needs any more fails the test as a missing one does.
"""

from __future__ import annotations

__all__ = ["ACTIONS", "ANY_RESOURCE", "FAMILIES", "MANAGED"]

_AUTHORIZATION = "https://docs.aws.amazon.com/service-authorization/latest/reference/list_"
_METRICS = f"{_AUTHORIZATION}amazoncloudwatch.html"
_BALANCERS = f"{_AUTHORIZATION}awselasticloadbalancingv2.html"
_PIPELINES = f"{_AUTHORIZATION}awscodepipeline.html"
_SCALING = f"{_AUTHORIZATION}awsapplicationautoscaling.html"
_LOGS = "https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html"
_TRACES = f"{_AUTHORIZATION}awsx-ray.html"

ANY_RESOURCE = {
    "application-autoscaling:DescribeScalableTargets": _SCALING,
    "cloudwatch:DescribeAlarms": (
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html"
    ),
    "cloudwatch:GetMetricData": _METRICS,
    "cloudwatch:PutMetricData": _METRICS,
    "codedeploy:PutLifecycleEventHookExecutionStatus": f"{_AUTHORIZATION}awscodedeploy.html",
    "codepipeline:PutJobFailureResult": _PIPELINES,
    "codepipeline:PutJobSuccessResult": _PIPELINES,
    "ec2:DescribeNetworkInterfaces": f"{_AUTHORIZATION}amazonec2.html",
    "ecr:GetAuthorizationToken": f"{_AUTHORIZATION}amazonelasticcontainerregistry.html",
    "ecs:DescribeTaskDefinition": f"{_AUTHORIZATION}amazonelasticcontainerservice.html",
    "ecs:ListTasks": f"{_AUTHORIZATION}amazonelasticcontainerservice.html",
    "elasticloadbalancing:DescribeListeners": _BALANCERS,
    "elasticloadbalancing:DescribeRules": _BALANCERS,
    "elasticloadbalancing:DescribeTargetGroups": _BALANCERS,
    "elasticloadbalancing:DescribeTargetHealth": _BALANCERS,
    "lambda:ListFunctions": f"{_AUTHORIZATION}awslambda.html",
    "logs:CreateLogDelivery": _LOGS,
    "logs:DeleteLogDelivery": _LOGS,
    "logs:DescribeLogGroups": _LOGS,
    "logs:DescribeResourcePolicies": _LOGS,
    "logs:GetLogDelivery": _LOGS,
    "logs:ListLogDeliveries": _LOGS,
    "logs:PutResourcePolicy": _LOGS,
    "logs:UpdateLogDelivery": _LOGS,
    "xray:GetSamplingRules": _TRACES,
    "xray:GetSamplingTargets": _TRACES,
    "xray:PutTelemetryRecords": _TRACES,
    "xray:PutTraceSegments": _TRACES,
}
"""Actions on `*`, each with the page that says that it knows no narrower resource."""

FAMILIES = {
    r"arn:aws:application-autoscaling:[a-z0-9-]+:\{account\}:scalable-target/\*": (
        "the service makes up a target's id; conditions name ECS and its desired count"
    ),
    r"arn:aws:cloudformation:[a-z0-9-]+:\{account\}:stack/mangaassist-[a-z]+/\*": (
        "CloudFormation makes up the end of a stack's ARN"
    ),
    r"arn:aws:ec2:[a-z0-9-]+:\{account\}:\*/\*": "Lambda makes the interfaces and names them",
    r"arn:aws:ecs:[a-z0-9-]+:\{account\}:task-set/mangaassist/(api|gateway)/\*": (
        "a task set's id is new with each replacement"
    ),
    r"arn:aws:states:[a-z0-9-]+:\{account\}:execution:canary-release:\*": (
        "an execution's name is its release's id"
    ),
    r"Events/Bucket/(days|events|results|undelivered)/\*": (
        "files by date and test, results by their query's id"
    ),
    r"AccessLogs/Bucket/[a-z0-9/-]+/(AWSLogs/\{account\}/)?\*": "logs by date, one prefix a sender",
    r"canary-(deploy-guard|publish-image|seed|steady-state):\*": (
        "the CDK's provider framework invokes its handler in any version"
    ),
    r"Reports/Bucket/reports/\*\.(html|json)": "a report is named after its release",
    r"arn:aws:bedrock:[a-z0-9-]+:\{account\}:evaluation-job/\*": "Bedrock makes up a job's id",
    r"Reports/Bucket/evaluation/\*": "prompts, results and verdicts, named after jobs and releases",
    r"Reports/Bucket/looks/\*\.json\.gz": "a look is named after its release and its moment",
    r"arn:aws:ecs:[a-z0-9-]+:\{account\}:task-definition/mangaassist-api:\*": (
        "a revision's number is not known before it is registered"
    ),
    r"Images/ImageArtifacts/Bucket/\*": "CodePipeline names each artifact by itself",
    r"Promotion/Artifacts/Bucket/\*": "CodePipeline names each artifact by itself",
}
"""Families of resources (patterns), each with what keeps its members from being named."""

ACTIONS = {
    "kms:*": "https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html",
    "kms:ReEncrypt*": (
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html"
    ),
    "kms:GenerateDataKey*": ("https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html"),
}
"""Families of actions that something is allowed; denying them needs no page."""

MANAGED = {
    "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole": (
        "the CDK's provider framework makes its role with it"
    ),
}
"""Managed policies, which grow without asking."""
