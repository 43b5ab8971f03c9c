"""CodePipeline's stand-in: moto stores pipelines but runs no action, and knows no approval.

It runs what the templates use: an S3 source with its override, a manual approval, a Lambda action
with its job. Executions of a pipeline run one after the other, each as a whole; on AWS a later one
may already be in an earlier stage. Creating a pipeline starts no execution here.
"""

from __future__ import annotations

import contextlib
import json
import queue
import threading
from collections.abc import Callable
from typing import Any

from moto.codepipeline.exceptions import PipelineExecutionNotFoundException
from moto.codepipeline.models import CodePipelineBackend, codepipeline_backends
from moto.codepipeline.responses import CodePipelineResponse

from canary.local.clock import Clock
from canary.local.emulator import ACCOUNT, Emulator
from canary.local.events import EventBus
from canary.local.lambdas import Functions
from canary.local.patches import Patches
from canary.local.pipeline_actions import Actions
from canary.local.pipeline_model import ActionFailedError, ActionRun, Execution, PipelineError

__all__ = ["CodePipelines"]

_SOMEBODY = f"arn:aws:iam::{ACCOUNT}:user/somebody"
"""Who calls `PutApprovalResult`: nobody has an identity here."""


class CodePipelines:
    """Runs the executions of every pipeline, and answers the API about them."""

    def __init__(
        self, emulator: Emulator, functions: Functions, bus: EventBus, clock: Clock
    ) -> None:
        self._emulator = emulator
        self._bus = bus
        self._clock = clock
        self._actions = Actions(emulator, functions, clock)
        self._executions: dict[str, list[Execution]] = {}
        self._started_by: dict[str, str] = {}
        self._states: dict[str, dict[str, tuple[Execution, dict[str, ActionRun]]]] = {}
        self._waiting: dict[str, queue.Queue[Execution | None]] = {}
        self._lock = threading.Lock()
        self._stopping = False

    def install(self, patches: Patches) -> None:
        """Answer these operations instead of moto."""
        for operation in (
            "start_pipeline_execution",
            "stop_pipeline_execution",
            "list_pipeline_executions",
            "get_pipeline_state",
            "put_approval_result",
            "put_job_success_result",
            "put_job_failure_result",
        ):
            patches.set(CodePipelineResponse, operation, _answered_by(getattr(self, operation)))

    def stop(self) -> None:
        """Give up whatever runs or waits."""
        self._stopping = True
        for executions in self._executions.values():
            for execution in executions:
                execution.stop.set()
        for waiting in self._waiting.values():
            waiting.put(None)

    # The API: each takes and answers what the operation of its name does.

    def start_pipeline_execution(self, ask: Callable[[str], Any]) -> dict[str, Any]:
        """Queue an execution; the same request token finds the first one again."""
        name, token = ask("name"), ask("clientRequestToken")
        declaration = self._declaration(name)
        with self._lock:
            if token and token in self._started_by:
                return {"pipelineExecutionId": self._started_by[token]}
        variables = {each["name"]: each["value"] for each in ask("variables") or []}
        for each in declaration.get("variables") or []:
            if each["name"] not in variables and "defaultValue" not in each:
                raise PipelineError("ValidationException", f"variable {each['name']} has no value")
            variables.setdefault(each["name"], each.get("defaultValue", ""))
        revisions: dict[str, dict[str, str]] = {}
        for each in ask("sourceRevisions") or []:
            revisions.setdefault(each["actionName"], {})[each["revisionType"]] = each[
                "revisionValue"
            ]
        execution = Execution(name, variables, revisions, self._clock.now())
        with self._lock:
            self._executions.setdefault(name, []).append(execution)
            if token:
                self._started_by[token] = execution.id
            if name not in self._waiting:
                self._waiting[name] = queue.Queue()
                threading.Thread(
                    target=self._work, args=(name,), name=f"pipeline-{name}", daemon=True
                ).start()
        self._waiting[name].put(execution)
        return {"pipelineExecutionId": execution.id}

    def stop_pipeline_execution(self, ask: Callable[[str], Any]) -> dict[str, Any]:
        """Stop an execution at once; waiting for its action to end is not emulated."""
        execution = self._execution(ask("pipelineName"), ask("pipelineExecutionId"))
        if execution.status != "InProgress":
            raise PipelineError(
                "PipelineExecutionNotStoppableException", f"{execution.id} is {execution.status}"
            )
        execution.stop.set()
        return {"pipelineExecutionId": execution.id}

    def list_pipeline_executions(self, ask: Callable[[str], Any]) -> dict[str, Any]:
        """Every execution, the newest first."""
        self._declaration(ask("pipelineName"))
        known = self._executions.get(ask("pipelineName"), [])
        newest = [each.to_summary() for each in reversed(known)]
        return {"pipelineExecutionSummaries": newest[: ask("maxResults") or None]}

    def get_pipeline_state(self, ask: Callable[[str], Any]) -> dict[str, Any]:
        """Each stage with the last execution that came there, and its actions."""
        name = ask("name")
        declaration = self._declaration(name)
        with self._lock:
            stages = [
                _stage_state(stage, self._states.get(name, {}).get(stage["name"]))
                for stage in declaration["stages"]
            ]
        version = declaration["version"]
        return {"pipelineName": name, "pipelineVersion": version, "stageStates": stages}

    def put_approval_result(self, ask: Callable[[str], Any]) -> dict[str, Any]:
        """Answer an approval that waits, if the token is its own."""
        self._declaration(ask("pipelineName"))
        result, token = ask("result"), ask("token")
        with self._lock:
            known = self._states.get(ask("pipelineName"), {}).get(ask("stageName"))
            run = known[1].get(ask("actionName")) if known else None
            if run is None or run.token != token:
                raise PipelineError("InvalidApprovalTokenException", "no approval has this token")
            if run.done.is_set():
                raise PipelineError("ApprovalAlreadyCompletedException", "it was answered before")
            run.summary, run.by = result["summary"], _SOMEBODY
            if result["status"] != "Approved":
                run.error = f"rejected by {_SOMEBODY}"
            run.done.set()
        return {"approvedAt": self._clock.now()}

    def put_job_success_result(self, ask: Callable[[str], Any]) -> dict[str, Any]:
        """End a Lambda action well."""
        self._job(ask("jobId")).done.set()
        return {}

    def put_job_failure_result(self, ask: Callable[[str], Any]) -> dict[str, Any]:
        """End a Lambda action badly."""
        run = self._job(ask("jobId"))
        run.error = ask("failureDetails")["message"]
        run.done.set()
        return {}

    # Running.

    def _work(self, name: str) -> None:
        while (execution := self._waiting[name].get()) is not None and not self._stopping:
            self._tell(execution, "STARTED")
            execution.status, state = "InProgress", "SUCCEEDED"
            try:
                for stage in self._declaration(name)["stages"]:
                    self._run_stage(execution, stage)
                execution.status = "Succeeded"
            except ActionFailedError:
                stopped = execution.stop.is_set()
                execution.status = "Stopped" if stopped else "Failed"
                state = execution.status.upper()
            execution.updated_at = self._clock.now()
            if not self._stopping:
                self._tell(execution, state)

    def _run_stage(self, execution: Execution, stage: dict[str, Any]) -> None:
        runs: dict[str, ActionRun] = {}
        with self._lock:
            self._states.setdefault(execution.pipeline, {})[stage["name"]] = (execution, runs)
        for action in sorted(stage["actions"], key=lambda each: int(each.get("runOrder") or 1)):
            run = ActionRun(action["name"], self._clock.now())
            runs[action["name"]] = run
            try:
                self._actions.run(execution, action, run)
                run.status = "Succeeded"
            except ActionFailedError as error:
                run.status = "Abandoned" if execution.stop.is_set() else "Failed"
                run.error = str(error)
                raise
            finally:
                run.changed_at = self._clock.now()

    def _tell(self, execution: Execution, state: str) -> None:
        arn = f"arn:aws:codepipeline:{self._emulator.region}:{ACCOUNT}:{execution.pipeline}"
        detail = {
            "pipeline": execution.pipeline,
            "execution-id": execution.id,
            "start-time": execution.started_at,
            "state": state,
            "version": float(self._declaration(execution.pipeline)["version"]),
        }
        self._bus.publish(
            "aws.codepipeline",
            "CodePipeline Pipeline Execution State Change",
            detail,
            resources=[arn],
        )

    def _declaration(self, name: str) -> dict[str, Any]:
        backend: CodePipelineBackend = codepipeline_backends[ACCOUNT][self._emulator.region]
        declaration: dict[str, Any] = backend.get_pipeline(name)[0]
        return declaration

    def _execution(self, name: str, execution_id: str) -> Execution:
        self._declaration(name)
        for execution in self._executions.get(name, []):
            if execution.id == execution_id:
                return execution
        raise PipelineExecutionNotFoundException(f"{name} has no execution {execution_id}")

    def _job(self, job_id: str) -> ActionRun:
        with contextlib.suppress(KeyError):
            return self._actions.jobs[job_id]
        raise PipelineError("JobNotFoundException", f"no job {job_id} waits")


def _answered_by(
    operation: Callable[[Callable[[str], Any]], dict[str, Any]],
) -> Callable[[CodePipelineResponse], str]:
    """A method of moto's response class; `operation` asks for members of the request by name."""
    return lambda response: json.dumps(operation(response._get_param))


def _stage_state(
    stage: dict[str, Any], known: tuple[Execution, dict[str, ActionRun]] | None
) -> dict[str, Any]:
    runs = known[1] if known else {}
    actions = [
        {"actionName": action["name"]}
        | ({"latestExecution": run.to_state()} if (run := runs.get(action["name"])) else {})
        for action in stage["actions"]
    ]
    state: dict[str, Any] = {"stageName": stage["name"], "actionStates": actions}
    if known:
        ended = [run.status for run in runs.values()]
        status = next((each for each in ended if each != "Succeeded"), "Succeeded")
        state["latestExecution"] = {
            "pipelineExecutionId": known[0].id,
            "status": "Stopped" if status == "Abandoned" else status,
        }
    return state
