"""Bedrock's evaluation jobs in the embedded region: a model really answers, results lie in S3.

Automatic jobs of one model and one data set of the caller's own, as Bedrock's API reference has
them; a score is no BERTScore but what overlaps (`canary/bandits/overlap.py`). A job lasts as
long as its model's simulated latency.
"""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Protocol

from aiohttp import web

from canary.bandits.overlap import OverlapScorer
from canary.local.behaviour import World
from canary.local.clock import Clock
from canary.local.golden_answers import golden_answer
from canary.local.talk import Language

__all__ = ["EvaluationEndpoint", "Files", "S3Files"]

_AT_ONCE = 8
"""Calls of a model that a job has open, so that customers' calls do not wait behind it."""
_ATTEMPTS = 3
_NAME = re.compile(r"[a-z0-9](-*[a-z0-9]){0,62}")
_ACCOUNT = "123456789012"
_DONE = ("Completed", "Failed", "Stopped")


class Files(Protocol):
    """Where data sets and results lie."""

    def read(self, uri: str) -> str:
        """The text behind `s3://bucket/key`. Raises whatever the store raises."""

    def write(self, uri: str, text: str) -> None:
        """Write the text there."""


class S3Files:
    """The emulator's S3, by the settings of this process's environment."""

    @cached_property
    def _client(self) -> Any:
        import boto3  # half a second that no call of a model has to wait for

        return boto3.client("s3")

    def warm(self) -> None:
        """Make the client, which takes a while, before anybody waits for it."""
        _ = self._client

    def read(self, uri: str) -> str:
        """The text of an object."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return str(self._client.get_object(Bucket=bucket, Key=key)["Body"].read().decode())

    def write(self, uri: str, text: str) -> None:
        """Write an object."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        self._client.put_object(Bucket=bucket, Key=key, Body=text.encode())


@dataclass
class _Job:
    arn: str
    request: Mapping[str, Any]
    created: str
    status: str = "InProgress"
    failures: list[str] = field(default_factory=list)
    task: asyncio.Task[None] | None = None


class EvaluationEndpoint:
    """CreateEvaluationJob, GetEvaluationJob and StopEvaluationJob of one region."""

    def __init__(
        self, world: World, clock: Clock, language: Language, *, region: str, files: Files
    ) -> None:
        self._world = world
        self._clock = clock
        self._language = language
        self._region = region
        self._files = files
        self._jobs: dict[str, _Job] = {}

    def routes(self) -> list[web.RouteDef]:
        """What the application answers."""
        return [
            web.post("/evaluation-jobs", self.create),
            web.get("/evaluation-jobs/{job:.+}", self.get),
            web.post("/evaluation-job/{job:.+}/stop", self.stop),
        ]

    async def create(self, request: web.Request) -> web.Response:
        """Start a job; the same name and token start nothing and name the same job."""
        body = await request.json()
        if problem := _problem(body):
            return _failure(400, "ValidationException", problem)
        for known in self._jobs.values():
            if known.request["jobName"] == body["jobName"]:
                if known.request.get("clientRequestToken") == body.get("clientRequestToken"):
                    return web.json_response({"jobArn": known.arn}, status=202)
                return _failure(409, "ConflictException", f"{body['jobName']} exists already")
        arn = f"arn:aws:bedrock:{self._region}:{_ACCOUNT}:evaluation-job/{uuid.uuid4().hex[:12]}"
        created = datetime.fromtimestamp(self._clock.now(), UTC).isoformat()
        job = self._jobs[arn] = _Job(arn, body, created)
        job.task = asyncio.create_task(self._run(job))
        return web.json_response({"jobArn": arn}, status=202)

    async def get(self, request: web.Request) -> web.Response:
        """A job as it stands."""
        return await self._of_job(request, self._described)

    async def stop(self, request: web.Request) -> web.Response:
        """Stop a job that still runs."""
        return await self._of_job(request, self._stopped)

    async def _of_job(
        self, request: web.Request, then: Callable[[_Job], Awaitable[web.Response]]
    ) -> web.Response:
        job = self._jobs.get(request.match_info["job"])
        if job is None:
            return _failure(404, "ResourceNotFoundException", "There is no such evaluation job")
        return await then(job)

    async def _described(self, job: _Job) -> web.Response:
        kept = ("jobName", "roleArn", "evaluationConfig", "inferenceConfig", "outputDataConfig")
        return web.json_response(
            {
                **{name: job.request[name] for name in kept},
                "jobArn": job.arn,
                "status": job.status,
                "jobType": "Automated",
                "applicationType": "ModelEvaluation",
                "creationTime": job.created,
                "failureMessages": job.failures,
            }
        )

    async def _stopped(self, job: _Job) -> web.Response:
        if job.status in _DONE:
            return _failure(409, "ConflictException", f"The job is {job.status}")
        if job.task is not None:
            job.task.cancel()
        job.status = "Stopped"
        return web.json_response({})

    async def _run(self, job: _Job) -> None:
        try:
            await self._evaluate(job)
            job.status = "Completed"
        except Exception as error:  # noqa: BLE001 - whatever went wrong is the job's failure
            job.status, job.failures = "Failed", [str(error) or repr(error)]

    async def _evaluate(self, job: _Job) -> None:
        dataset = job.request["evaluationConfig"]["automated"]["datasetMetricConfigs"][0]
        model = job.request["inferenceConfig"]["models"][0]["bedrockModel"]["modelIdentifier"]
        text = await asyncio.to_thread(
            self._files.read, dataset["dataset"]["datasetLocation"]["s3Uri"]
        )
        records = [json.loads(line) for line in text.splitlines() if line.strip()]
        at_once = asyncio.Semaphore(_AT_ONCE)

        async def one(record: Mapping[str, Any]) -> str:
            async with at_once:
                said = await self._ask(model, str(record["prompt"]))
            return _result(record, said, model)

        lines = await asyncio.gather(*(one(each) for each in records))
        place = "/".join(
            (
                job.request["outputDataConfig"]["s3Uri"].rstrip("/"),
                *(job.request["jobName"], job.arn.rsplit("/", 1)[-1]),
                *("models", model, "taskTypes", dataset["taskType"]),
                *("datasets", dataset["dataset"]["name"], f"{uuid.uuid4()}_output.jsonl"),
            )
        )
        await asyncio.to_thread(self._files.write, place, "\n".join(lines))

    async def _ask(self, model: str, prompt: str) -> str:
        """The model's answer. Raises `RuntimeError` when it gives none, however often asked."""
        for attempt in range(1, _ATTEMPTS + 1):
            if self._world.model_down(model):
                break
            draw, said = golden_answer(self._world, model, prompt, self._language, attempt)
            await asyncio.sleep(self._clock.real_seconds(draw.latency_ms / 1000))
            if draw.kind not in ("error", "throttled"):
                return said
        raise RuntimeError(f"{model} did not answer in {_ATTEMPTS} attempts")


def _result(record: Mapping[str, Any], said: str, model: str) -> str:
    """One line of a job's output, as Bedrock's user guide has it."""
    (score,) = OverlapScorer().scores([said], [str(record["referenceResponse"])])
    return json.dumps(
        {
            "automatedEvaluationResult": {"scores": [{"metricName": "Accuracy", "result": score}]},
            "inputRecord": dict(record),
            "modelResponses": [{"response": said, "modelIdentifier": model}],
        },
        ensure_ascii=False,
    )


def _problem(body: Any) -> str | None:
    """What Bedrock refuses about a request, as far as this product makes such requests."""
    try:
        automated = body["evaluationConfig"]["automated"]["datasetMetricConfigs"]
        models = body["inferenceConfig"]["models"]
        wanted = (
            *(body["roleArn"], body["outputDataConfig"]["s3Uri"], automated[0]["taskType"]),
            *(automated[0]["dataset"]["datasetLocation"]["s3Uri"], automated[0]["metricNames"]),
            models[0]["bedrockModel"]["modelIdentifier"],
        )
    except (LookupError, TypeError):
        return "The job needs a role, one data set with a location, metrics, a model and an output"
    if not all(wanted) or len(automated) != 1 or len(models) != 1:
        return "An automatic job evaluates one model on one data set here"
    if not _NAME.fullmatch(str(body.get("jobName", ""))):
        return "jobName: 1 to 63 lower-case letters and digits, with single hyphens between"
    return None


def _failure(status: int, kind: str, message: str) -> web.Response:
    return web.json_response(
        {"message": message}, status=status, headers={"x-amzn-ErrorType": kind}
    )
