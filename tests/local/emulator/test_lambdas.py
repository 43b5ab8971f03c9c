"""Functions: real handlers, versions, concurrency, time-outs, retries and permissions."""

from __future__ import annotations

import json
import tempfile
import threading
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from canary.local.emulator import Emulator
from canary.local.lambda_pool import InitError
from canary.local.parts import Parts
from tests.local.emulator.bench import (
    REGION,
    eventually,
    lines_of,
    make_function,
    make_stack,
    zipped,
)

ECHO = """
import os, time
from canary_names import NAME
def handler(event, context):
    print("saw", event)
    return {"event": event, "name": context.function_name, "version": context.function_version,
            "left": context.get_remaining_time_in_millis(), "env": dict(os.environ), "own": NAME}
"""
COUNTING = """
import os
calls = 0
def handler(event, context):
    global calls
    calls += 1
    if event.get("fail"):
        raise ValueError(f"attempt {calls}")
    return calls
"""
SLOW = """
import time
def handler(event, context):
    time.sleep(event["seconds"])
    return "done"
"""
IMPORTS = """
import importlib
def handler(event, context):
    importlib.import_module(event["module"])
    return True
"""


def call(emulator: Emulator, function: str, event: Any, **options: Any) -> tuple[Any, str | None]:
    answer = emulator.client("lambda").invoke(
        FunctionName=function, Payload=json.dumps(event), **options
    )
    return json.loads(answer["Payload"].read() or b"null"), answer.get("FunctionError")


def test_invoke_when_called_then_runs_the_asset_with_its_environment(
    emulator: Emulator, parts: Parts
) -> None:
    """The handler sees its event, its variables, the region's endpoint and its own modules."""
    make_function(
        emulator,
        "echo",
        ECHO,
        Code={"ZipFile": zipped(index=ECHO, canary_names="NAME = 'own'")},
        Environment={"Variables": {"TABLE": "t", "CACHE_TLS": "true"}},
    )
    answer, error = call(emulator, "echo", {"x": 1})
    assert error is None
    assert answer["event"] == {"x": 1}
    assert (answer["name"], answer["own"]) == ("echo", "own")
    assert 0 < answer["left"] <= 5_000
    assert answer["env"]["TABLE"] == "t"
    assert answer["env"]["CACHE_TLS"] == "false"
    assert answer["env"]["AWS_ENDPOINT_URL"] == emulator.endpoint
    assert answer["env"]["AWS_REGION"] == REGION
    assert "saw {'x': 1}" in lines_of(parts, "echo")


def test_invoke_when_handler_raises_then_error_has_its_name(emulator: Emulator) -> None:
    """State machines retry and catch by this name."""
    make_function(emulator, "failing", COUNTING)
    answer, error = call(emulator, "failing", {"fail": True})
    assert error is not None
    assert answer["errorType"] == "ValueError"
    assert answer["errorMessage"] == "attempt 1"


def test_invoke_when_called_again_then_process_is_warm(emulator: Emulator) -> None:
    """A module is imported once, so its globals last from event to event."""
    make_function(emulator, "warm", COUNTING)
    assert [call(emulator, "warm", {})[0] for _ in range(3)] == [1, 2, 3]


def test_invoke_when_time_runs_out_then_is_killed_and_next_call_works(emulator: Emulator) -> None:
    """The time-out is real seconds, whatever the clock's factor."""
    make_function(emulator, "late", SLOW, Timeout=1)
    answer, error = call(emulator, "late", {"seconds": 30})
    assert error is not None
    assert answer["errorType"] == "Sandbox.Timedout"
    assert call(emulator, "late", {"seconds": 0}) == ("done", None)


def test_invoke_when_process_ends_then_says_so_and_next_call_works(emulator: Emulator) -> None:
    """A handler that ends its process fails one invocation only."""
    make_function(
        emulator,
        "exits",
        "import os\ndef handler(event, context):\n    return os._exit(3) if event else 'ok'\n",
    )
    answer, _ = call(emulator, "exits", {"now": True})
    assert answer["errorType"] == "Runtime.ExitError"
    assert call(emulator, "exits", {}) == ("ok", None)


def test_invoke_when_module_is_broken_then_error_is_the_imports(
    emulator: Emulator, parts: Parts
) -> None:
    """A function that cannot be imported fails each call with the reason; prewarm raises it."""
    make_function(emulator, "broken", "import no_such_module\n")
    answer, error = call(emulator, "broken", {})
    assert error is not None
    assert "no_such_module" in answer["errorMessage"]
    with pytest.raises(InitError, match="no_such_module"):
        parts.functions.prewarm(["broken"])


@pytest.mark.parametrize(
    ("module", "layered", "found"),
    [
        ("boto3", False, True),
        ("pydantic", False, False),
        ("numpy", True, True),
        ("canary.local.clock", True, False),
    ],
)
def test_import_when_function_has_no_layer_then_sees_the_runtime_only(
    emulator: Emulator, parts: Parts, module: str, layered: bool, found: bool
) -> None:
    """A missing layer, or a module that was not packaged, fails here as it would in Lambda."""
    name = f"imports-{module.replace('.', '-')}"
    make_function(emulator, name, IMPORTS)
    parts.functions.configure(name, dead_letters=None, layered=layered)
    answer, error = call(emulator, name, {"module": module})
    assert (error is None) is found
    assert found or answer["errorType"] == "ModuleNotFoundError"


def test_version_when_code_changes_then_alias_keeps_the_old_code(emulator: Emulator) -> None:
    """A release in flight calls the version it started with."""
    client = emulator.client("lambda")
    make_function(emulator, "versioned", "def handler(e, c): return 'old'\n")
    version = client.publish_version(FunctionName="versioned")["Version"]
    client.create_alias(FunctionName="versioned", Name="live", FunctionVersion=version)
    client.update_function_code(
        FunctionName="versioned", ZipFile=zipped(index="def handler(e, c): return 'new'\n")
    )
    assert call(emulator, "versioned:live", {})[0] == "old"
    assert call(emulator, "versioned", {}, Qualifier=version)[0] == "old"
    assert call(emulator, "versioned", {})[0] == "new"


def test_concurrency_when_reserved_is_used_up_then_is_throttled(
    emulator: Emulator, parts: Parts
) -> None:
    """A second synchronous call of a function with one reserved execution is refused."""
    make_function(emulator, "single", SLOW)
    emulator.client("lambda").put_function_concurrency(
        FunctionName="single", ReservedConcurrentExecutions=1
    )
    first = threading.Thread(target=call, args=(emulator, "single", {"seconds": 1.5}))
    first.start()
    try:
        eventually(lambda: parts.functions.running("single") == 1)
        with pytest.raises(ClientError) as refused:
            call(emulator, "single", {"seconds": 0})
        assert refused.value.response["Error"]["Code"] == "TooManyRequestsException"
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    finally:
        first.join()


def test_concurrency_when_unreserved_then_calls_run_side_by_side(emulator: Emulator) -> None:
    """Two calls that each wait for the other's sign both end: each has a process of its own."""
    make_function(
        emulator,
        "pair",
        """
        import pathlib, tempfile, time
        def handler(event, context):
            place = pathlib.Path(event["place"])
            (place / event["mine"]).touch()
            for _ in range(400):
                if (place / event["other"]).exists():
                    return True
                time.sleep(0.01)
            return False
        """,
    )
    with tempfile.TemporaryDirectory() as place:
        answers: list[Any] = []
        names = ("a", "b")
        threads = [
            threading.Thread(
                target=lambda mine=mine, other=other: answers.append(
                    call(emulator, "pair", {"place": place, "mine": mine, "other": other})[0]
                )
            )
            for mine, other in (names, names[::-1])
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    assert answers == [True, True]


def test_event_when_function_fails_then_is_tried_thrice_and_kept(
    emulator: Emulator, parts: Parts
) -> None:
    """An asynchronous event gets two retries, then goes to the dead-letter queue."""
    sqs = emulator.client("sqs")
    url = sqs.create_queue(QueueName="dead")["QueueUrl"]
    make_function(emulator, "unlucky", COUNTING)
    parts.functions.configure(
        "unlucky", dead_letters=f"arn:aws:sqs:{REGION}:123456789012:dead", layered=False
    )
    answer = emulator.client("lambda").invoke(
        FunctionName="unlucky", InvocationType="Event", Payload=b'{"fail": true}'
    )
    assert answer["StatusCode"] == 202
    assert parts.functions.events.wait_until_idle(20)
    assert [each for each in lines_of(parts, "unlucky") if each.startswith("ValueError")] == [
        f"ValueError: attempt {number}" for number in (1, 2, 3)
    ]
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"]) == {"fail": True}
    assert parts.functions.events.failures[-1].function == "unlucky"


def test_event_when_invoke_config_says_so_then_destination_gets_the_record(
    emulator: Emulator, parts: Parts
) -> None:
    """The template's own settings of retries and destination are honoured."""
    sqs = emulator.client("sqs")
    url = sqs.create_queue(QueueName="failures")["QueueUrl"]
    make_function(emulator, "once", COUNTING)
    make_stack(
        emulator,
        "invoke-config",
        {
            "Resources": {
                "Config": {
                    "Type": "AWS::Lambda::EventInvokeConfig",
                    "Properties": {
                        "FunctionName": "once",
                        "Qualifier": "$LATEST",
                        "MaximumRetryAttempts": 0,
                        "DestinationConfig": {
                            "OnFailure": {
                                "Destination": f"arn:aws:sqs:{REGION}:123456789012:failures"
                            }
                        },
                    },
                }
            }
        },
    )
    parts.functions.events.start("once", {"fail": True})
    assert parts.functions.events.wait_until_idle(20)
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    record = json.loads(message["Body"])
    assert record["requestContext"]["approximateInvokeCount"] == 1
    assert record["requestPayload"] == {"fail": True}
    assert record["responsePayload"]["errorMessage"] == "attempt 1"


def test_invoke_for_when_policy_lacks_the_service_then_event_is_dropped(
    emulator: Emulator, parts: Parts
) -> None:
    """Deleting a permission in the stack breaks the action; an alias has its own."""
    make_function(emulator, "guarded", COUNTING)
    client = emulator.client("lambda")
    client.publish_version(FunctionName="guarded")
    alias = client.create_alias(FunctionName="guarded", Name="live", FunctionVersion="1")
    rule = f"arn:aws:events:{REGION}:123456789012:rule/any"
    ask = ("events.amazonaws.com", rule, alias["AliasArn"], {})
    assert parts.functions.invoke_for(*ask) is False
    assert "no permission" in parts.functions.events.failures[-1].reason
    make_stack(
        emulator,
        "permission",
        {
            "Resources": {
                "Allow": {
                    "Type": "AWS::Lambda::Permission",
                    "Properties": {
                        "Action": "lambda:InvokeFunction",
                        "FunctionName": alias["AliasArn"],
                        "Principal": "events.amazonaws.com",
                        "SourceArn": rule,
                    },
                }
            }
        },
    )
    assert parts.functions.invoke_for(*ask) is True
    assert parts.functions.invoke_for(ask[0], f"{rule}-other", *ask[2:]) is False
    assert parts.functions.invoke_for(ask[0], rule, "guarded", {}) is False
    assert parts.functions.events.wait_until_idle(20)


def test_function_when_runtime_is_node_then_call_says_it_is_not_run(emulator: Emulator) -> None:
    """The CDK's own Node functions exist; calling one is an error, never a silent success."""
    make_function(emulator, "node", "", Runtime="nodejs22.x")
    with pytest.raises(ClientError):
        call(emulator, "node", {})
    eventually(lambda: any("not a Python function" in each for each in emulator.errors))


def test_sns_when_published_then_subscribed_function_gets_the_message(
    emulator: Emulator, parts: Parts
) -> None:
    """A topic reaches a function that lets SNS in, after `Publish` has returned."""
    make_function(
        emulator, "reader", ECHO, Code={"ZipFile": zipped(index=ECHO, canary_names="NAME = ''")}
    )
    sns = emulator.client("sns")
    topic = sns.create_topic(Name="topic")["TopicArn"]
    function = f"arn:aws:lambda:{REGION}:123456789012:function:reader"
    emulator.client("lambda").add_permission(
        FunctionName="reader",
        StatementId="sns",
        Action="lambda:InvokeFunction",
        Principal="sns.amazonaws.com",
        SourceArn=topic,
    )
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function)
    sns.publish(TopicArn=topic, Message="hello")
    assert parts.functions.events.wait_until_idle(20)
    assert any("'Message': 'hello'" in line for line in lines_of(parts, "reader"))


def test_log_subscription_when_lines_come_then_function_gets_them_packed(
    emulator: Emulator, parts: Parts
) -> None:
    """A subscribed function receives CloudWatch Logs' own packed form."""
    make_function(
        emulator,
        "log-reader",
        """
        import base64, gzip, json
        def handler(event, context):
            data = json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))
            print(data["logGroup"], data["logEvents"][0]["message"])
        """,
    )
    logs = emulator.client("logs")
    logs.create_log_group(logGroupName="/group")
    logs.create_log_stream(logGroupName="/group", logStreamName="s")
    logs.put_subscription_filter(
        logGroupName="/group",
        filterName="all",
        filterPattern="",
        destinationArn=f"arn:aws:lambda:{REGION}:123456789012:function:log-reader",
    )
    logs.put_log_events(
        logGroupName="/group",
        logStreamName="s",
        logEvents=[{"timestamp": int(time.time() * 1000), "message": "one line"}],
    )
    assert parts.functions.events.wait_until_idle(20)
    assert "/group one line" in lines_of(parts, "log-reader")
