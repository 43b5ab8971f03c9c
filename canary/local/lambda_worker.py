"""Serves one function in this process: imports its handler once, then answers event by event.

The process sees the function's asset and what the Lambda runtime has; a function with a layer sees
the packages of this machine's environment in the layer's place, one without sees none of them.
"""

from __future__ import annotations

import importlib
import importlib.abc
import io
import json
import os
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = ["RUNTIME_PACKAGES", "Context", "serve"]

RUNTIME_PACKAGES = frozenset(
    {"boto3", "botocore", "s3transfer", "jmespath", "urllib3", "dateutil", "six"}
)
"""What Lambda's Python runtime has besides the standard library."""

Handler = Callable[[Any, "Context"], Any]


class Context:
    """The second argument of a handler, with the attributes that AWS documents."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.function_name: str = values["function_name"]
        self.function_version: str = values["function_version"]
        self.invoked_function_arn: str = values["invoked_function_arn"]
        self.memory_limit_in_mb: str = values["memory_limit_in_mb"]
        self.aws_request_id: str = values["aws_request_id"]
        self.log_group_name: str = values["log_group_name"]
        self.log_stream_name: str = "embedded"
        self._deadline = time.monotonic() + values["timeout_seconds"]

    def get_remaining_time_in_millis(self) -> int:
        """Real milliseconds until the function's time-out."""
        return int((self._deadline - time.monotonic()) * 1000)


class _OnlyTheRuntime(importlib.abc.MetaPathFinder):
    """Refuses packages that a function without a layer would not find in Lambda."""

    def __init__(self, own: Iterable[str]) -> None:
        self._allowed = RUNTIME_PACKAGES | sys.stdlib_module_names | set(own)

    def find_spec(self, name: str, path: Any, target: ModuleType | None = None) -> None:  # noqa: ARG002 - the import system's signature
        """Raise `ModuleNotFoundError` for a foreign package, else let the others look."""
        if name.partition(".")[0] not in self._allowed:
            raise ModuleNotFoundError(f"No module named {name!r} in the Lambda runtime", name=name)


def serve(channel: socket.socket, spec: dict[str, Any], install_clock: Callable[[], None]) -> None:
    """Say whether the handler could be imported, then answer until the channel closes."""
    stream = channel.makefile("rw", encoding="utf-8", newline="\n")
    try:
        _prepare(spec)
        install_clock()
        handler = _load(spec["handler"])
    except BaseException as error:  # noqa: BLE001 - whatever the import raises is the answer
        _answer(stream, {"error": _describe(error)})
        return
    _answer(stream, {"ready": True})
    for line in stream:
        request = json.loads(line)
        _answer(stream, _invoke(handler, request["event"], Context(request["context"])))


def _prepare(spec: dict[str, Any]) -> None:
    os.environ.clear()
    os.environ.update(spec["environment"])
    directory = Path(spec["directory"])
    os.chdir(directory)
    checkout = Path(spec["checkout"])
    sys.path[:] = [str(directory), *(p for p in sys.path if p and Path(p).resolve() != checkout)]
    sys.meta_path[:] = [
        f
        for f in sys.meta_path
        if not type(f).__module__.startswith("__editable")
        and not getattr(f, "__module__", "").startswith("__editable")
    ]
    for name in [name for name in sys.modules if name.partition(".")[0] == "canary"]:
        del sys.modules[name]
    if not spec["layered"]:
        _hide_foreign_packages(directory)


def _hide_foreign_packages(directory: Path) -> None:
    own = {path.stem if path.suffix == ".py" else path.name for path in directory.iterdir()}
    allowed = RUNTIME_PACKAGES | sys.stdlib_module_names | own | {"__main__"}
    for name in [name for name in sys.modules if name.partition(".")[0] not in allowed]:
        del sys.modules[name]
    sys.meta_path.insert(0, _OnlyTheRuntime(own))


def _load(handler: str) -> Handler:
    module, _, function = handler.rpartition(".")
    found: Handler = getattr(importlib.import_module(module.replace("/", ".")), function)
    return found


def _invoke(handler: Handler, event: Any, context: Context) -> dict[str, Any]:
    try:
        return {"ok": json.loads(json.dumps(handler(event, context)))}
    except BaseException as error:  # noqa: BLE001 - a function's failure is its answer
        return {"error": _describe(error)}


def _describe(error: BaseException) -> dict[str, Any]:
    trace = traceback.format_exception(error)
    print("".join(trace), file=sys.stderr)  # noqa: T201 - the function's log
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "stackTrace": [line.rstrip("\n") for line in trace],
    }


def _answer(stream: io.TextIOWrapper | Any, value: dict[str, Any]) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    stream.write(json.dumps(value) + "\n")
    stream.flush()
