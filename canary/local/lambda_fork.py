"""A process that has imported the SDK once and forks a worker for each function that needs one.

It is told what to fork over the socket whose descriptor is its first argument, and ends with it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import sys

import boto3

from canary.local import clock_shim, lambda_worker

_SERVICES = (
    "cloudwatch",
    "dynamodb",
    "ecs",
    "elbv2",
    "lambda",
    "s3",
    "sns",
    "ssm",
    "stepfunctions",
)
_LAYER = ("numpy", "pydantic", "redis")
_HEADER_BYTES = 4
_MAX_MESSAGE_BYTES = 1 << 16


def main() -> None:
    """Import, then fork for each message until the socket closes."""
    _import_what_functions_use()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    control = socket.socket(fileno=int(sys.argv[1]))
    gc.collect()
    gc.freeze()
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, _MAX_MESSAGE_BYTES, 2)
        if not message:
            return
        size = _HEADER_BYTES + int.from_bytes(message[:_HEADER_BYTES], "big")
        while len(message) < size:
            message += control.recv(size - len(message))
        pid = os.fork()
        if pid == 0:
            control.close()
            _become_worker(json.loads(message[_HEADER_BYTES:]), *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        control.sendall(pid.to_bytes(_HEADER_BYTES, "big"))


def _become_worker(spec: dict[str, object], channel: int, log: int) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    try:
        lambda_worker.serve(socket.socket(fileno=channel), spec, clock_shim.install)
    finally:
        os._exit(0)


def _import_what_functions_use() -> None:
    """Service models stay in the default session's cache, which the workers inherit."""
    for service in _SERVICES:
        boto3.client(service)
    for package in _LAYER:
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module(package)


if __name__ == "__main__":
    main()
