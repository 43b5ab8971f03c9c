"""Jobs that CodePipeline gives to a function: what is asked, and the answer it waits for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

__all__ = ["Job", "Jobs", "read_job"]

_LONGEST_MESSAGE = 5000


@dataclass(frozen=True)
class Job:
    """One job; `parameters` is the action's configuration, with its variables filled in."""

    id: str
    parameters: dict[str, Any]


class Jobs:
    """Answers jobs; without an answer the action waits until it times out."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def succeed(self, job: Job) -> None:
        """Let the pipeline go on."""
        self._client.put_job_success_result(jobId=job.id)

    def fail(self, job: Job, message: str) -> None:
        """End the pipeline's execution, saying why."""
        self._client.put_job_failure_result(
            jobId=job.id,
            failureDetails={"type": "JobFailed", "message": message[:_LONGEST_MESSAGE]},
        )


def read_job(event: dict[str, Any]) -> Job:
    """The job of an invocation. Raises `KeyError` or `ValueError` when it is none of ours."""
    job = event["CodePipeline.job"]
    parameters = job["data"]["actionConfiguration"]["configuration"]["UserParameters"]
    return Job(str(job["id"]), json.loads(parameters))
