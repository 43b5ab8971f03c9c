"""The hook that lets a new image go on, or not."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import ModuleType
from typing import Any

import pytest

EVENT = {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "hook-1"}


class Image:
    """An API on a port of this machine; `health` are its answers in turn, the last one for ever."""

    def __init__(self) -> None:
        self.health = [200]
        self.status = 200
        self.answer: dict[str, Any] = {"text": "Volume two."}
        self.asked: list[dict[str, Any]] = []
        self.agents: set[str] = set()
        image = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status = image.health.pop(0) if len(image.health) > 1 else image.health[0]
                self.say(status, {})

            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                image.asked.append({"path": self.path, **json.loads(self.rfile.read(length))})
                self.say(image.status, image.answer)

            def say(self, status: int, body: dict[str, Any]) -> None:
                image.agents.add(self.headers["User-Agent"])
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class CodeDeploy:
    """Keeps the answers that a deployment got."""

    def __init__(self) -> None:
        self.answers: list[dict[str, str]] = []

    def put_lifecycle_event_hook_execution_status(self, **answer: str) -> None:
        self.answers.append(answer)


@pytest.fixture
def image() -> Iterator[Image]:
    made = Image()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def load(region: Any, image: Image, monkeypatch: pytest.MonkeyPatch) -> Callable[[], ModuleType]:
    """The handler, as a cold start finds it, with CodeDeploy's answers kept in `code_deploy`."""

    def cold_start() -> ModuleType:
        monkeypatch.setenv("TEST_URL", image.url)
        module = region.load("smoke_test")
        module.code_deploy = CodeDeploy()
        monkeypatch.setattr(module.HOOK, "_client", module.code_deploy)
        return module

    return cold_start


def status_of(module: ModuleType) -> str:
    (answer,) = module.code_deploy.answers
    assert answer["deploymentId"] == "d-1"
    assert answer["lifecycleEventHookExecutionId"] == "hook-1"
    return str(answer["status"])


def test_an_image_that_answers_goes_on(load: Any, image: Image) -> None:
    """Healthy three times in a row and one turn with a text: the deployment is told so, once."""
    module = load()
    assert module.handler(EVENT, None) == {"passed": True}
    assert status_of(module) == "Succeeded"
    (turn,) = image.asked
    assert turn["path"] == "/v1/chat"
    assert turn["conversation_id"] == "smoke-d-1"
    assert turn["customer_id"] == "smoke-test"


def test_the_firewall_is_told_who_asks(load: Any, image: Image) -> None:
    """Each request carries a name of its own: the managed rules refuse those without one."""
    load().handler(EVENT, None)
    assert image.agents == {"smoke-test"}


def test_a_slow_start_is_waited_for(load: Any, image: Image, region: Any) -> None:
    """The listener may still show nothing, or the old tasks, when the hook is called."""
    image.health = [503, 503, 200, 503, 200]
    module = load()
    module.handler(EVENT, None)
    assert status_of(module) == "Succeeded"
    assert len(region.clock.waits) == 6


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (([503], 200, {"text": "x"}), "/readyz did not answer 200"),
        (([200], 502, {"text": "x"}), "/v1/chat answered 502"),
        (([200], 200, {"text": ""}), "/v1/chat answered without a text"),
    ],
)
def test_an_image_that_fails_is_refused_and_rings_the_function_s_alarm(
    load: Any, image: Image, answers: tuple[list[int], int, dict[str, str]], said: str
) -> None:
    """CodeDeploy is answered first; then the reason is raised, which counts as the hook's error."""
    image.health, image.status, image.answer = answers
    module = load()
    with pytest.raises(Exception, match=said):
        module.handler(EVENT, None)
    assert status_of(module) == "Failed"


def test_an_image_that_nobody_can_reach_is_refused(load: Any, image: Image) -> None:
    """A refused connection is a failed test, not a deployment that waits an hour for its answer."""
    module = load()
    image.server.shutdown()
    image.server.server_close()
    with pytest.raises(Exception, match="/readyz did not answer"):
        module.handler(EVENT, None)
    assert status_of(module) == "Failed"
