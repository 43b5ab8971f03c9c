"""A region in memory with a person on call in front of it: commands run, functions are called.

What stands in is what moto does not do: Lambda runs our handlers, CodePipeline and Bedrock's jobs
keep what they are told, CodeDeploy stops a deployment, and tokens of Step Functions are heard.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError
from click.testing import CliRunner
from moto.codedeploy.models import codedeploy_backends
from moto.core import DEFAULT_ACCOUNT_ID

from canary.cli.main import canary
from stacks import names
from tests.canary.aws.events import Events
from tests.lambdas.conftest import REGION, Region
from tests.lambdas.runbook import aws_cli

FUNCTIONS = {"canary-pause": "pause", "canary-rollback": "rollback"}
"""Functions that a command calls; any other is only heard."""
STANDS_FOR = {"RELEASE": "r-1", "my-release": "r-1", "CANDIDATE": "model-b"}


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)


@dataclass
class Duty:
    """The region, the events behind Athena, and what was asked of the services that stand in."""

    region: Region
    events: Events
    become: Callable[[str], None]
    values: dict[str, str] = field(default_factory=dict)
    """What the person puts in for a variable of a command."""
    pages: list[str] = field(default_factory=list)
    """Opened in the browser."""
    heard: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Operation and parameters of each call that a stand-in answered."""
    pending: bool = False
    """Whether pipeline `promotion` waits for an answer; afterwards arn:kim has given one."""
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    functions: dict[str, Callable[[dict[str, Any]], Any]] = field(default_factory=dict)
    """What stands in for a function that has a test of its own, by its name."""

    def run(self, words: tuple[str, ...]) -> Result:
        """Run a command as the runbook has it, with the person's own names and values."""
        made = tuple(self._put_in(STANDS_FOR.get(word, word)) for word in words)
        if made[0] == "aws":
            try:
                answer = aws_cli.call(made, REGION)
            except (aws_cli.UsageError, ClientError) as error:
                return Result(255, "", str(error))
            return Result(0, json.dumps(answer, default=str), "")
        assert made[0] == "canary", f"nobody here runs {made[0]}"
        done = CliRunner().invoke(canary, list(made[1:]))
        return Result(done.exit_code, done.stdout, done.stderr)

    def _put_in(self, word: str) -> str:
        for name, value in self.values.items():
            word = word.replace(f"{{{name}}}", value)
        return word

    def did(self, operation: str) -> list[dict[str, Any]]:
        """What an operation was asked, call by call."""
        return [given for name, given in self.heard if name == operation]

    def answer(  # noqa: C901, PLR0911 - a case an operation
        self, operation: str, given: dict[str, Any]
    ) -> dict[str, Any] | None:
        """What a stand-in answers; None where moto does."""
        match operation:
            case "Invoke":
                return self._invoke(given)
            case "StopDeployment":
                deployments = codedeploy_backends[DEFAULT_ACCOUNT_ID][REGION]
                deployments.get_deployment(given["deploymentId"]).status = "Stopped"
                return {"status": "Pending"}
            case "Converse":
                content = [{"text": f"{given['modelId']} says so"}]
                return {"output": {"message": {"role": "assistant", "content": content}}}
            case "GetEvaluationJob":
                return self.jobs[given["jobIdentifier"]]
            case "StartPipelineExecution":
                if given["name"] not in (names.PROMOTION, names.IMAGE_PIPELINE):
                    code = {"Code": "PipelineNotFoundException", "Message": given["name"]}
                    raise ClientError({"Error": code}, operation)
                return {"pipelineExecutionId": "execution-1"}
            case "ListPipelineExecutions":
                return {"pipelineExecutionSummaries": []}
            case "GetPipelineState":
                return {"stageStates": [self._approval()]}
            case "PutApprovalResult":
                self.pending = False
                return {}
            case "SendTaskSuccess" | "SendTaskFailure" | "PutJobSuccessResult":
                return {}
        return None

    def _invoke(self, given: dict[str, Any]) -> dict[str, Any]:
        """Run the handler; an asynchronous call answers nothing."""
        name = given["FunctionName"].partition(":")[0]
        event, said = json.loads(given["Payload"]), None
        if name in self.functions:
            said = self.functions[name](event)
        elif name in FUNCTIONS:
            said = self.region.load(FUNCTIONS[name]).handler(event, None)
        waits = given.get("InvocationType") != "Event"
        return {
            "StatusCode": 200,
            "Payload": io.BytesIO(json.dumps(said if waits else None).encode()),
        }

    def _approval(self) -> dict[str, Any]:
        latest = {"status": "Succeeded", "lastUpdatedBy": "arn:kim", "summary": "read it"}
        if self.pending:
            latest = {"status": "InProgress", "token": "token-of-the-approval"}
        stage = {"stageName": "Approval", "actionStates": [{"actionName": "Approval"}]}
        stage["actionStates"][0]["latestExecution"] = latest  # type: ignore[index]
        return stage | {"latestExecution": {"pipelineExecutionId": "execution-1"}}
