"""The pipeline that asks a person: start it, read what was answered, answer it, clear its queue."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

from canary.aws.reports import Report

__all__ = ["APPROVAL", "SOURCE", "Answer", "Pending", "PromotionPipeline"]

SOURCE = "Report"
"""The action that reads the report."""
APPROVAL = "Approval"
"""The stage, and the action in it, that waits for a person."""
_UNDER_WAY = frozenset({"InProgress", "Stopping"})
_MOST_EXECUTIONS = 50


@dataclass(frozen=True)
class Pending:
    """An approval that waits; `token` lets somebody answer it."""

    execution_id: str
    token: str


@dataclass(frozen=True)
class Answer:
    """Who answered, as CodePipeline knows the caller, and what that person wrote."""

    by: str
    summary: str

    def __str__(self) -> str:
        return f"{self.by}: {self.summary}".strip(": ") or "nobody answered"


class PromotionPipeline:
    """CodePipeline, as far as a release needs it."""

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self._name = name

    def start(self, release_id: str, report: Report, *, task_token: str) -> str:
        """Ask about one version of a report; the answer is the execution's id.

        The same token starts the same execution once, however often it is tried.
        """
        request = hashlib.sha256(task_token.encode()).hexdigest()
        revisions = {"S3_OBJECT_KEY": report.key, "S3_OBJECT_VERSION_ID": report.version}
        answer = self._client.start_pipeline_execution(
            name=self._name,
            variables=[{"name": "release_id", "value": release_id}],
            clientRequestToken=request,
            sourceRevisions=[
                {"actionName": SOURCE, "revisionType": kind, "revisionValue": value}
                for kind, value in revisions.items()
            ],
        )
        return str(answer["pipelineExecutionId"])

    def abandon_all(self, reason: str) -> None:
        """Stop what is still under way: its release is over, or asks anew, and it would queue."""
        answer = self._client.list_pipeline_executions(
            pipelineName=self._name, maxResults=_MOST_EXECUTIONS
        )
        for execution in answer["pipelineExecutionSummaries"]:
            if execution["status"] in _UNDER_WAY:
                self._stop(execution["pipelineExecutionId"], reason)

    def pending(self) -> Pending | None:
        """The approval that waits for a person, if one does."""
        execution_id, action = self._approval()
        if action.get("status") != "InProgress" or not action.get("token"):
            return None
        return Pending(execution_id, str(action["token"]))

    def answer_of(self, execution_id: str) -> Answer | None:
        """What was answered in one execution; None when its approval was never reached."""
        shown, action = self._approval()
        if shown != execution_id or not action:
            return None
        return Answer(str(action.get("lastUpdatedBy", "")), str(action.get("summary", "")))

    def answer(
        self, pending: Pending, status: Literal["Approved", "Rejected"], summary: str
    ) -> None:
        """Answer a waiting approval, as the console does."""
        self._client.put_approval_result(
            pipelineName=self._name,
            stageName=APPROVAL,
            actionName=APPROVAL,
            result={"status": status, "summary": summary[:_LONGEST_SUMMARY]},
            token=pending.token,
        )

    def _approval(self) -> tuple[str, dict[str, Any]]:
        """The execution in the approval's stage, and its action's latest state."""
        stages = self._client.get_pipeline_state(name=self._name)["stageStates"]
        stage = next(each for each in stages if each["stageName"] == APPROVAL)
        execution_id = str(stage.get("latestExecution", {}).get("pipelineExecutionId", ""))
        actions = (each for each in stage["actionStates"] if each["actionName"] == APPROVAL)
        latest: dict[str, Any] = next(actions).get("latestExecution", {})
        return execution_id, latest

    def _stop(self, execution_id: str, reason: str) -> None:
        try:
            self._client.stop_pipeline_execution(
                pipelineName=self._name,
                pipelineExecutionId=execution_id,
                abandon=True,
                reason=reason[:_LONGEST_REASON],
            )
        except self._client.exceptions.PipelineExecutionNotStoppableException:
            return  # it ended meanwhile
        except self._client.exceptions.DuplicatedStopRequestException:
            return  # somebody else stops it


_LONGEST_SUMMARY = 512
_LONGEST_REASON = 200
