"""The cache: real Valkey, gone and back at one address."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from canary.local.cache import Cache
from canary.local.processes import Processes


@pytest.fixture
def cache() -> Iterator[Cache]:
    with Processes() as processes:
        made = Cache(processes)
        made.start()
        yield made


def client(cache: Cache, **who: str) -> redis.Redis:
    host, port = cache.address
    once = Retry(NoBackoff(), 0)
    return redis.Redis(host=host, port=port, decode_responses=True, retry=once, **who)


def test_cache_when_started_then_answers_and_keeps_nothing_on_disk(cache: Cache) -> None:
    """It is a real server, without a snapshot and without an append-only file."""
    connection = client(cache)
    assert connection.set("k", "v", ex=60) is True
    assert connection.get("k") == "v"
    assert connection.config_get("save") == {"save": ""}
    assert connection.config_get("appendonly") == {"appendonly": "no"}


def test_cache_when_stopped_then_refuses_and_comes_back_empty(cache: Cache) -> None:
    """The fault is a refused connection; afterwards the same address serves, with its users."""
    cache.set_user("api", ["hush"], "on ~* +@all")
    connection = client(cache, username="api", password="hush")
    connection.set("k", "v")
    cache.stop()
    with pytest.raises(redis.ConnectionError):
        connection.get("k")
    cache.start()
    assert connection.get("k") is None


def test_set_user_when_password_is_wrong_then_is_refused(cache: Cache) -> None:
    """A user of the template logs in with its password only."""
    cache.set_user("api", ["hush"], "on ~* +@all")
    with pytest.raises(redis.AuthenticationError):
        client(cache, username="api", password="guess").ping()


def test_set_user_when_it_locks_the_default_user_then_others_can_still_be_set(
    cache: Cache,
) -> None:
    """A password for everyone does not lock out the region that sets the next user."""
    cache.set_user("default", ["secret"], "on ~* +@all")
    cache.set_user("api", [], "on ~* +@all")
    assert client(cache, username="api", password="").ping()
    with pytest.raises(redis.AuthenticationError):
        client(cache).ping()
