"""The three kinds of action that the stand-in for CodePipeline runs."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from typing import Any

from botocore.exceptions import ClientError

from canary.local.clock import Clock
from canary.local.emulator import ACCOUNT, Emulator
from canary.local.lambdas import Functions
from canary.local.pipeline_model import ActionFailedError, ActionRun, Execution, resolved

__all__ = ["Actions"]

_POLL_REAL_SECONDS = 0.02
_DEFAULT_APPROVAL_MINUTES = 7 * 24 * 60
_LAMBDA_MINUTES = 24 * 60


class Actions:
    """Runs one action after the other; `jobs` are the Lambda actions that wait for a result."""

    def __init__(self, emulator: Emulator, functions: Functions, clock: Clock) -> None:
        self._emulator = emulator
        self._functions = functions
        self._clock = clock
        self.jobs: dict[str, ActionRun] = {}

    def run(self, execution: Execution, action: dict[str, Any], run: ActionRun) -> None:
        """Run an action to its end. Raises `ActionFailedError`, at once when it is to stop."""
        if execution.stop.is_set():
            raise ActionFailedError("stopped")
        configuration = resolved(execution, action.get("configuration") or {})
        kind = (action["actionTypeId"]["category"], action["actionTypeId"]["provider"])
        match kind:
            case ("Source", "S3"):
                output = self._source(configuration, execution.revisions.get(run.name, {}))
                execution.outputs[action.get("namespace") or run.name] = output
            case ("Approval", "Manual"):
                self._approval(execution, configuration, action, run)
            case ("Invoke", "Lambda"):
                self._invoke(execution, configuration, run)
            case _:
                raise ActionFailedError(f"{' '.join(kind)} actions are not run here")

    def _source(
        self, configuration: dict[str, str], revision: dict[str, str] | Any
    ) -> dict[str, str]:
        key = configuration["S3ObjectKey"]
        if "S3_OBJECT_KEY" in revision:
            if configuration.get("AllowOverrideForS3ObjectKey") != "true":
                raise ActionFailedError("AllowOverrideForS3ObjectKey is not true")
            key = revision["S3_OBJECT_KEY"]
        asked = {"Bucket": configuration["S3Bucket"], "Key": key}
        if "S3_OBJECT_VERSION_ID" in revision:
            asked["VersionId"] = revision["S3_OBJECT_VERSION_ID"]
        try:
            found = self._emulator.client("s3").head_object(**asked)
        except ClientError as error:
            raise ActionFailedError(f"{key}: {error}") from error
        return {
            "BucketName": asked["Bucket"],
            "ObjectKey": key,
            "ETag": found["ETag"].strip('"'),
            "VersionId": found.get("VersionId", "null"),
        }

    def _approval(
        self,
        execution: Execution,
        configuration: dict[str, str],
        action: dict[str, Any],
        run: ActionRun,
    ) -> None:
        minutes = int(action.get("timeoutInMinutes") or _DEFAULT_APPROVAL_MINUTES)
        expires = self._clock.now() + minutes * 60
        run.token = str(uuid.uuid4())
        if topic := configuration.get("NotificationArn"):
            message = self._request(execution, configuration, run, expires)
            self._emulator.client("sns").publish(
                TopicArn=topic,
                Subject=f"APPROVAL NEEDED: AWS CodePipeline {execution.pipeline}",
                Message=json.dumps(message),
            )
        if not self._wait(execution, run, expires):
            raise ActionFailedError("nobody answered in time")
        if run.error:
            raise ActionFailedError(run.error)

    def _request(
        self,
        execution: Execution,
        configuration: dict[str, str],
        run: ActionRun,
        expires: float,
    ) -> dict[str, Any]:
        return {
            "region": self._emulator.region,
            "approval": {
                "pipelineName": execution.pipeline,
                "actionName": run.name,
                "token": run.token,
                "expires": dt.datetime.fromtimestamp(expires, tz=dt.UTC).isoformat(),
                "externalEntityLink": configuration.get("ExternalEntityLink"),
                "customData": configuration.get("CustomData"),
            },
        }

    def _invoke(self, execution: Execution, configuration: dict[str, str], run: ActionRun) -> None:
        """As CodePipeline does: an asynchronous call, then a wait for the job's result."""
        job = str(uuid.uuid4())
        self.jobs[job] = run
        event = {
            "CodePipeline.job": {
                "id": job,
                "accountId": ACCOUNT,
                "data": {
                    "actionConfiguration": {"configuration": configuration},
                    "inputArtifacts": [],
                    "outputArtifacts": [],
                },
            }
        }
        try:
            self._functions.events.start(configuration["FunctionName"], event)
            if not self._wait(execution, run, self._clock.now() + _LAMBDA_MINUTES * 60):
                raise ActionFailedError("the function gave no result in time")
        finally:
            self.jobs.pop(job, None)
        if run.error:
            raise ActionFailedError(run.error)

    def _wait(self, execution: Execution, run: ActionRun, until: float) -> bool:
        """Whether the action was answered before `until`; a stopped execution waits no longer."""
        while not run.done.wait(_POLL_REAL_SECONDS):
            if execution.stop.is_set():
                raise ActionFailedError("stopped")
            if self._clock.now() >= until:
                return False
        return True
