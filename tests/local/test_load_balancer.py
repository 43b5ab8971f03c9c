"""The load balancer over real HTTP: weights, rules, failures and changes under load."""

from __future__ import annotations

import asyncio
import random
import re
import socket
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from canary.local.load_balancer import LoadBalancer
from canary.local.load_balancer_control import LoadBalancerControl
from canary.local.metrics import MetricStore, series_key
from canary.local.processes import Processes
from canary.local.routes import Redirect, UnsupportedRouteError, parse_action, parse_conditions
from tests.local.alarm_bench import StillClock

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


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    made = Scene()
    await made.start()
    yield made
    await made.stop()


async def test_rules_when_headers_and_paths_match_then_the_first_by_order_wins(
    scene: Scene,
) -> None:
    """Header rules before the path rule; no match is the default action, a 503 of our own."""
    await scene.rules(
        (header("control"), forward(primary=100, canary=0)),
        (header("canary"), forward(primary=0, canary=100)),
        (path("/arm*"), forward(primary=100, canary=0)),
    )
    assert await scene.get("control") == (200, "primary")
    assert await scene.get("CANARY") == (200, "canary")
    assert await scene.get(route="/arm") == (200, "primary")
    assert (await scene.get(route="/else"))[0] == 503


async def test_weights_when_many_requests_then_lie_within_binomial_bounds(scene: Scene) -> None:
    """A quarter of 2,000 requests, within 4 standard deviations."""
    await scene.rules((path("/*"), forward(primary=75, canary=25)))
    counted: Counter[str] = Counter()

    async def ask() -> None:
        for _ in range(200):
            counted[(await scene.get())[1]] += 1

    await asyncio.gather(*(ask() for _ in range(10)))
    assert abs(counted["canary"] - 500) < 4 * (2000 * 0.25 * 0.75) ** 0.5
    assert counted.total() == 2000


async def test_request_when_forwarded_then_arrives_whole(scene: Scene) -> None:
    """Method, path, query, body and headers reach the task; its answer comes back as it was."""
    await scene.rules((path("/*"), forward(primary=1)))
    scene.tasks["primary"].status = 429
    async with scene.client.post(
        URL(f"{scene.url}/v1/con%20verse?a=1&b=%2F", encoded=True),
        data=b"hello",
        headers={"X-Own": "yes"},
    ) as answer:
        assert (answer.status, await answer.text()) == (429, "primaryhello")
        assert answer.headers["X-Task"] == "primary"
    (seen,) = scene.tasks["primary"].seen
    assert (seen.method, seen.raw_path) == ("POST", "/v1/con%20verse?a=1&b=%2F")
    assert seen.headers["X-Own"] == "yes"
    assert seen.headers["X-Forwarded-For"] == "127.0.0.1"
    assert f"http://{seen.headers['Host']}" == scene.url


async def test_targets_when_several_then_take_turns(scene: Scene) -> None:
    """Round robin over the healthy ones; unhealthy and draining ones get nothing."""
    one, two = (["127.0.0.1", task.port, "healthy"] for task in scene.tasks.values())
    scene.targets[GROUP + "primary"] = [one, two, ["127.0.0.1", 9, "unhealthy"]]
    await scene.rules((path("/*"), forward(primary=1)))
    assert Counter([(await scene.get())[1] for _ in range(10)]) == {"primary": 5, "canary": 5}
    scene.targets[GROUP + "primary"] = [one, [*two[:2], "draining"]]
    await scene.rules((path("/*"), forward(primary=1)))
    assert {(await scene.get())[1] for _ in range(4)} == {"primary"}


async def test_group_when_nobody_is_registered_then_503(scene: Scene) -> None:
    """No target, or only draining ones, or no weight at all: 503 of our own."""
    scene.targets[GROUP + "canary"] = []
    scene.targets[GROUP + "primary"][0][2] = "draining"
    await scene.rules(
        (header("canary"), forward(canary=1)),
        (header("control"), forward(primary=1)),
        (path("/*"), forward(primary=0, canary=0)),
    )
    assert [(await scene.get(arm))[0] for arm in ("canary", "control", "")] == [503] * 3
    taken = scene.balancer.counts.take()
    assert taken["balancers"] == [{"balancer": BALANCER, "own": [[503, 3]]}]
    assert taken["groups"] == []


async def test_group_when_all_are_unhealthy_then_fails_open(scene: Scene) -> None:
    """With no healthy target every registered one is tried."""
    scene.targets[GROUP + "canary"][0][2] = "unhealthy"
    await scene.rules((path("/*"), forward(canary=1)))
    assert await scene.get() == (200, "canary")


async def test_target_when_it_refuses_then_502_and_a_connection_error(scene: Scene) -> None:
    """A dead task's only target group answers 502."""
    await scene.tasks["canary"].stop()
    await scene.rules((path("/*"), forward(canary=1)))
    assert (await scene.get())[0] == 502
    taken = scene.balancer.counts.take()
    (group,) = taken["groups"]
    assert (group["requests"], group["connection_errors"], group["statuses"]) == (1, 1, {})
    assert taken["balancers"][0]["own"] == [[502, 1]]


async def test_target_when_it_refuses_and_there_is_another_then_the_other_answers(
    scene: Scene,
) -> None:
    """Nothing was sent yet, so the request goes to another target: the failover is unseen."""
    scene.targets[GROUP + "primary"] += [["127.0.0.1", scene.tasks["canary"].port, "healthy"]]
    await scene.tasks["canary"].stop()
    await scene.rules((path("/*"), forward(primary=1)))
    assert {await scene.get() for _ in range(6)} == {(200, "primary")}


async def test_target_when_it_drops_the_connection_then_a_post_is_not_sent_again(
    scene: Scene,
) -> None:
    """Bytes were sent: a request that may have had an effect is answered 502, not repeated."""
    scene.tasks["primary"].drop = True
    await scene.rules((path("/*"), forward(primary=1)))
    async with scene.client.post(scene.url, data=b"pay") as answer:
        assert answer.status == 502
    assert len(scene.tasks["primary"].seen) == 1


async def test_target_when_too_slow_then_504(scene: Scene) -> None:
    """The load balancer's idle time-out answers for a task that does not."""
    scene.timeout = 0.05
    scene.tasks["primary"].delay = 5.0
    await scene.rules((path("/*"), forward(primary=1)))
    assert (await scene.get())[0] == 504
    scene.tasks["primary"].delay = 0.0


async def test_change_when_under_load_then_no_request_fails(scene: Scene) -> None:
    """Weights move, a task drains and stops while requests are under way: all are answered 200."""
    generator = random.Random(3)
    statuses: Counter[int] = Counter()
    stop = asyncio.Event()
    scene.tasks["canary"].delay = 0.01

    async def ask() -> None:
        while not stop.is_set():
            statuses[(await scene.get())[0]] += 1

    await scene.rules((path("/*"), forward(primary=50, canary=50)))
    asking = [asyncio.create_task(ask()) for _ in range(8)]
    for _ in range(40):
        weight = generator.randrange(101)
        await scene.rules((path("/*"), forward(primary=weight, canary=100 - weight)))
        await asyncio.sleep(0.005)
    await scene.rules((path("/*"), forward(primary=100, canary=0)))
    scene.targets[GROUP + "canary"][0][2] = "draining"
    await scene.rules((path("/*"), forward(primary=100, canary=0)))
    await asyncio.sleep(0.05)
    await scene.tasks["canary"].stop()
    await asyncio.sleep(0.05)
    stop.set()
    await asyncio.gather(*asking)
    assert set(statuses) == {200}
    assert statuses[200] > 100
    counted = scene.balancer.counts.take()["groups"]
    assert sum(group["requests"] for group in counted) == statuses[200]


def test_redirect_when_asked_then_fills_in_what_is_kept() -> None:
    """`#{...}` stands for the request's own parts."""
    config = {"StatusCode": "HTTP_301", "Protocol": "HTTPS", "Port": "443"}
    action = parse_action([{"Type": "redirect", "RedirectConfig": config}])
    assert isinstance(action, Redirect)
    where = action.location(host="shop", port=80, path="/a/b", query="c=1")
    assert (action.status, where) == (301, "https://shop:443/a/b?c=1")


@pytest.mark.parametrize(
    ("conditions", "actions"),
    [
        ([{"Field": "host-header", "Values": ["x"]}], FIXED),
        ([], [{"Type": "authenticate-oidc"}]),
        ([], [*FIXED, *FIXED]),
        ([], [{"Type": "forward", "ForwardConfig": {
            "TargetGroups": [{"TargetGroupArn": "a"}],
            "TargetGroupStickinessConfig": {"Enabled": True},
        }}]),
    ],
)  # fmt: skip
def test_rule_when_not_supported_then_is_an_error(
    conditions: list[Any], actions: list[Any]
) -> None:
    """A condition or action we do not do is refused, never ignored."""
    with pytest.raises(UnsupportedRouteError):  # noqa: PT012 - either refuses
        parse_conditions(conditions)
        parse_action(actions)


# The control side, with the real process.


class Rule(SimpleNamespace):
    """A listener rule as the emulator keeps it."""


@pytest.fixture
def processes() -> Iterator[Processes]:
    with Processes() as made:
        yield made


async def test_control_when_started_then_serves_and_publishes_metrics(
    processes: Processes,
) -> None:
    """Rules and targets reach the process, its counts become metrics with both dimension sets."""
    task = Backend("primary")
    await task.start()
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    rule = Rule(
        priority=10, conditions=path("/*"), actions=[SimpleNamespace(data=forward(primary=1)[0])]
    )
    listener = SimpleNamespace(
        arn=LISTENER,
        rules={1: rule, 0: Rule(priority="default", actions=[])},
        default_actions=[SimpleNamespace(data=FIXED[0], type="fixed-response")],
    )
    edge = SimpleNamespace(arn=BALANCER, name="edge", listeners={LISTENER: listener}, attrs={})
    backend = SimpleNamespace(
        load_balancers={BALANCER: edge},
        target_groups={GROUP + "primary": SimpleNamespace(arn=GROUP + "primary")},
    )
    table = [("127.0.0.1", task.port, "healthy")]
    store, clock = MetricStore(), StillClock()
    control = LoadBalancerControl(
        backend=backend,
        targets=SimpleNamespace(targets=lambda _arn: list(table)),
        sockets=SimpleNamespace(socket_of=lambda _arn: bound),
        processes=processes,
        store=store,
        clock=clock,
        checkout=CHECKOUT,
    )
    control.start()
    assert await asyncio.to_thread(control.settle)
    group = {"LoadBalancer": "app/edge/1", "TargetGroup": "targetgroup/primary"}

    def metric(name: str, dimensions: dict[str, str], statistic: str = "Sum") -> float | None:
        key = series_key("AWS/ApplicationELB", name, dimensions)
        return store.statistic(key, statistic, 0, clock.at + 60)

    async def until(name: str, dimensions: dict[str, str], wanted: float) -> None:
        async with asyncio.timeout(10):
            while metric(name, dimensions) != wanted:  # noqa: ASYNC110 - another process counts
                await asyncio.sleep(0.02)

    async with aiohttp.ClientSession() as client:
        url = f"http://127.0.0.1:{bound.getsockname()[1]}/"
        for _ in range(5):
            async with client.get(url) as answer:
                assert await answer.text() == "primary"
        await until("RequestCount", group, 5)
        await until("RequestCount", {"LoadBalancer": "app/edge/1"}, 5)
        assert metric("HTTPCode_Target_2XX_Count", group) == 5
        assert metric("HTTPCode_Target_5XX_Count", group) is None
        assert metric("TargetResponseTime", group, "SampleCount") == 5
        assert metric("HealthyHostCount", group, "Maximum") == 1
        last = control.last_request_at(GROUP + "primary")
        assert last is not None
        assert last <= clock.at
        table.clear()
        assert await asyncio.to_thread(control.settle)
        async with client.get(url) as answer:
            assert answer.status == 503
        await until("HTTPCode_ELB_5XX_Count", {"LoadBalancer": "app/edge/1"}, 1)
    control.stop()
    await task.stop()
    assert control.failures == []


def test_control_when_a_rule_is_unsupported_then_does_not_start(processes: Processes) -> None:
    """The region stops at its start on a rule its load balancer would not follow."""
    rule = Rule(
        priority=1,
        conditions=[{"Field": "host-header", "Values": ["x"]}],
        actions=[SimpleNamespace(data=FIXED[0])],
    )
    listener = SimpleNamespace(
        arn=LISTENER,
        rules={1: rule},
        default_actions=[SimpleNamespace(data=FIXED[0], type="fixed-response")],
    )
    edge = SimpleNamespace(arn=BALANCER, name="edge", listeners={LISTENER: listener}, attrs={})
    control = LoadBalancerControl(
        backend=SimpleNamespace(load_balancers={BALANCER: edge}, target_groups={}),
        targets=SimpleNamespace(targets=lambda _arn: []),
        sockets=SimpleNamespace(socket_of=lambda _arn: socket.socket()),
        processes=processes,
        store=MetricStore(),
        clock=StillClock(),
        checkout=CHECKOUT,
    )
    with pytest.raises(UnsupportedRouteError, match=re.escape("'host-header'")):
        control.start()
