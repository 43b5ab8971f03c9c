"""What is done faster than moto does it must answer what moto answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import backends, mock_aws

from canary.local import emulator_speed
from canary.local.patches import Patches
from tests.local.alarm_bench import REGION

DEEP: dict[str, Any] = {
    "M": {
        "list": {"L": [{"M": {"s": {"S": "x"}, "n": {"N": "1.5"}}}, {"NULL": True}]},
        "flags": {"L": [{"BOOL": True}, {"BOOL": False}, {"L": []}, {"M": {}}]},
        "numbers": {"NS": ["1", "2"]},
    }
}
ITEM: dict[str, Any] = {
    "pk": {"S": "release"},
    "sk": {"S": "1"},
    "deep": DEEP,
    "names": {"SS": ["a", "b"]},
    "empty": {"S": ""},
}


@pytest.fixture
def table(aws_keys: None) -> Iterator[Any]:
    """A client whose table `t` holds the item twice."""
    with mock_aws():
        client = boto3.client("dynamodb", region_name=REGION)
        client.create_table(
            TableName="t",
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        for place in ("1", "2"):
            client.put_item(TableName="t", Item={**ITEM, "sk": {"S": place}})
        yield client


def answers(client: Any) -> list[Any]:
    """What each way to be given items answers, its metadata left out."""
    key = {"pk": {"S": "release"}, "sk": {"S": "1"}}
    about = {
        "TableName": "t",
        "Key": key,
        "UpdateExpression": "SET seen = :yes",
        "ConditionExpression": "attribute_exists(pk)",
        "ExpressionAttributeValues": {":yes": {"BOOL": True}},
    }
    found = [
        client.get_item(TableName="t", Key=key),
        client.get_item(TableName="t", Key={**key, "sk": {"S": "none"}}),
        client.query(
            TableName="t",
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": "release"}},
        ),
        client.scan(TableName="t"),
        client.batch_get_item(RequestItems={"t": {"Keys": [key]}}),
        client.transact_get_items(TransactItems=[{"Get": {"TableName": "t", "Key": key}}]),
        client.update_item(**about, ReturnValues="ALL_NEW"),
        client.update_item(**about, ReturnValues="ALL_OLD"),
    ]
    with pytest.raises(client.exceptions.ConditionalCheckFailedException) as refused:
        client.update_item(
            **about | {"ConditionExpression": "attribute_not_exists(pk)"},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    found.append(refused.value.response)
    return [{k: v for k, v in each.items() if k != "ResponseMetadata"} for each in found]


def test_items_are_answered_as_moto_answers_them(table: Any) -> None:
    """Deep values, sets, empty ones, an absent item, and what a failed condition shows."""
    answers(table)  # the first update changes what is answered
    wanted = answers(table)
    patches = Patches()
    emulator_speed.install(patches)
    try:
        assert answers(table) == wanted
    finally:
        patches.undo()
    assert wanted[0]["Item"]["deep"] == DEEP


def test_services_are_those_of_the_directory() -> None:
    """The list is complete, and can be read more than once."""
    wanted = list(backends.list_of_moto_modules())
    patches = Patches()
    emulator_speed.install(patches)
    try:
        assert [list(backends.list_of_moto_modules()) for _ in range(2)] == [wanted] * 2
    finally:
        patches.undo()
