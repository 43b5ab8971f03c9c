"""What clients meet at the API's door: sessions, limits, refusals, an honest word when it fails."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from canary.aws import clock
from canary.routing.parameter import AssignmentParameter
from tests.services.region import INTENTS, Region, lines, parameter, world
from tests.valkey import running_valkey

pytestmark = pytest.mark.asyncio(loop_scope="module")
QUESTION = {"conversation_id": "c1", "message": "hello"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared() -> AsyncIterator[Region]:
    """One region with one API task for all of these: starting services is most of a test's time."""
    with running_valkey() as server, pytest.MonkeyPatch.context() as patch:
        async with Region(server, patch) as made:
            await made.start_api()
            yield made


@pytest_asyncio.fixture(loop_scope="module")
async def region(shared: Region) -> AsyncIterator[Region]:
    """The region as it was at first; a test starts another API task where it changes one."""
    first = shared.api
    yield shared
    shared.api, shared.parameter = first, AssignmentParameter()
    shared.status.clear()
    shared.requests.clear()


async def post(
    region: Region, body: Any, path: str = "/v1/chat", **more: Any
) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Status, body and headers of one request, without a cookie unless `more` brings it."""
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
        session.post(region.api + path, json=body, **more) as response,
    ):
        return response.status, await response.json(), dict(response.headers)


async def test_a_visitor_is_given_a_session_that_later_requests_bring(
    region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    """The cookie is the unit: who brings it is not given another; a customer's id goes before."""
    _, _, headers = await post(region, QUESTION)
    cookie = headers["Set-Cookie"]
    assert {"HttpOnly", "Secure", "SameSite=lax"} <= set(cookie.split("; "))
    brought = {"headers": {"Cookie": cookie.partition(";")[0]}}
    for body in (QUESTION, QUESTION | {"session_id": "s1"}, QUESTION | {"customer_id": "ann"}):
        assert "Set-Cookie" not in (await post(region, body, **brought))[2]
    made = cookie.partition("=")[2].partition(";")[0]
    events = lines(capsys.readouterr().out, "turn")
    assert [event["unit_id"] for event in events] == [made, made, "s1", "ann"]
    forged = {"headers": {"Cookie": "manga_session=no id at all"}}
    assert "Set-Cookie" in (await post(region, QUESTION, **forged))[2]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("no json", "body: "),
        ({"message": "m"}, "conversation_id: "),
        (QUESTION | {"message": " "}, "message: "),
        (QUESTION | {"message": "x" * 4001}, "message: "),
        (QUESTION | {"session_id": "x" * 129}, "session_id: "),
        (QUESTION | {"arm": "canary"}, "arm: "),
    ],
)
async def test_a_body_that_is_no_question_is_refused_by_field(
    region: Region, body: Any, said: str
) -> None:
    """422, with the field that is wrong, and nothing of what the customer wrote."""
    status, refusal, _ = await post(region, body)
    assert status == 422
    assert refusal["error"].startswith(said)
    assert "xxx" not in refusal["error"]


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_that_is_too_large_is_refused(region: Region, declared: bool) -> None:
    """413, whether its length was declared or not; the service stops reading."""

    async def chunks() -> Any:
        for _ in range(80):
            yield b"x" * 1024

    body = b"x" * 80_000 if declared else chunks()
    async with region.session.post(region.api + "/v1/chat", data=body) as response:
        assert response.status == 413
        assert await response.json() == {"error": "body: too large"}


async def test_a_session_has_so_many_requests_a_minute_over_all_tasks(
    region: Region, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """429 with the time to wait; others are served, no turn is counted, the next minute is free."""
    monkeypatch.setenv("REQUESTS_A_MINUTE", "3")
    region.clock.ahead += 60 - clock.now() % 60
    first, second = await region.start_api(), await region.start_api()
    for api in (first, second, first):
        await region.said("ann", api=api)
    region.api = second
    status, refusal, headers = await post(region, QUESTION | {"customer_id": "ann"})
    assert (status, refusal["error"]) == (429, "session: more than 3 requests in a minute")
    assert 1 <= int(headers["Retry-After"]) <= 60
    rated = QUESTION | {"customer_id": "ann", "csat": 4}
    del rated["message"]
    assert (await post(region, rated, "/v1/feedback"))[0] == 429
    await region.said("bob")
    assert len(lines(capsys.readouterr().out, "turn")) == 4
    region.clock.ahead += 60
    await region.said("ann")


@pytest.mark.parametrize(("words", "language"), [("hello", "Sorry"), ("返品したい", "申し訳")])
async def test_a_customer_reads_a_sentence_when_no_model_answers(
    region: Region, words: str, language: str
) -> None:
    """502 with when to try again and a text to show, in the customer's own language."""
    region.status["primary"] = 503
    status, body, headers = await post(region, QUESTION | {"message": words})
    assert status == 502
    assert body["text"].startswith(language)
    assert int(headers["Retry-After"]) == body["retry_after_seconds"] > 0


async def test_second_attempts_at_a_control_that_is_down_have_a_budget(region: Region) -> None:
    """A single failure is tried again at once; an outage is not doubled by retries."""
    api = await region.start_api()
    region.status["primary"] = 503
    for n in range(40):
        await region.chat(f"u{n}", api=api)
    attempts = [path for path, _ in region.requests if path == "/v1/converse"]
    assert 40 + 20 <= len(attempts) <= 40 + 20 + 4


async def test_a_canary_that_is_down_is_always_stood_in_for(region: Region) -> None:
    """The budget is for retries: what control answers in the canary's place does not use it."""
    await region.publish(parameter(rate=1.0))
    region.status["canary"] = 503
    for n in range(30):
        assert (await region.chat(f"new{n}"))[0] == 200
    asked = [arm for path, arm in region.requests if path == "/v1/converse"]
    assert asked == ["canary", "control"] * 30


async def test_a_client_cannot_choose_its_arm(
    region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    """The header that the listener's rules read is the API's own, whatever a client sends."""
    for rate, arm, wanted in ((0.0, "control", "canary"), (1.0, "canary", "control")):
        await region.publish(parameter(rate=rate))
        status, body, _ = await post(region, QUESTION, headers={"x-canary-arm": wanted})
        assert (status, body["arm"]) == (200, arm)
    asked = [header for path, header in region.requests if path == "/v1/converse"]
    assert asked == ["control", "canary"]
    served = [e["served_by"] for e in lines(capsys.readouterr().out, "turn")]
    assert served == ["control", "canary"]


async def test_a_classifier_that_fails_is_left_alone_for_a_while(
    region: Region, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Turns go on with the fallback intent; after some failures nobody asks; then it is back."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", address)
        region.api = await region.start_api()
        for n in range(8):
            await region.said("ann", f"c{n}", message="Where is my parcel?")
        assert (await ready(region))["classifier"] == "open"
    region.states[-1]["intents"]._runtime = region.states[0]["intents"]._runtime
    await region.said("ann", "c8", message="Where is my parcel?")
    region.clock.ahead += 11
    await region.said("ann", "c9", message="Where is my parcel?")
    assert (await ready(region))["classifier"] == "ok"
    intents = [event["intent"] for event in lines(capsys.readouterr().out, "turn")]
    assert intents == ["faq"] * 9 + ["order_tracking"]
    assert set(intents) <= set(INTENTS)


async def test_a_message_that_was_classified_is_not_sent_again_for_an_hour(
    region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever says it, in whichever conversation; then a new classifier is heard."""
    for name in ("eva", "ben"):
        await region.said(name, message="Do you have wrapping paper?")
    assert region.classified.count("Do you have wrapping paper?") == 1
    region.clock.ahead += 3601
    await region.said("eva", "c2", message="Do you have wrapping paper?")
    assert region.classified.count("Do you have wrapping paper?") == 2
    assert len({event["intent"] for event in lines(capsys.readouterr().out, "turn")}) == 1


async def ready(region: Region) -> dict[str, Any]:
    """What `/readyz` says, whatever its status."""
    async with region.session.get(region.api + "/readyz") as response:
        body: dict[str, Any] = await response.json()
        assert (response.status == 200) == body["ready"]
        return body


async def test_a_task_is_ready_once_it_has_read_the_assignment(region: Region) -> None:
    """And says what it cannot reach; losing it later does not take the task out of service."""
    region.parameter = None
    region.api = await region.start_api()
    assert not (await ready(region))["ready"]
    await region.publish(parameter())
    assert (await ready(region))["ready"]
    region.valkey.stop()
    try:
        await region.said("ann")
        said = await ready(region)
    finally:
        region.valkey.start()
    del said["assignment_age_seconds"]
    assert said == {"ready": True, "sessions": "failing", "classifier": "ok"}


async def test_it_describes_itself(region: Region) -> None:
    """`/openapi.json` has every route, with what it takes and answers."""
    async with region.session.get(region.api + "/openapi.json") as response:
        described = await response.json()
    routes = {route.path for route in region.applications[0].routes}
    assert set(described["paths"]) == routes
    chat = described["paths"]["/v1/chat"]["post"]
    assert {"200", "413", "422", "429", "502", "504"} <= set(chat["responses"])
    assert "Retry-After" in chat["responses"]["429"]["headers"]
    referred = set(re.findall(r"#/components/schemas/(\w+)", str(described)))
    assert referred == set(described["components"]["schemas"])


async def test_on_sigterm_a_task_finishes_its_turns_and_takes_no_more(region: Region) -> None:
    """The turn under way is answered, the port is closed, and the process ends in order."""
    slow = world({"arm": "control", "latency_p50_ms": 600_000.0})  # one second here
    region.world.__dict__.update(slow.__dict__)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "uvicorn", "services.api.app:app", "--port", str(port)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        async with asyncio.timeout(120):
            while not await answers(region, url + "/healthz"):  # noqa: ASYNC110 - it starts
                await asyncio.sleep(0.05)
            asked = len(region.requests)
            turn = asyncio.create_task(region.chat("ann", api=url))
            while len(region.requests) == asked:  # noqa: ASYNC110 - the stand-in has no event
                await asyncio.sleep(0.01)
            process.send_signal(signal.SIGTERM)
            status, body = await turn
            assert (status, body["turn"]) == (200, 1)
            assert process.stdout is not None
            output = (await process.stdout.read()).decode()
            assert await process.wait() in (0, -signal.SIGTERM)
    finally:
        if process.returncode is None:
            process.kill()
    assert len(lines(output, "turn")) == 1
    assert not await answers(region, url + "/healthz")
    region.world.__dict__.update(world().__dict__)


async def answers(region: Region, url: str) -> bool:
    """Whether anybody listens there."""
    try:
        async with region.session.get(url) as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False
