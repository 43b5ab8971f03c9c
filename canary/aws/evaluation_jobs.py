"""Automatic evaluation jobs of Bedrock: started on the golden set, read where they put results.

A result is one JSON line a prompt, under `{output}/{job name}/{job id}/models/...`:
`{"automatedEvaluationResult": {"scores": [{"metricName", "result"}]}, "inputRecord",
"modelResponses": [{"response", "modelIdentifier"}]}` (Bedrock's user guide, "Understand how the
results of your model evaluation job are saved in Amazon S3"). `Accuracy` of task Summarization is
a BERTScore. The page gives two forms of the file's name; both end in `.jsonl`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from canary.quality.offline.golden import GoldenPrompt

__all__ = ["Evaluated", "EvaluationError", "mean_score", "read_job", "start_job"]

METRIC = "Accuracy"
_BUILT_IN = "Builtin."
"""A prefix of the metric in requests; in results it has been seen with and without."""


class EvaluationError(RuntimeError):
    """A job that has no complete result: the gate has no score then."""


@dataclass(frozen=True)
class Evaluated:
    """A model's answer to one prompt, and its BERTScore, 0 to 1."""

    answer: str
    score: float


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
    as. Asked again with the same name, Bedrock starts nothing and names the same job.
    """
    key = f"evaluation/{name}/prompts.jsonl"
    lines = (
        json.dumps(
            {"prompt": p.asked, "referenceResponse": p.reference, "category": p.intent},
            ensure_ascii=False,
        )
        for p in prompts
    )
    s3.put_object(Bucket=bucket, Key=key, Body="\n".join(lines).encode())
    answer = bedrock.create_evaluation_job(
        jobName=name,
        clientRequestToken=name,
        roleArn=role_arn,
        applicationType="ModelEvaluation",
        evaluationConfig={
            "automated": {
                "datasetMetricConfigs": [
                    {
                        "taskType": "Summarization",
                        "dataset": {
                            "name": "golden",
                            "datasetLocation": {"s3Uri": f"s3://{bucket}/{key}"},
                        },
                        "metricNames": [f"{_BUILT_IN}{METRIC}"],
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
) -> tuple[Evaluated, ...]:
    """The results of a completed job of that model, in the order of just these prompts.

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
    found = _by_prompt(_lines(s3, bucket, f"{prefix}/models/"), job_arn)
    if missing := [each.asked for each in prompts if each.asked not in found]:
        raise EvaluationError(f"{job_arn}: no score for {len(missing)} of {len(prompts)} prompts")
    return tuple(found[each.asked] for each in prompts)


def mean_score(results: Sequence[Evaluated]) -> float:
    """The mean BERTScore of a job's results, of which there is at least one."""
    return sum(each.score for each in results) / len(results)


def _lines(s3: Any, bucket: str, prefix: str) -> Iterable[str]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", ()):
            if item["Key"].endswith(".jsonl"):
                body = s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
                yield from body.decode("utf-8", "replace").splitlines()


def _by_prompt(lines: Iterable[str], job_arn: str) -> Mapping[str, Evaluated]:
    """By what was asked. Raises `EvaluationError` where a prompt has two different results."""
    found: dict[str, Evaluated] = {}
    for line in lines:
        try:
            prompt, result = _result(json.loads(line))
        except (ValueError, LookupError, TypeError, StopIteration) as error:
            raise EvaluationError(f"{job_arn}: a result has no score: {error!r}") from error
        if found.setdefault(prompt, result) != result:
            raise EvaluationError(f"{job_arn}: a prompt has two results: {prompt[-80:]!r}")
    return found


def _result(record: Any) -> tuple[str, Evaluated]:
    scores = record["automatedEvaluationResult"]["scores"]
    score = next(
        float(each["result"])
        for each in scores
        if str(each["metricName"]).removeprefix(_BUILT_IN) == METRIC
    )
    if not math.isfinite(score):
        raise ValueError(f"score {score}")
    response = record["modelResponses"][0]["response"]
    return str(record["inputRecord"]["prompt"]), Evaluated(str(response or ""), score)
