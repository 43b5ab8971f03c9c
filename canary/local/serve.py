"""Serves one of the product's services in a child process, on a socket the parent has bound.

`python -m canary.local.serve services.api.app:app --fd 7`
"""

from __future__ import annotations

import argparse
import importlib
import socket
from typing import Any

import uvicorn

from canary.local import clock_shim
from canary.local.clock import Clock
from canary.local.patience import patience

_GRACE_SECONDS = 5
_LENIENCE = 10.0
"""How much longer than in AWS the cache may take to answer, and the assignment to be read."""


def main() -> None:
    """Install the region's clock, then import the application and serve it until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("application")
    parser.add_argument("--fd", type=int, required=True)
    arguments = parser.parse_args()
    clock_shim.install()
    if arguments.application.startswith("services.api."):
        _be_lenient(_LENIENCE * patience(Clock.from_env().factor))
    config = uvicorn.Config(
        arguments.application,
        loop="auto",
        http="httptools",
        lifespan="auto",
        access_log=False,
        proxy_headers=False,
        log_level="warning",
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=arguments.fd)])


def _be_lenient(times: float) -> None:
    """Let the API wait so many times longer before it takes cache or assignment for lost.

    In AWS half a second without an answer is a cache's failure. Here one machine runs everything,
    and a pause of it, which is a minute of the region's clock, would move conversations for no
    reason that AWS has. A cache that is down refuses connections, and is lost at once as ever.
    """
    sessions: Any = importlib.import_module("services.api.sessions")
    sessions.TIMEOUT_SECONDS *= times
    parameter: Any = importlib.import_module("canary.routing.parameter")
    parameter.STALE_AFTER_SECONDS *= times


if __name__ == "__main__":
    main()
