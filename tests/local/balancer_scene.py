"""A load balancer in this process with real backends behind it."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from canary.local.load_balancer import LoadBalancer

LISTENER = "arn:aws:elasticloadbalancing:us-east-1:1:listener/app/edge/1/2"
BALANCER = "arn:aws:elasticloadbalancing:us-east-1:1:loadbalancer/app/edge/1"
GROUP = "arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/"
FIXED = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}]
CHECKOUT = Path(__file__).parents[2]


def forward(**weights: int) -> list[dict[str, Any]]:
    groups = [{"TargetGroupArn": GROUP + name, "Weight": w} for name, w in weights.items()]
    return [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]


def header(value: str) -> list[dict[str, Any]]:
    config = {"HttpHeaderName": "X-Canary-Arm", "Values": [value]}
    return [{"Field": "http-header", "HttpHeaderConfig": config}]


def path(pattern: str) -> list[dict[str, Any]]:
    return [{"Field": "path-pattern", "PathPatternConfig": {"Values": [pattern]}}]


class Backend:
    """A task: answers with its name, can be slow, can drop the connection."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.status = 200
        self.delay = 0.0
        self.drop = False
        self.go_on: asyncio.Event | None = None
        """Set: it answers in two pieces, and waits for this between them."""
        self.seen: list[web.BaseRequest] = []

    async def start(self) -> None:
        server = web.Server(self.answer, access_log=None)
        self.runner = web.ServerRunner(server, shutdown_timeout=5.0)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        self.port: int = self.runner.addresses[0][1]

    async def stop(self) -> None:
        await self.runner.cleanup()

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.seen.append(request)
        body = await request.text()
        await asyncio.sleep(self.delay)
        if self.go_on:
            pieces = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await pieces.prepare(request)
            await pieces.write(b"one ")
            await self.go_on.wait()
            if self.drop and request.transport is not None:
                request.transport.abort()
            await pieces.write(b"two")
            return pieces
        if self.drop and request.transport is not None:
            request.transport.close()
        return web.Response(
            status=self.status, text=self.name + body, headers={"X-Task": self.name}
        )


class Scene:
    """One listener before two tasks, each the only target of its group."""

    def __init__(self) -> None:
        self.balancer = LoadBalancer(seed=7)
        self.tasks = {name: Backend(name) for name in ("primary", "canary")}
        self.bound = socket.socket()
        self.bound.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.bound.getsockname()[1]}"
        self.client = aiohttp.ClientSession()
        self.targets: dict[str, list[list[Any]]] = {}
        self.timeout = 60.0

    async def start(self) -> None:
        for name, task in self.tasks.items():
            await task.start()
            self.targets[GROUP + name] = [["127.0.0.1", task.port, "healthy"]]

    async def stop(self) -> None:
        await self.client.close()
        await self.balancer.close()
        for task in self.tasks.values():
            await task.stop()
        self.bound.close()

    async def rules(self, *rules: tuple[list[Any], list[Any]]) -> None:
        listener = {
            "arn": LISTENER,
            "balancer": BALANCER,
            "timeout": self.timeout,
            "rules": [{"conditions": when, "actions": then} for when, then in rules],
            "default": FIXED,
        }
        message = {"listeners": [listener], "groups": self.targets}
        await self.balancer.configure(message, {LISTENER: self.bound})

    async def get(self, arm: str = "", route: str = "/") -> tuple[int, str]:
        headers = {"x-canary-arm": arm} if arm else {}
        async with self.client.get(self.url + route, headers=headers) as answer:
            return answer.status, await answer.text()
