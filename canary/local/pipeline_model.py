"""What CodePipeline's stand-in remembers of executions, stages and actions."""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.core.exceptions import JsonRESTError

__all__ = ["ActionFailedError", "ActionRun", "Execution", "PipelineError", "resolved"]

_VARIABLE = re.compile(r"#\{([\w.@-]+)\.([\w.@-]+)\}")


class ActionFailedError(Exception):
    """An action failed; the message is what its state says."""


class PipelineError(JsonRESTError):
    """A refusal of CodePipeline's API, by its exception's name."""


@dataclass
class ActionRun:
    """One action of one execution; `done` is set by whoever answers it."""

    name: str
    started_at: float
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "InProgress"
    token: str = ""
    summary: str = ""
    by: str = ""
    error: str = ""
    changed_at: float = 0.0
    done: threading.Event = field(default_factory=threading.Event)

    def to_state(self) -> dict[str, Any]:
        """As `GetPipelineState` shows it: an approval's token only while it waits."""
        state: dict[str, Any] = {
            "actionExecutionId": self.id,
            "status": self.status,
            "lastStatusChange": self.changed_at or self.started_at,
        }
        if self.token and self.status == "InProgress":
            state["token"] = self.token
        if self.summary:
            state["summary"] = self.summary
        if self.by:
            state["lastUpdatedBy"] = self.by
        if self.error:
            state["errorDetails"] = {"code": "JobFailed", "message": self.error}
        return state


@dataclass
class Execution:
    """One execution: what it was started with, and where it stands."""

    pipeline: str
    variables: Mapping[str, str]
    revisions: Mapping[str, Mapping[str, str]]
    """By action, and then by the type of revision."""
    started_at: float
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "InProgress"
    updated_at: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    """Variables of actions that have run, by namespace."""

    def to_summary(self) -> dict[str, Any]:
        """As `ListPipelineExecutions` shows it."""
        return {
            "pipelineExecutionId": self.id,
            "status": self.status,
            "startTime": self.started_at,
            "lastUpdateTime": self.updated_at or self.started_at,
            "executionMode": "QUEUED",
        }


def resolved(execution: Execution, configuration: Mapping[str, str]) -> dict[str, str]:
    """An action's configuration with `#{namespace.name}` filled in.

    Raises `ActionFailedError` for a variable that nothing has produced.
    """
    known: dict[str, Mapping[str, str]] = {
        **execution.outputs,
        "variables": execution.variables,
        "codepipeline": {"PipelineExecutionId": execution.id},
    }

    def value(match: re.Match[str]) -> str:
        try:
            return known[match[1]][match[2]]
        except KeyError as error:
            raise ActionFailedError(f"unresolved variable {match[0]}") from error

    return {key: _VARIABLE.sub(value, text) for key, text in configuration.items()}
