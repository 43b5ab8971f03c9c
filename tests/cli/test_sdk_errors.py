"""What an operator reads when the SDK cannot do its work."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner

from canary.cli.operate import status
from canary.cli.sdk_errors import explained


@pytest.fixture(autouse=True)
def nothing_is_configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No region, no credentials, no profile, no machine that has any."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "canary: no region: give --region, or set AWS_REGION"),
        (("--region", "us-east-1"), "canary: no credentials: sign in (`aws sso login`)"),
        (("--profile", "nobody"), "canary: The config profile (nobody) could not be found"),
    ],
)
def test_what_is_missing_is_named_with_its_remedy(arguments: tuple[str, ...], said: str) -> None:
    """One line, exit 2, before anything is asked of AWS."""
    result = CliRunner().invoke(status, arguments)
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith(said)
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("ExpiredToken", "the credentials have expired: sign in"),
        ("UnrecognizedClientException", "the credentials are not accepted"),
        ("ResourceNotFoundException", "`cdk deploy 'eu-west-1/*'`"),
        ("AccessDeniedException", "the operator's role lacks this permission"),
        ("ThrottlingException", "what AWS says"),
    ],
)
def test_what_aws_answers_is_explained(code: str, says: str) -> None:
    """Where there is something to do about it; else it is said as it is."""
    error = ClientError({"Error": {"Code": code, "Message": "what AWS says."}}, "GetItem")
    assert says in explained(error, "eu-west-1")
