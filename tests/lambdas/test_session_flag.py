"""The fast copy of the kill switch, against a real Valkey."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from tests.valkey import running_valkey


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    with running_valkey() as running:
        yield running


@pytest.fixture
def cache(region: Any, server: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("CACHE_HOST", "127.0.0.1")
    monkeypatch.setenv("CACHE_PORT", str(server.port))
    monkeypatch.setenv("CACHE_TLS", "false")
    with redis.Redis(port=server.port, decode_responses=True) as client:
        client.flushall()
        yield client


@pytest.mark.parametrize(("active", "flag"), [(True, "true"), (False, "false")])
def test_the_flag_is_what_the_caller_says(region: Any, cache: Any, active: bool, flag: str) -> None:
    """Readers compare words, so words are written."""
    assert region.load("session_flag").handler({"active": active}, None) == {"done": True}
    assert cache.get("canary_active") == flag


def test_the_flag_can_be_read_back(region: Any, cache: Any) -> None:
    """A drill looks at it where it is; absent is neither on nor off."""
    handler = region.load("session_flag").handler
    assert handler({}, None) == {"active": None}
    for active in (True, False):
        handler({"active": active}, None)
        assert handler({}, None) == {"active": active}


def test_the_password_comes_from_the_secret(
    region: Any, cache: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user and the secret's password let the function in; a wrong one keeps it out."""
    cache.execute_command("ACL", "SETUSER", "functions", "on", ">right", "~*", "+@all")
    secrets = region.client("secretsmanager")
    arn = secrets.create_secret(Name="cache", SecretString="right")["ARN"]
    monkeypatch.setenv("CACHE_USER", "functions")
    monkeypatch.setenv("CACHE_SECRET_ARN", arn)
    handler = region.load("session_flag").handler
    assert handler({"active": False}, None) == {"done": True}
    secrets.put_secret_value(SecretId=arn, SecretString="wrong")
    with pytest.raises(redis.AuthenticationError):
        handler({"active": False}, None)
