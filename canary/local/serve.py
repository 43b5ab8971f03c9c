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


def main() -> None:
    """Install the region's clock, then import the application and serve it until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("application")
    parser.add_argument("--fd", type=int, required=True)
    arguments = parser.parse_args()
    clock_shim.install()
    if arguments.application.startswith("services.api."):
        # Half a second is the cache's; a machine that is as slow would lose it for no reason.
        sessions: Any = importlib.import_module("services.api.sessions")
        sessions.TIMEOUT_SECONDS *= patience(Clock.from_env().factor)
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


if __name__ == "__main__":
    main()
