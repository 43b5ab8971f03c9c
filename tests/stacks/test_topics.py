"""Who may speak on the topics, and with which key."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stacks.assembly import Assembly

OWN_ACCOUNT = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def statements(policy: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["Sid"]: each for each in policy["Statement"] if "Sid" in each}


def key(assembly: Assembly) -> dict[str, Any]:
    (found,) = [
        each["Properties"]
        for each in assembly.resources("State", "AWS::KMS::Key").values()
        if "topics" in each["Properties"]["Description"]
    ]
    return found


@pytest.mark.parametrize(
    ("sid", "service", "condition"),
    [
        ("LetAlarmsEncrypt", "cloudwatch.amazonaws.com", OWN_ACCOUNT),
        ("LetRulesEncrypt", "events.amazonaws.com", None),
    ],
)
def test_the_topics_key_admits_alarms_and_rules(
    assembly: Assembly, sid: str, service: str, condition: dict[str, Any] | None
) -> None:
    """Alarms of this account; rules without a condition, as EventBridge names no account to KMS."""
    statement = statements(key(assembly)["KeyPolicy"])[sid]
    assert statement["Principal"] == {"Service": service}
    assert statement["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]
    assert statement.get("Condition") == condition


def test_each_topic_is_encrypted_and_takes_messages_of_this_account_only(
    assembly: Assembly,
) -> None:
    """Both topics have the key; services publish for this account, over TLS."""
    topics = assembly.resources("State", "AWS::SNS::Topic").values()
    assert {each["Properties"]["TopicName"] for each in topics} == {
        "canary-on-call",
        "canary-ml-engineers",
    }
    assert all(each["Properties"]["KmsMasterKeyId"] for each in topics)
    for policy in assembly.resources("State", "AWS::SNS::TopicPolicy").values():
        found = statements(policy["Properties"]["PolicyDocument"])
        assert found["LetAlarmsAndRulesPublish"]["Condition"] == OWN_ACCOUNT
        assert found["AllowPublishThroughSSLOnly"]["Effect"] == "Deny"
