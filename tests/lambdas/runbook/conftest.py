"""The person on call, for the tests of the runbook."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import click
import pytest
from botocore.client import BaseClient

from canary.cli.stack_outputs import STATE_STACK
from tests.lambdas.conftest import SERVICE_MODELS, Region
from tests.lambdas.crowds import behind_athena
from tests.lambdas.runbook.duty import Duty


@pytest.fixture
def duty(region: Region, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Duty:
    """A person on call, with a folder of their own."""

    def become(name: str) -> None:
        """Take the credentials of a person: a session of that name."""
        role = "arn:aws:iam::123456789012:role/engineers"
        found = region.client("sts").assume_role(RoleArn=role, RoleSessionName=name)["Credentials"]
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", found["AccessKeyId"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", found["SecretAccessKey"])
        monkeypatch.setenv("AWS_SESSION_TOKEN", found["SessionToken"])
        session = botocore.session.get_session()
        session.register_component("data_loader", SERVICE_MODELS)
        boto3.setup_default_session(botocore_session=session)

    made = Duty(region, behind_athena(monkeypatch), become)
    original = BaseClient._make_api_call

    def api_call(client: Any, operation: str, given: dict[str, Any]) -> Any:
        said = made.answer(operation, given)
        if said is None:
            return original(client, operation, given)
        made.heard.append((operation, given))
        return said

    monkeypatch.setattr(BaseClient, "_make_api_call", api_call)
    monkeypatch.setattr(click, "launch", made.pages.append)
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path / "matplotlib"))
    monkeypatch.chdir(tmp_path)
    template = {
        "Resources": {"T": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {"ReportsBucket": {"Value": "reports"}},
    }
    region.client("cloudformation").create_stack(
        StackName=STATE_STACK, TemplateBody=json.dumps(template)
    )
    return made
