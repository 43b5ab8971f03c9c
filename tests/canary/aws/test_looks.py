"""Looks are kept whole, in order of time, and what is no look is said to be none."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import replace

import boto3
import pytest
from moto import mock_aws

from canary.aws.looks import Looks, pack, unpack
from canary.decision.engine import evaluate
from canary.decision.record import LookRecord
from tests.canary.decision.looks import HOUR, at_stage, cells, facts, policy


def taken(hours: float, *, stage: int = 1) -> LookRecord:
    """A look so many hours into the block."""
    state = replace(at_stage(stage), policy=policy().to_json())
    known = facts(hours * HOUR, cells(2_000))
    decision = evaluate(policy(), state, known, asked_stage=stage)
    return LookRecord(state, known, stage, decision.to_exact_dict())


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Looks]:
    """A bucket in memory."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="reports")
        yield Looks(client, "reports")


def test_looks_come_back_whole_and_in_order_of_time(looks: Looks) -> None:
    """Whatever the order of writing, and the stage's place before the moment in the key."""
    written = [taken(5, stage=2), taken(1), taken(20, stage=1)]
    keys = [looks.write(record) for record in written]
    assert keys[1] == f"looks/{written[1].state.release_id}/1-{HOUR * 1000:.0f}.json.gz"
    assert looks.read(written[0].state.release_id) == (written[1], written[0], written[2])


def test_another_release_and_another_object_are_not_read(looks: Looks) -> None:
    """A release's name that begins like another's, and an object of another name."""
    record = taken(1)
    looks.write(replace(record, state=replace(record.state, release_id="r-10")))
    looks._client.put_object(Bucket="reports", Key="looks/r-1/notes.txt", Body=b"by hand")
    assert looks.read("r-1") == ()


def test_the_same_look_is_the_same_bytes() -> None:
    """A second write of one look changes nothing."""
    assert pack(taken(3)) == pack(taken(3))


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b"\x1f\x8b", b"\xff\xfe", gzip.compress(b'{"state": {}}', mtime=0)],
)
def test_what_is_no_look_is_said_to_be_none(content: bytes) -> None:
    """The error names the source, whatever is wrong."""
    with pytest.raises(ValueError, match=r"x\.gz: not a look"):
        unpack(content, "x.gz")


def test_a_look_that_was_uncompressed_by_hand_is_read_too() -> None:
    """JSON without gzip, as a person may have saved it."""
    record = taken(2)
    assert unpack(record.to_json().encode(), "look.json") == record
