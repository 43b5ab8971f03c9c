"""The load balancers of a region as one part: started from the emulator, counted, stopped."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Iterator
from types import SimpleNamespace

import aiohttp
import pytest

from canary.local.load_balancer_control import LoadBalancerControl
from canary.local.metrics import MetricStore, series_key
from canary.local.processes import Processes
from canary.local.routes import UnsupportedRouteError
from tests.local.alarm_bench import StillClock
from tests.local.balancer_scene import (
    BALANCER,
    CHECKOUT,
    FIXED,
    GROUP,
    LISTENER,
    Backend,
    forward,
    path,
)


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
