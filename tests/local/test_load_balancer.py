"""The load balancer over real HTTP: weights, rules, failures and changes under load."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from yarl import URL

from canary.local.routes import Redirect, UnsupportedRouteError, parse_action, parse_conditions
from tests.local.balancer_scene import (
    BALANCER,
    FIXED,
    GROUP,
    Scene,
    forward,
    header,
    path,
)


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
    answers: Counter[int] = Counter()
    stop = asyncio.Event()
    scene.tasks["canary"].delay = 0.01

    async def ask(who: int) -> None:
        while not stop.is_set():
            statuses[(await scene.get())[0]] += 1
            answers[who] += 1

    async def answered_again(askers: range) -> None:
        """Each of these has been answered a request that began after now."""
        until = {who: answers[who] + 2 for who in askers}
        async with asyncio.timeout(60):
            while any(answers[who] < count for who, count in until.items()):  # noqa: ASYNC110
                await asyncio.sleep(0.001)

    everybody = range(8)
    await scene.rules((path("/*"), forward(primary=50, canary=50)))
    asking = [asyncio.create_task(ask(who)) for who in everybody]
    for number in range(40):
        weight = generator.randrange(101)
        await scene.rules((path("/*"), forward(primary=weight, canary=100 - weight)))
        await answered_again(range(number % 8, number % 8 + 1))
    await scene.rules((path("/*"), forward(primary=100, canary=0)))
    scene.targets[GROUP + "canary"][0][2] = "draining"
    await scene.rules((path("/*"), forward(primary=100, canary=0)))
    await answered_again(everybody)
    await scene.tasks["canary"].stop()
    await answered_again(everybody)
    stop.set()
    await asyncio.gather(*asking)
    assert set(statuses) == {200}
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


async def test_answer_in_pieces_when_forwarded_then_each_arrives_as_it_comes(scene: Scene) -> None:
    """The first piece is the client's before the second is sent; the length is nobody's guess."""
    await scene.rules((path("/*"), forward(primary=1)))
    scene.tasks["primary"].go_on = go_on = asyncio.Event()
    async with scene.client.get(scene.url) as answer:
        assert answer.content_type == "text/event-stream"
        assert await answer.content.readany() == b"one "
        go_on.set()
        assert await answer.content.read() == b"two"


async def test_answer_in_pieces_when_its_task_breaks_off_then_the_client_sees_it(
    scene: Scene,
) -> None:
    """Half an answer must not look like a whole one."""
    await scene.rules((path("/*"), forward(primary=1)))
    task = scene.tasks["primary"]
    task.go_on, task.drop = asyncio.Event(), True
    async with scene.client.get(scene.url) as answer:
        assert await answer.content.readany() == b"one "
        task.go_on.set()
        with pytest.raises(aiohttp.ClientError):
            await answer.content.read()
