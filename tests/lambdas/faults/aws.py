"""AWS in memory: the few operations that the release functions call, answered in microseconds.

It stands in for botocore's `_make_api_call`, so the real handlers run on the real adapters and the
real clients. Tables honour conditions and transactions. `test_world.py` holds it to moto.
"""

from __future__ import annotations

import copy
import datetime as dt
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

Item = dict[str, Any]
RULES = ("control", "canary", "draw")


def rule_arn(name: str) -> str:
    return f"arn:aws:elasticloadbalancing:us-east-1:123456789012:listener-rule/app/g/1/2/{name}"


def group_arn(name: str) -> str:
    return f"arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/{name}/1"


def refused(operation: str, code: str, **more: Any) -> ClientError:
    """An error as the SDK raises it."""
    return ClientError({"Error": {"Code": code, "Message": code}, **more}, operation)


@dataclass
class World:
    """All state of one region; `calls` names each operation that had its effect."""

    tables: dict[str, dict[tuple[str, str], Item]] = field(default_factory=dict)
    weights: dict[str, int] = field(default_factory=lambda: dict.fromkeys(RULES, 0))
    parameters: dict[str, str] = field(default_factory=dict)
    alarms: dict[str, tuple[str, float]] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    executions: dict[str, str] = field(default_factory=dict)
    healthy: dict[str, bool] = field(default_factory=lambda: {"primary": True, "canary": True})
    messages: list[str] = field(default_factory=list)
    invoked: list[tuple[str, bytes]] = field(default_factory=list)
    metrics: list[str] = field(default_factory=list)
    pipelines: dict[str, int] = field(default_factory=dict)
    answered: dict[str, str] = field(default_factory=dict)
    """Task tokens and jobs that have their answer."""
    deploying: str = ""
    """The stack that is being updated."""
    scaling_in_held: bool = False
    tasks: int = 3

    def copy(self) -> World:
        """Another region that looks the same."""
        return copy.deepcopy(self)

    def answer(self, service: str, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        """Do one operation. Raises `ClientError` as the service does."""
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower()
        try:
            do: Callable[[dict[str, Any]], dict[str, Any] | None] = getattr(self, name)
        except AttributeError:
            raise LookupError(f"this world does not know {service}: {operation}") from None
        return do(given) or {}

    # DynamoDB

    def get_item(self, given: dict[str, Any]) -> dict[str, Any]:
        found = self._table(given).get(_place(given["Key"]))
        return {"Item": copy.deepcopy(found)} if found else {}

    def query(self, given: dict[str, Any]) -> dict[str, Any]:
        values = given["ExpressionAttributeValues"]
        kind = values.get(":kind", {"S": ""})["S"]
        found = [
            copy.deepcopy(item)
            for (pk, sk), item in sorted(self._table(given).items())
            if pk == values[":pk"]["S"] and sk.startswith(kind)
        ]
        return {"Items": found[: given.get("Limit", len(found))]}

    def put_item(self, given: dict[str, Any]) -> None:
        if not self._allowed(given, given["Item"]):
            raise refused("PutItem", "ConditionalCheckFailedException")
        self._table(given)[_place(given["Item"])] = copy.deepcopy(given["Item"])

    def delete_item(self, given: dict[str, Any]) -> None:
        self._table(given).pop(_place(given["Key"]), None)

    def update_item(self, given: dict[str, Any]) -> None:
        """The two updates of a rollback: set one attribute, tick one step once."""
        item = self._table(given).setdefault(_place(given["Key"]), dict(given["Key"]))
        (name,) = given["ExpressionAttributeNames"].values()
        (value,) = given["ExpressionAttributeValues"].values()
        if given["UpdateExpression"].startswith("SET steps."):
            item["steps"]["M"].setdefault(name, value)
        else:
            item[name] = copy.deepcopy(value)

    def transact_write_items(self, given: dict[str, Any]) -> None:
        writes = [next(iter(each.items())) for each in given["TransactItems"]]
        allowed = [self._allowed(each, each.get("Item") or each["Key"]) for _, each in writes]
        if not all(allowed):
            reasons = [{"Code": "None" if ok else "ConditionalCheckFailed"} for ok in allowed]
            code = "TransactionCanceledException"
            raise refused("TransactWriteItems", code, CancellationReasons=reasons)
        for verb, each in writes:
            plain = {key: each[key] for key in ("TableName", "Item", "Key") if key in each}
            match verb:
                case "Put":
                    self.put_item(plain)
                case "Delete":
                    self.delete_item(plain)
                case "ConditionCheck":
                    pass
                case _:
                    raise LookupError(f"this world does not know {verb} in a transaction")

    def _table(self, given: dict[str, Any]) -> dict[tuple[str, str], Item]:
        return self.tables.setdefault(given["TableName"], {})

    def _allowed(self, given: dict[str, Any], keyed: Item) -> bool:
        condition = given.get("ConditionExpression")
        if not condition:
            return True
        item = self._table(given).get(_place(keyed), {})
        return any(
            all(_holds(part, item, given) for part in each.split(" AND "))
            for each in condition.split(" OR ")
        )

    # Elastic Load Balancing

    def modify_rule(self, given: dict[str, Any]) -> None:
        (forward,) = given["Actions"]
        weights = {
            each["TargetGroupArn"]: each["Weight"]
            for each in forward["ForwardConfig"]["TargetGroups"]
        }
        self.weights[given["RuleArn"].rpartition("/")[2]] = weights[group_arn("canary")]

    def describe_rules(self, given: dict[str, Any]) -> dict[str, Any]:
        names = [arn.rpartition("/")[2] for arn in given["RuleArns"]]
        return {"Rules": [self._rule(name) for name in names]}

    def _rule(self, name: str) -> dict[str, Any]:
        groups = [
            {"TargetGroupArn": group_arn("primary"), "Weight": 100 - self.weights[name]},
            {"TargetGroupArn": group_arn("canary"), "Weight": self.weights[name]},
        ]
        action = {"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}
        return {"RuleArn": rule_arn(name), "Actions": [action]}

    def describe_target_health(self, given: dict[str, Any]) -> dict[str, Any]:
        arm = given["TargetGroupArn"].split("/")[1]
        state = "healthy" if self.healthy[arm] else "unhealthy"
        return {"TargetHealthDescriptions": [{"TargetHealth": {"State": state}}]}

    # The rest: each keeps what it was told

    def get_parameter(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"Parameter": {"Value": self.parameters[given["Name"]]}}

    def put_parameter(self, given: dict[str, Any]) -> None:
        self.parameters[given["Name"]] = given["Value"]

    def get_object(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"Body": io.BytesIO(self.objects[given["Key"]])}

    def publish(self, given: dict[str, Any]) -> None:
        self.messages.append(given["Subject"])

    def invoke(self, given: dict[str, Any]) -> None:
        self.invoked.append((given["FunctionName"], given["Payload"]))

    def stop_execution(self, given: dict[str, Any]) -> None:
        self.executions[given["executionArn"]] = "ABORTED"

    def describe_alarms(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"MetricAlarms": list(self._alarms(given))}

    def _alarms(self, given: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for name, (state, since) in sorted(self.alarms.items()):
            prefix = given.get("AlarmNamePrefix")
            if name in given.get("AlarmNames", ()) or (prefix and name.startswith(prefix)):
                moment = dt.datetime.fromtimestamp(since, tz=dt.UTC)
                yield {"AlarmName": name, "StateValue": state, "StateUpdatedTimestamp": moment}

    def get_metric_data(self, given: dict[str, Any]) -> dict[str, Any]:
        return {
            "MetricDataResults": [
                {"Id": each["Id"], "Values": []} for each in given["MetricDataQueries"]
            ]
        }

    def describe_stacks(self, given: dict[str, Any]) -> dict[str, Any]:
        under_way = given["StackName"] == self.deploying
        return {"Stacks": [{"StackStatus": f"UPDATE_{'IN_PROGRESS' if under_way else 'COMPLETE'}"}]}

    def put_metric_data(self, given: dict[str, Any]) -> None:
        self.metrics.extend(each["MetricName"] for each in given["MetricData"])

    def put_object(self, given: dict[str, Any]) -> dict[str, Any]:
        self.objects[given["Key"]] = given["Body"]
        return {"VersionId": "v1"}

    def list_pipeline_executions(self, _given: dict[str, Any]) -> dict[str, Any]:
        return {"pipelineExecutionSummaries": []}

    def start_pipeline_execution(self, given: dict[str, Any]) -> dict[str, Any]:
        tokens = self.pipelines
        number = tokens.setdefault(given["clientRequestToken"], len(tokens) + 1)
        return {"pipelineExecutionId": f"execution-{number}"}

    def get_pipeline_state(self, _given: dict[str, Any]) -> dict[str, Any]:
        latest = {"lastUpdatedBy": "arn:kim", "summary": "read it", "status": "Succeeded"}
        action = {"actionName": "Approval", "latestExecution": latest}
        stage = {"stageName": "Approval", "actionStates": [action]}
        return {
            "stageStates": [stage | {"latestExecution": {"pipelineExecutionId": "execution-1"}}]
        }

    def put_job_success_result(self, given: dict[str, Any]) -> None:
        self.answered[given["jobId"]] = "succeeded"

    def put_job_failure_result(self, given: dict[str, Any]) -> None:
        self.answered[given["jobId"]] = "failed"

    def send_task_success(self, given: dict[str, Any]) -> None:
        if given["taskToken"] in self.answered:
            raise refused("SendTaskSuccess", "TaskTimedOut")
        self.answered[given["taskToken"]] = "succeeded"

    def describe_scalable_targets(self, _given: dict[str, Any]) -> dict[str, Any]:
        state = {"DynamicScalingInSuspended": self.scaling_in_held}
        return {"ScalableTargets": [{"SuspendedState": state}]}

    def register_scalable_target(self, given: dict[str, Any]) -> None:
        self.scaling_in_held = given["SuspendedState"]["DynamicScalingInSuspended"]

    def describe_task_sets(self, _given: dict[str, Any]) -> dict[str, Any]:
        counts = {"computedDesiredCount": self.tasks, "runningCount": self.tasks}
        sets = [
            {"id": f"ts-{name}", "externalId": name, "stabilityStatus": "STEADY_STATE"} | counts
            for name in ("primary", "canary")
        ]
        return {"taskSets": sets}

    def list_tasks(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"taskArns": [f"{given['startedBy']}/{n}" for n in range(self.tasks)]}


def _place(keyed: Item) -> tuple[str, str]:
    return keyed["pk"]["S"], keyed["sk"]["S"]


def _holds(part: str, item: Item, given: dict[str, Any]) -> bool:
    """One of the few conditions that our writes make."""
    values = given.get("ExpressionAttributeValues", {})
    names = given.get("ExpressionAttributeNames", {})
    if found := re.fullmatch(r"attribute_(not_)?exists\((\w+)\)", part):
        return (found[2] in item) is (found[1] is None)
    if found := re.fullmatch(r"size\((\w+)\) = (:\w+)", part):
        return str(len(item.get(found[1], {}).get("L", ()))) == values[found[2]]["N"]
    if found := re.fullmatch(r"(#?\w+) = (:\w+)", part):
        return item.get(names.get(found[1], found[1])) == values[found[2]]
    raise LookupError(f"this world does not know the condition {part}")
