"""Automatic evaluation jobs of Bedrock: started on the golden set, read where they put results.

A result is one JSON line a prompt, under `{output}/{job name}/{job id}/models/...`:
`{"automatedEvaluationResult": {"scores": [{"metricName", "result"}]}, "inputRecord",
"modelResponses": [{"response", "modelIdentifier"}]}` (Bedrock's user guide, "Understand how the
results of your model evaluation job are saved in Amazon S3"). `Accuracy` of task Summarization is
a BERTScore.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from canary.quality.offline.golden import GoldenPrompt

__all__ = ["EvaluationError", "read_job", "start_job"]

METRIC = "Accuracy"


class EvaluationError(RuntimeError):
    """A job that has no complete result: the gate has no score then."""


def start_job(
    bedrock: Any,
    s3: Any,
    *,
    name: str,
    model_id: str,
    role_arn: str,
    bucket: str,
    prompts: Sequence[GoldenPrompt],
) -> str:
    """Start a job that holds the model's answers against the references by BERTScore; its ARN.

    The prompts are put into `bucket`, where the results will lie; `role_arn` is what the job works
    as.
    """
    key = f"evaluation/{name}/prompts.jsonl"
    lines = (
        json.dumps(
            {"prompt": p.prompt, "referenceResponse": p.reference, "category": p.intent},
            ensure_ascii=False,
        )
        for p in prompts
    )
    s3.put_object(Bucket=bucket, Key=key, Body="\n".join(lines).encode())
    answer = bedrock.create_evaluation_job(
        jobName=name,
        roleArn=role_arn,
        evaluationConfig={
            "automated": {
                "datasetMetricConfigs": [
                    {
                        "taskType": "Summarization",
                        "dataset": {
                            "name": "golden",
                            "datasetLocation": {"s3Uri": f"s3://{bucket}/{key}"},
                        },
                        "metricNames": ["Builtin.Accuracy"],
                    }
                ]
            }
        },
        inferenceConfig={"models": [{"bedrockModel": {"modelIdentifier": model_id}}]},
        outputDataConfig={"s3Uri": f"s3://{bucket}/evaluation/"},
    )
    return str(answer["jobArn"])


def read_job(
    bedrock: Any, s3: Any, job_arn: str, *, model_id: str, prompts: Sequence[GoldenPrompt]
) -> float:
    """The mean BERTScore of a completed job of that model on just these prompts, 0 to 1.

    Raises `EvaluationError` for a job that is not completed, is of another model, or lacks a
    result for any prompt: part of a result must not look like all of it.
    """
    job = bedrock.get_evaluation_job(jobIdentifier=job_arn)
    if job["status"] != "Completed":
        why = "; ".join(job.get("failureMessages", ()))
        raise EvaluationError(f"{job_arn}: is {job['status']}, not Completed {why}".rstrip())
    models = [each["bedrockModel"]["modelIdentifier"] for each in job["inferenceConfig"]["models"]]
    if models != [model_id]:
        raise EvaluationError(f"{job_arn}: evaluates {', '.join(models)}, not {model_id}")
    location = job["outputDataConfig"]["s3Uri"].removeprefix("s3://").rstrip("/")
    bucket, _, place = location.partition("/")
    prefix = "/".join(part for part in (place, job["jobName"], job_arn.rsplit("/", 1)[-1]) if part)
    found = dict(_results(_lines(s3, bucket, f"{prefix}/"), job_arn))
    if missing := [each.prompt for each in prompts if each.prompt not in found]:
        raise EvaluationError(f"{job_arn}: no score for {len(missing)} of {len(prompts)} prompts")
    return sum(found[each.prompt] for each in prompts) / len(prompts)


def _lines(s3: Any, bucket: str, prefix: str) -> Iterable[str]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", ()):
            if item["Key"].endswith("_output.jsonl"):
                body = s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
                yield from body.decode().splitlines()


def _results(lines: Iterable[str], job_arn: str) -> Iterable[tuple[str, float]]:
    for line in lines:
        try:
            record = json.loads(line)
            scores = record["automatedEvaluationResult"]["scores"]
            score = next(float(s["result"]) for s in scores if s["metricName"] == METRIC)
            yield str(record["inputRecord"]["prompt"]), score
        except (ValueError, KeyError, TypeError, StopIteration) as error:
            raise EvaluationError(f"{job_arn}: a result has no score: {error!r}") from error
