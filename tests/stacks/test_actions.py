"""What happens when an alarm goes off."""

from __future__ import annotations

import re

import pytest

from canary.aws.alarms import PREFIXES
from canary.policy.compiled import CompiledPolicy
from tests.stacks.assembly import Alarms, Assembly, text


def composite(assembly: Assembly, name: str) -> dict:
    return assembly.named("Guardrails", "AWS::CloudWatch::CompositeAlarm", "AlarmName")[name]


def children(assembly: Assembly, name: str) -> set[str]:
    """Names of the alarms in a composite's rule."""
    alarms = assembly.resources("Guardrails", "AWS::CloudWatch::Alarm")
    rule = text(composite(assembly, name)["AlarmRule"])
    assert re.fullmatch(r'ALARM\("\$\{\w+\}"\)( OR ALARM\("\$\{\w+\}"\))*', rule)
    return {
        alarms[logical_id]["Properties"]["AlarmName"]
        for logical_id in re.findall(r"\$\{(\w+)\}", rule)
    }


def test_critical_rolls_back_and_calls_the_person_on_call_at_once(assembly: Assembly) -> None:
    """The action is the rollback function's alias; nothing suppresses it."""
    critical = composite(assembly, "canary-critical")
    rollback, on_call = (text(each) for each in critical["AlarmActions"])
    assert "RollbackLive" in rollback
    assert "TopicsOnCall" in on_call
    assert critical["ActionsEnabled"] is True
    assert not [key for key in critical if key.startswith("ActionsSuppressor")]


def test_the_composite_and_no_other_alarm_may_invoke_the_rollback_function(
    assembly: Assembly,
) -> None:
    """Without the permission the action is lost without a trace."""
    critical = next(
        logical_id
        for logical_id, each in assembly.resources(
            "Guardrails", "AWS::CloudWatch::CompositeAlarm"
        ).items()
        if each["Properties"]["AlarmName"] == "canary-critical"
    )
    (permission,) = [
        each["Properties"]
        for each in assembly.resources("Guardrails", "AWS::Lambda::Permission").values()
        if each["Properties"]["Principal"] == "lambda.alarms.cloudwatch.amazonaws.com"
    ]
    assert permission["Action"] == "lambda:InvokeFunction"
    assert permission["SourceArn"] == {"Fn::GetAtt": [critical, "Arn"]}
    assert permission["SourceAccount"] == {"Ref": "AWS::AccountId"}
    assert permission["FunctionName"] == composite(assembly, "canary-critical")["AlarmActions"][0]


def test_each_guardrail_is_in_the_composite_that_its_trigger_asks_for(
    assembly: Assembly, alarms: Alarms, policy: CompiledPolicy
) -> None:
    """Rollback triggers and backstops are critical; pauses, shared incidents and silence warn."""
    critical, warning = (children(assembly, name) for name in ("canary-critical", "canary-warning"))
    assert not critical & warning
    assert critical | warning == alarms.keys()
    pausing = {each for each in warning if not each.startswith("shared-")} - {"canary-silent"}
    for trigger in policy.triggers:
        own = {
            name
            for name in alarms
            if re.fullmatch(rf"canary-{trigger.name}-\d+s|canary-harm-{trigger.metric}", name)
        }
        for name in own:
            by_harm = name.startswith("canary-harm-")
            if by_harm == (trigger.statistic == "harm"):
                assert (name in critical) == (trigger.on_breach == "rollback"), name
    assert {name for name in alarms if name.startswith("shared-")} <= warning
    assert {"canary-5xx", "canary-connection-errors", "canary-no-healthy-host"} <= critical
    assert pausing


def test_warning_tells_people(assembly: Assembly) -> None:
    """Both topics; holding the release is the rule's business."""
    first, second = (text(each) for each in composite(assembly, "canary-warning")["AlarmActions"])
    assert "TopicsOnCall" in first
    assert "TopicsMlEngineers" in second


def test_each_warning_s_own_transition_pauses_the_release(assembly: Assembly) -> None:
    """A composite in ALARM does not act again when another child joins it."""
    rule = assembly.one("Guardrails", "AWS::Events::Rule")
    pattern = rule["EventPattern"]
    assert pattern["source"] == ["aws.cloudwatch"]
    assert pattern["detail-type"] == ["CloudWatch Alarm State Change"]
    assert pattern["detail"]["state"] == {"value": ["ALARM"]}
    alarms = assembly.resources("Guardrails", "AWS::CloudWatch::Alarm")
    named = {
        alarms[each["Ref"]]["Properties"]["AlarmName"] for each in pattern["detail"]["alarmName"]
    }
    assert named == children(assembly, "canary-warning")
    (target,) = rule["Targets"]
    assert "PauseLive" in text(target["Arn"])


@pytest.mark.parametrize("topic", ["canary-on-call", "canary-ml-engineers"])
def test_alarms_and_rules_may_publish_to_the_encrypted_topics(
    assembly: Assembly, topic: str
) -> None:
    """The key and the topic admit both services; otherwise their messages vanish."""
    topics = assembly.resources("State", "AWS::SNS::Topic")
    (logical_id,) = [
        name for name, each in topics.items() if each["Properties"]["TopicName"] == topic
    ]
    assert "KmsMasterKeyId" in topics[logical_id]["Properties"]
    services = {"cloudwatch.amazonaws.com", "events.amazonaws.com"}
    policies = assembly.resources("State", "AWS::SNS::TopicPolicy").values()
    (statements,) = [
        each["Properties"]["PolicyDocument"]["Statement"]
        for each in policies
        if each["Properties"]["Topics"] == [{"Ref": logical_id}]
    ]
    published = [each for each in statements if each["Action"] == "sns:Publish"]
    allowed = [each for each in published if each["Effect"] == "Allow"]
    assert [set(each["Principal"]["Service"]) for each in allowed] == [services]
    (key, _) = topics[logical_id]["Properties"]["KmsMasterKeyId"]["Fn::GetAtt"]
    policy = assembly.resources("State", "AWS::KMS::Key")[key]["Properties"]["KeyPolicy"]
    admitted = [each for each in policy["Statement"] if "Service" in each["Principal"]]
    assert {each["Principal"]["Service"] for each in admitted} == services
    for each in admitted:
        assert set(each["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey*"}


def test_a_lost_rollback_is_heard(assembly: Assembly) -> None:
    """Calls of the rollback function that fail for good reach the person on call."""
    rollback = assembly.functions()["canary-rollback"]
    (queue,) = assembly.resources("Progression", "AWS::SQS::Queue")
    assert rollback["DeadLetterConfig"]["TargetArn"] == {"Fn::GetAtt": [queue, "Arn"]}
    alarms = assembly.named("Progression", "AWS::CloudWatch::Alarm", "AlarmName")
    alarm = alarms["rollback-dead-letters"]
    assert alarm["Threshold"] == 0
    assert "TopicsOnCall" in text(alarm["AlarmActions"][0])


def test_a_rollback_that_fails_or_does_not_end_is_heard(assembly: Assembly) -> None:
    """The person on call is told; neither alarm is a guardrail, so neither stops a release."""
    alarms = assembly.named("Progression", "AWS::CloudWatch::Alarm", "AlarmName")
    failed, late = alarms["rollback-failed"], alarms["rollback-late"]
    for alarm in (failed, late):
        assert ["TopicsOnCall" in text(each) for each in alarm["AlarmActions"]] == [True]
        assert alarm["TreatMissingData"] == "notBreaching"
        assert not alarm["AlarmName"].startswith(PREFIXES)
    assert (failed["Namespace"], failed["MetricName"]) == ("AWS/Lambda", "Errors")
    (function,) = (each["Value"]["Ref"] for each in failed["Dimensions"])
    functions = assembly.resources("Progression", "AWS::Lambda::Function")
    assert functions[function]["Properties"]["FunctionName"] == "canary-rollback"
    assert (late["Namespace"], late["MetricName"]) == ("MangaAssist/Canary", "RollbackSeconds")
    assert "Dimensions" not in late
    assert late["Threshold"] == 180


def test_a_report_that_fails_is_heard_and_stops_nothing(assembly: Assembly) -> None:
    """The ML engineers are told; no release asks this alarm."""
    alarm = assembly.named("Progression", "AWS::CloudWatch::Alarm", "AlarmName")["report-failed"]
    assert ["TopicsMlEngineers" in text(each) for each in alarm["AlarmActions"]] == [True]
    assert not alarm["AlarmName"].startswith(PREFIXES)
    (function,) = (each["Value"]["Ref"] for each in alarm["Dimensions"])
    functions = assembly.resources("Progression", "AWS::Lambda::Function")
    assert functions[function]["Properties"]["FunctionName"] == "canary-report"


def test_every_end_of_a_release_writes_its_report(assembly: Assembly) -> None:
    """Promoted, rejected, rolled back or failed: each way in which an execution ends."""
    rules = [
        each["Properties"]
        for each in assembly.resources("Progression", "AWS::Events::Rule").values()
        if "last report" in each["Properties"].get("Description", "")
    ]
    (rule,) = rules
    assert rule["EventPattern"]["detail"]["status"] == [
        "SUCCEEDED",
        "FAILED",
        "TIMED_OUT",
        "ABORTED",
    ]
    (target,) = rule["Targets"]
    assert "Report" in text(target["Arn"])
