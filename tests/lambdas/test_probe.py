"""The one function inside the network that talks for a drill."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

ASKED = {"conversation_id": "drill-1", "requests": 3, "broken": False}


class Gateway:
    """The gateway on a port of this machine: `arm` answers with `status`."""

    def __init__(self) -> None:
        self.arm = "canary"
        self.status = 200
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                gateway.asked.append((self.path, self.headers["x-canary-arm"], body))
                self.send_response(gateway.status)
                if gateway.arm:
                    self.send_header("x-canary-arm", gateway.arm)
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def gateway(region: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    made = Gateway()
    monkeypatch.setenv("GATEWAY_URL", made.url)
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_pinned_conversations_say_which_arm_answered(region: Any, gateway: Gateway) -> None:
    """They ask for the canary by its header, as the API does for a customer who is on it."""
    started = region.clock.time
    talk = region.load("probe").handler(ASKED, None)
    assert (talk["canary"], talk["control"], talk["failed"]) == (3, 0, 0)
    assert talk["last_canary_at"] == started + 1.0
    path, arm, body = gateway.asked[0]
    assert (path, arm, body["conversation_id"]) == ("/v1/converse", "canary", "drill-1")
    assert [message["role"] for message in body["messages"]] == ["user"]


def test_broken_conversations_are_none_that_a_model_takes(region: Any, gateway: Gateway) -> None:
    """Failures are counted with whoever answered: the gateway names its arm on them too."""
    gateway.status = 502
    talk = region.load("probe").handler(ASKED | {"broken": True}, None)
    assert (talk["canary"], talk["failed"], talk["last_error"]) == (3, 3, "502 of canary")
    assert {each[2]["messages"][0]["role"] for each in gateway.asked} == {"drill"}


def test_control_is_known_by_its_header(region: Any, gateway: Gateway) -> None:
    """The canary was not met."""
    gateway.arm = "control"
    talk = region.load("probe").handler(ASKED, None)
    assert (talk["canary"], talk["control"], talk["last_canary_at"]) == (0, 3, None)


def test_the_load_balancer_s_own_answer_is_nobody_s(region: Any, gateway: Gateway) -> None:
    """No task, no arm; no answer at all is told as well."""
    gateway.arm, gateway.status = "", 503
    handler = region.load("probe").handler
    talk = handler(ASKED, None)
    assert (talk["canary"], talk["control"], talk["failed"]) == (0, 0, 3)
    assert talk["last_error"] == "503 of nobody"
    gateway.server.shutdown()
    gateway.server.server_close()
    assert "refused" in handler(ASKED, None)["last_error"].lower()
