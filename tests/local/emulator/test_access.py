"""The fault of a denied parameter: tasks only, this name only, until it ends."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from canary.local.emulator import Caller, Emulator
from canary.local.parts import Parts

NAME = "/denied/assignment"


def client(emulator: Emulator, caller: Caller) -> Any:
    environment = emulator.child_environment(caller)
    return boto3.session.Session(
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    ).client("ssm", region_name=emulator.region, endpoint_url=emulator.endpoint)


def test_parameter_when_denied_then_only_tasks_cannot_read_it(
    emulator: Emulator, parts: Parts
) -> None:
    """The API goes blind while the release's functions read and write on."""
    region = emulator.client("ssm")
    for name in (NAME, "/denied/other"):
        region.put_parameter(Name=name, Value="x", Type="String")
    task, function = client(emulator, "task"), client(emulator, "function")
    parts.access.deny_parameter(NAME)
    for read in (
        lambda: task.get_parameter(Name=NAME),
        lambda: task.get_parameters(Names=["/denied/other", NAME]),
    ):
        with pytest.raises(ClientError) as refused:
            read()
        assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
    assert task.get_parameter(Name="/denied/other")["Parameter"]["Value"] == "x"
    assert function.get_parameter(Name=NAME)["Parameter"]["Value"] == "x"
    parts.access.allow_parameter(NAME)
    assert task.get_parameter(Name=NAME)["Parameter"]["Value"] == "x"
