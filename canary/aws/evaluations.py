"""Which evaluation job answers for which model: remembered in S3, started when there is none.

Under `evaluation/` of one bucket: `jobs/{key}.json` is the newest job of a model, a policy and the
prompts; `{job name}/` what Bedrock was given and gave back; `results/{release id}.json` what a
release was judged by. No object is deleted, and the bucket keeps versions.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

from botocore.exceptions import ClientError

from canary.aws.evaluation_jobs import Evaluated, EvaluationError, read_job, start_job
from canary.quality.offline.golden import GoldenPrompt

__all__ = ["Evaluations", "Job", "Question"]

_RUNNING = "InProgress"


@dataclass(frozen=True)
class Question:
    """What a job answers: one model on these prompts, for releases under one policy."""

    model_id: str
    policy_digest: str
    prompts: tuple[GoldenPrompt, ...]

    @property
    def key(self) -> str:
        """Short, and the same whenever the same is asked."""
        asked = [(each.asked, each.reference) for each in self.prompts]
        text = json.dumps([self.model_id, self.policy_digest, asked], ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:24]


@dataclass(frozen=True)
class Job:
    """A job that was started (epoch seconds); `failed` says why it has no result to give."""

    arn: str
    model_id: str
    attempt: int
    started_at: float
    failed: str = ""


class Evaluations:
    """The jobs of one region; every method raises the SDK's errors where AWS does not answer."""

    def __init__(self, bedrock: Any, s3: Any, *, bucket: str, role_arn: str) -> None:
        self._bedrock = bedrock
        self._s3 = s3
        self._bucket = bucket
        self._role_arn = role_arn

    def ensure(self, question: Question, *, now: float, fresh_seconds: float) -> Job:
        """A job that answers: the newest unless it failed or is older, else a new one."""
        known = self.find(question)
        if known and not known.failed and now - known.started_at <= fresh_seconds:
            return known
        attempt = known.attempt + 1 if known else 1
        arn = start_job(
            self._bedrock,
            self._s3,
            name=f"canary-{question.key}-{attempt}",
            model_id=question.model_id,
            role_arn=self._role_arn,
            bucket=self._bucket,
            prompts=question.prompts,
        )
        job = Job(arn, question.model_id, attempt, now)
        self._put(_job_key(question), asdict(job))
        return job

    def find(self, question: Question) -> Job | None:
        """The newest job of a question, or None. Raises `EvaluationError` for a broken note."""
        key = _job_key(question)
        try:
            body = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                return None
            raise
        try:
            return Job(**json.loads(body))
        except (TypeError, ValueError) as error:
            raise EvaluationError(f"s3://{self._bucket}/{key}: names no job: {error}") from error

    def read(
        self, question: Question, *, now: float, longest_seconds: float
    ) -> tuple[Evaluated, ...] | None:
        """The results of the newest job, or None while it runs.

        Raises `EvaluationError` when there will be none; the next `ensure` starts another job.
        """
        job = self.find(question)
        if job is None:
            raise EvaluationError(f"{question.model_id}: no evaluation job was started")
        if job.failed:
            raise EvaluationError(job.failed)
        status = self._bedrock.get_evaluation_job(jobIdentifier=job.arn)["status"]
        if status == _RUNNING:
            if now - job.started_at <= longest_seconds:
                return None
            with suppress(ClientError):  # it may have ended this moment
                self._bedrock.stop_evaluation_job(jobIdentifier=job.arn)
            hours = longest_seconds / 3600
            raise self._given_up(question, job, f"{job.arn}: not completed after {hours:g} hours")
        try:
            return read_job(
                self._bedrock,
                self._s3,
                job.arn,
                model_id=question.model_id,
                prompts=question.prompts,
            )
        except EvaluationError as error:
            raise self._given_up(question, job, str(error)) from error

    def keep(self, release_id: str, document: Mapping[str, Any]) -> str:
        """Keep what a release was judged by; its key."""
        key = f"evaluation/results/{release_id}.json"
        self._put(key, document)
        return key

    def _given_up(self, question: Question, job: Job, why: str) -> EvaluationError:
        self._put(_job_key(question), asdict(replace(job, failed=why)))
        return EvaluationError(why)

    def _put(self, key: str, document: Mapping[str, Any]) -> None:
        self._s3.put_object(
            Bucket=self._bucket,
            Key=key,
            Body=json.dumps(document, sort_keys=True, indent=1, ensure_ascii=False).encode(),
            ContentType="application/json",
        )


def _job_key(question: Question) -> str:
    return f"evaluation/jobs/{question.key}.json"
