"""`canary page`: the page's files from the package, its document with the caller's credentials."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from click.testing import CliRunner
from moto import mock_aws

from canary.cli.page import OUTPUT, document, page
from canary.cli.stack_outputs import STATE_STACK

REGION = "us-east-1"
TEMPLATE = (
    '{"Resources": {"B": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "the-page"}}},'
    f'"Outputs": {{"{OUTPUT}": {{"Value": {{"Ref": "B"}}}}}}}}'
)


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        boto3.client("cloudformation", region_name=REGION).create_stack(
            StackName=STATE_STACK, TemplateBody=TEMPLATE
        )
        yield boto3.client("s3", region_name=REGION)


def test_the_page_shows_the_document_of_the_region_s_bucket(
    s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by the stack's output; each request reads it anew; the port is free afterwards."""
    s3.put_object(Bucket="the-page", Key="dashboard.json", Body=b'{"release_id": "r"}')
    found: dict[str, bytes] = {}
    urls: list[str] = []

    def look() -> None:
        for name in ("dashboard.json", "index.html"):
            with urllib.request.urlopen(f"{urls[0]}{name}") as answer:
                found[name] = answer.read()
        raise KeyboardInterrupt

    monkeypatch.setattr("click.echo", lambda text, **_: urls.append(text.split()[1]))
    monkeypatch.setattr("canary.cli.page.wait", look)
    CliRunner().invoke(page, ["--region", REGION, "--port", "0"])
    assert found["dashboard.json"] == b'{"release_id": "r"}'
    assert b"<html" in found["index.html"]
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(urls[0])


def test_a_document_that_may_not_be_read_is_told_and_not_shown(
    s3: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """The page says that it has no document; the terminal says why."""
    assert document(s3, "the-page") is None
    assert "s3://the-page/dashboard.json" in capsys.readouterr().err


def test_a_region_without_the_stack_is_one_line(s3: Any) -> None:
    """What is missing, and how to name the bucket instead."""
    done = CliRunner().invoke(page, ["--region", "eu-west-1"])
    assert done.exit_code == 1
    assert "--bucket" in done.output
