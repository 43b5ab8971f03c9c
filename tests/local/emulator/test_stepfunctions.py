"""State machines: real calls in the SDK's spelling, and time on the virtual clock."""

from __future__ import annotations

import json
import time
from typing import Any

from canary.local.emulator import ACCOUNT, Emulator
from canary.local.parts import Parts
from tests.local.emulator.bench import (
    REGION,
    eventually,
    finished,
    lines_of,
    make_function,
    make_machine,
    network,
    run_machine,
)

INVOKE = "arn:aws:states:::lambda:invoke"


def task(resource: str, parameters: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": resource, "Parameters": parameters, "End": True, **more}


def output(description: dict[str, Any]) -> Any:
    assert description["status"] == "SUCCEEDED", description
    return json.loads(description["output"])


def test_service_when_named_as_in_a_definition_then_is_called(emulator: Emulator) -> None:
    """`elasticloadbalancingv2:modifyRule` moves real weights."""
    made = network(emulator)
    elb = emulator.client("elbv2")
    (rule,) = elb.create_rule(
        ListenerArn=made["listener"],
        Priority=5,
        Conditions=[{"Field": "path-pattern", "Values": ["/*"]}],
        Actions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}],
    )["Rules"]
    forward = {"TargetGroups": [{"TargetGroupArn": made["group"], "Weight": 25}]}
    actions = [{"Type": "forward", "ForwardConfig": forward}]
    arn = make_machine(
        emulator,
        "shift",
        {
            "Shift": task(
                "arn:aws:states:::aws-sdk:elasticloadbalancingv2:modifyRule",
                {"RuleArn": rule["RuleArn"], "Actions": actions},
            )
        },
    )
    assert run_machine(emulator, arn)["status"] == "SUCCEEDED"
    (changed,) = elb.describe_rules(RuleArns=[rule["RuleArn"]])["Rules"]
    assert changed["Actions"][0]["ForwardConfig"]["TargetGroups"][0]["Weight"] == 25


def test_parameters_when_the_sdk_is_in_camel_case_then_are_spelled_so(emulator: Emulator) -> None:
    """A definition's PascalCase reaches ECS, and its answer comes back in PascalCase."""
    emulator.client("ecs").create_cluster(clusterName="spelled")
    arn = make_machine(
        emulator,
        "spell",
        {"A": task("arn:aws:states:::aws-sdk:ecs:describeClusters", {"Clusters": ["spelled"]})},
    )
    assert output(run_machine(emulator, arn))["Clusters"][0]["ClusterName"] == "spelled"


def test_result_when_it_has_dates_then_is_json(emulator: Emulator) -> None:
    """A date in an SDK's answer becomes text instead of breaking the execution."""
    emulator.client("ssm").put_parameter(Name="/dated", Value="x", Type="String")
    arn = make_machine(
        emulator,
        "dates",
        {"A": task("arn:aws:states:::aws-sdk:ssm:getParameter", {"Name": "/dated"})},
    )
    assert isinstance(output(run_machine(emulator, arn))["Parameter"]["LastModifiedDate"], str)


def test_start_when_unnamed_or_qualified_then_each_gets_its_own_name(emulator: Emulator) -> None:
    """Two executions without a name both run, also when started through a version or an alias."""
    arn = make_machine(emulator, "unnamed", {"A": {"Type": "Pass", "End": True}})
    names = {run_machine(emulator, each)["name"] for each in (arn, arn, f"{arn}:1", f"{arn}:live")}
    assert len(names) == 4


def test_wait_when_hours_long_then_lasts_virtual_seconds(emulator: Emulator, parts: Parts) -> None:
    """An hour of a Wait state is an hour of the region's clock."""
    arn = make_machine(
        emulator, "hour", {"W": {"Type": "Wait", "SecondsPath": "$.seconds", "End": True}}
    )
    before = parts.clock.now()
    assert run_machine(emulator, arn, seconds=600)["status"] == "SUCCEEDED"
    assert parts.clock.now() - before >= 600
    # Real seconds would not have let it end within the twenty that the test waits.


def test_stop_when_waiting_then_is_aborted_at_once(emulator: Emulator) -> None:
    """A rollback stops the progression in the middle of a bake of days."""
    client = emulator.client("stepfunctions")
    arn = make_machine(emulator, "bake", {"W": {"Type": "Wait", "Seconds": 864_000, "End": True}})
    execution = client.start_execution(stateMachineArn=arn)["executionArn"]
    eventually(lambda: len(client.get_execution_history(executionArn=execution)["events"]) > 1)
    client.stop_execution(executionArn=execution)
    assert finished(emulator, execution)["status"] == "ABORTED"


def test_retry_when_interval_is_minutes_then_is_virtual(emulator: Emulator) -> None:
    """Three tries with ten minutes between them fit into seconds."""
    make_function(
        emulator,
        "third-time",
        """
        calls = 0
        class NotReady(Exception): pass
        def handler(event, context):
            global calls
            calls += 1
            if calls < 3:
                raise NotReady("not yet")
            return calls
        """,
    )
    retry = [{"ErrorEquals": ["NotReady"], "IntervalSeconds": 600, "MaxAttempts": 5}]
    arn = make_machine(
        emulator,
        "retry",
        {"A": task(INVOKE, {"FunctionName": "third-time"}, Retry=retry, OutputPath="$.Payload")},
    )
    assert output(run_machine(emulator, arn)) == 3


def test_timeout_of_an_execution_when_virtual_time_is_up_then_times_out(
    emulator: Emulator,
) -> None:
    """The whole machine's time-out follows the clock."""
    arn = make_machine(
        emulator,
        "too-long",
        {"W": {"Type": "Wait", "Seconds": 864_000, "End": True}},
        TimeoutSeconds=300,
    )
    assert run_machine(emulator, arn)["status"] == "TIMED_OUT"


def test_timeout_of_a_task_when_it_computes_then_is_real(emulator: Emulator) -> None:
    """A call that takes a real second passes a time-out of ten, though ten are 17 ms here."""
    make_function(
        emulator, "second", "import time\ndef handler(e, c):\n    time.sleep(1)\n    return 'ok'\n"
    )
    arn = make_machine(
        emulator, "computes", {"A": task(INVOKE, {"FunctionName": "second"}, TimeoutSeconds=10)}
    )
    assert run_machine(emulator, arn)["status"] == "SUCCEEDED"


def waiting(emulator: Emulator, name: str, **more: Any) -> str:
    make_function(emulator, name, "def handler(event, context):\n    print(event['token'])\n")
    parameters = {"FunctionName": name, "Payload": {"token.$": "$$.Task.Token"}}
    return make_machine(
        emulator, name, {"A": task(f"{INVOKE}.waitForTaskToken", parameters, **more)}
    )


def test_token_when_sent_back_then_execution_goes_on(emulator: Emulator, parts: Parts) -> None:
    """An approval by task token continues the machine with its answer."""
    client = emulator.client("stepfunctions")
    arn = waiting(emulator, "approve")
    execution = client.start_execution(stateMachineArn=arn)["executionArn"]
    (token,) = eventually(lambda: lines_of(parts, "approve"))
    eventually(lambda: client.describe_execution(executionArn=execution)["status"] == "RUNNING")
    client.send_task_success(taskToken=token, output=json.dumps({"approved_by": "me"}))
    assert output(finished(emulator, execution)) == {"approved_by": "me"}


def test_token_when_virtual_time_is_up_then_task_times_out(emulator: Emulator) -> None:
    """A person's seven days are the clock's."""
    arn = waiting(emulator, "nobody", TimeoutSeconds=1_200)
    described = run_machine(emulator, arn)
    assert (described["status"], described["error"]) == ("FAILED", "States.Timeout")


def test_stop_when_waiting_for_a_token_then_is_aborted(emulator: Emulator, parts: Parts) -> None:
    """A rollback also ends an execution that waits for a person."""
    client = emulator.client("stepfunctions")
    arn = waiting(emulator, "stopped")
    execution = client.start_execution(stateMachineArn=arn)["executionArn"]
    eventually(lambda: lines_of(parts, "stopped"))
    client.stop_execution(executionArn=execution)
    assert finished(emulator, execution)["status"] == "ABORTED"


def test_end_when_it_fails_then_rules_hear_of_it(emulator: Emulator) -> None:
    """A failed execution reaches the rule that calls rollback."""
    sqs, events = emulator.client("sqs"), emulator.client("events")
    url = sqs.create_queue(QueueName="ends")["QueueUrl"]
    arn = make_machine(emulator, "fails", {"F": {"Type": "Fail", "Error": "E", "Cause": "C"}})
    pattern = {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {"status": ["FAILED", "TIMED_OUT", "ABORTED"], "stateMachineArn": [arn]},
    }
    events.put_rule(Name="ends", EventPattern=json.dumps(pattern))
    target = f"arn:aws:sqs:{REGION}:{ACCOUNT}:ends"
    events.put_targets(Rule="ends", Targets=[{"Id": "1", "Arn": target}])
    described = run_machine(emulator, arn, release_id="r-1")
    (message,) = eventually(lambda: sqs.receive_message(QueueUrl=url).get("Messages"))
    detail = json.loads(message["Body"])["detail"]
    assert detail["executionArn"] == described["executionArn"]
    assert (detail["status"], detail["error"], detail["cause"]) == ("FAILED", "E", "C")
    assert json.loads(detail["input"]) == {"release_id": "r-1"}
    assert abs(detail["stopDate"] / 1000 - time.time()) < 60
