"""Bedrock's evaluation jobs for a handler's test: the embedded region's endpoint, on real HTTP."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from canary.local.behaviour import World
from canary.local.clock import Clock
from canary.local.evaluation_endpoint import EvaluationEndpoint
from canary.local.model_endpoint import application

__all__ = ["MockedFiles", "serve"]

REGION = "us-east-1"
_STARTS_WITHIN_SECONDS = 60


@dataclass(frozen=True)
class MockedFiles:
    """The S3 of the test's own region."""

    client: Any

    def read(self, uri: str) -> str:
        """The text of an object."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return str(self.client.get_object(Bucket=bucket, Key=key)["Body"].read().decode())

    def write(self, uri: str, text: str) -> None:
        """Write an object."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        self.client.put_object(Bucket=bucket, Key=key, Body=text.encode())


def serve(world: World, clock: Clock, files: MockedFiles) -> tuple[str, Callable[[], None]]:
    """The endpoint's address, and how to stop it."""
    loop = asyncio.new_event_loop()
    found: list[int] = []
    ready = threading.Event()

    async def start() -> web.AppRunner:
        jobs = EvaluationEndpoint(world, clock, "english", region=REGION, files=files)
        runner = web.AppRunner(application(world, clock, evaluations=jobs), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        found.append(runner.addresses[0][1])
        ready.set()
        return runner

    def run() -> None:
        runner = loop.run_until_complete(start())
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(_STARTS_WITHIN_SECONDS)

    def stop() -> None:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_STARTS_WITHIN_SECONDS)

    return f"http://127.0.0.1:{found[0]}", stop
