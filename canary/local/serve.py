"""Serves one of the product's services in a child process, on a socket the parent has bound.

`python -m canary.local.serve services.api.app:app --fd 7`
"""

from __future__ import annotations

import argparse
import socket

import uvicorn

from canary.local import clock_shim

_GRACE_SECONDS = 5


def main() -> None:
    """Install the region's clock, then import the application and serve it until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("application")
    parser.add_argument("--fd", type=int, required=True)
    arguments = parser.parse_args()
    clock_shim.install()
    config = uvicorn.Config(
        arguments.application,
        loop="auto",
        http="httptools",
        lifespan="auto",
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=arguments.fd)])


if __name__ == "__main__":
    main()
