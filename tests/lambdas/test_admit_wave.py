"""Admission in a later wave: what the other region's table says, and what its silence means."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from canary.aws.records import Releases
from canary.release.admission import Request
from canary.release.admission import admit as first_record
from canary.release.model import Phase
from tests.lambdas.test_admit import INPUT

pytestmark = pytest.mark.usefixtures("stacks")
FIRST_WAVE = "eu-west-1"
"""The region of the wave before; the fixture's own region is in the second wave here."""


@pytest.fixture
def second_wave(region: Any) -> Any:
    """The region, with a policy that puts it behind another one, and a registered test."""
    region.register(hypothesis="non_inferiority")
    policy = replace(region.policy, wave=2, wave_before=(FIRST_WAVE,))
    region.client("s3").put_object(Bucket="policies", Key="p.json", Body=policy.to_json().encode())
    region.client("ssm").put_parameter(
        Name="/mangaassist/canary/policy",
        Value=json.dumps({"digest": policy.digest, "bucket": "policies", "key": "p.json"}),
        Overwrite=True,
    )
    return region


@pytest.fixture
def first_wave(second_wave: Any) -> Releases:
    """The other region's table."""
    client = boto3.client("dynamodb", region_name=FIRST_WAVE)
    client.create_table(
        TableName="canary-releases",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
    )
    return Releases(client, "canary-releases")


def start(region: Any, **changes: Any) -> Any:
    return region.load("admit").handler({"input": INPUT | changes}, None)


def release_there(first_wave: Releases, region: Any, *, promoted: bool, **changes: Any) -> None:
    """Release r-1 in the first wave, finished or still under way."""
    request = Request.from_dict(INPUT | changes)
    state = first_wave.create(first_record(request, region.policy, control="model-a", at=1.0))
    if promoted:
        first_wave.save(state, replace(state, phase=Phase.PROMOTED))


def refused(region: Any, words: str, **changes: Any) -> None:
    module = region.load("admit")
    with pytest.raises(module.AdmissionRefused, match=words):
        module.handler({"input": INPUT | changes}, None)
    assert region.releases.lock() is None


def test_a_release_promoted_in_the_first_wave_is_admitted(
    second_wave: Any, first_wave: Releases
) -> None:
    """The record of the same release is read across regions, from its table alone."""
    release_there(first_wave, second_wave, promoted=True)
    assert start(second_wave)["offline"] == "PASS"
    assert second_wave.record().phase is Phase.ADMITTED


def test_a_release_under_way_in_the_first_wave_is_not_overtaken(
    second_wave: Any, first_wave: Releases
) -> None:
    """The second wave waits for the end of the first."""
    release_there(first_wave, second_wave, promoted=False)
    refused(second_wave, f"wave: {FIRST_WAVE}: r-1 is active")


def test_a_release_unknown_in_the_first_wave_is_refused(
    second_wave: Any, first_wave: Releases
) -> None:
    """Nothing starts in the second wave by itself."""
    refused(second_wave, "has no release r-1")


def test_another_candidate_names_the_release_it_follows(
    second_wave: Any, first_wave: Releases
) -> None:
    """`follows` in the execution's input, and not another candidate by accident."""
    release_there(first_wave, second_wave, promoted=True, candidate="model-c")
    refused(second_wave, "another candidate must name")
    assert start(second_wave, release_id="r-1-jp", follows="r-1")["offline"] == "PASS"


def test_a_region_without_the_table_refuses(second_wave: Any) -> None:
    """A first wave that was never deployed has promoted nothing."""
    refused(second_wave, "cannot be asked .*ResourceNotFound")


def test_a_refused_permission_refuses(
    second_wave: Any, first_wave: Releases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A role that may not read the table cannot know, so nothing starts."""
    release_there(first_wave, second_wave, promoted=True)
    denied = ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetItem")
    monkeypatch.setattr("canary.aws.wave.Releases.load", _raise(denied))
    refused(second_wave, "cannot be asked .*AccessDenied")


def test_an_unreachable_region_refuses(
    second_wave: Any, first_wave: Releases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Silence is not consent."""
    release_there(first_wave, second_wave, promoted=True)
    timeout = ConnectTimeoutError(endpoint_url="https://dynamodb.eu-west-1.amazonaws.com")
    monkeypatch.setattr("canary.aws.wave.Releases.load", _raise(timeout))
    refused(second_wave, "cannot be asked .*timeout")


def test_a_record_of_another_shape_refuses(second_wave: Any, first_wave: Releases) -> None:
    """A phase that this version does not know is not a promotion."""
    boto3.client("dynamodb", region_name=FIRST_WAVE).put_item(
        TableName="canary-releases",
        Item={
            "pk": {"S": "RELEASE#r-1"},
            "sk": {"S": "RECORD"},
            "phase": {"S": "PROMOTED_SOMEHOW"},
        },
    )
    refused(second_wave, "cannot be read")


def test_a_retry_does_not_ask_again(
    second_wave: Any, first_wave: Releases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who was admitted has had its turn: a fault of the other region cannot strand its lock."""
    release_there(first_wave, second_wave, promoted=True)
    start(second_wave)
    monkeypatch.setattr("canary.aws.wave.client", _raise(AssertionError("asked again")))
    assert start(second_wave)["offline"] == "PASS"


def _raise(error: Exception) -> Any:
    def fail(*_arguments: object, **_named: object) -> Any:
        raise error

    return fail
