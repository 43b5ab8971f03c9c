"""Lambda in the embedded region: the assets' handlers in warm processes of this machine.

Versions and aliases, reserved concurrency, the (real) time-out, asynchronous retries with their
destinations, and the resource policy that says which service may invoke are honoured.
"""

from __future__ import annotations

import hashlib
import io
import json
import threading
import uuid
import zipfile
from collections import deque
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from moto.awslambda.models import LambdaBackend, LambdaFunction
from moto.awslambda.utils import get_backend

from canary.local.clock import ENVIRONMENT_NAME, Clock
from canary.local.emulator import ACCOUNT, Emulator
from canary.local.lambda_events import FunctionEvents
from canary.local.lambda_model import Failure, Outcome, Settings, ThrottledError, plain_name
from canary.local.lambda_pool import InitError, TimedOutError, WorkerPool
from canary.local.patience import patience
from canary.local.processes import Processes

__all__ = ["Functions"]

_KEPT_LINES = 400


class Functions:
    """Runs the region's functions; `events` runs them asynchronously. `lines` is what they said."""

    def __init__(
        self,
        emulator: Emulator,
        processes: Processes,
        clock: Clock,
        checkout: Path,
        overrides: Mapping[str, str],
    ) -> None:
        self._emulator = emulator
        self._clock = clock
        self._overrides = overrides
        self._directory = processes.directory / "functions"
        self._pool = WorkerPool(processes, checkout)
        self._settings: dict[str, Settings] = {}
        self._busy: dict[str, int] = {}
        self._lines: dict[str, deque[str]] = {}
        self._lock = threading.Lock()
        self.events = FunctionEvents(
            emulator, clock, run=self.run, find=self._find, settings=self._settings_of
        )

    def start(self) -> None:
        """Start the process that workers are forked from; the emulator must be running."""
        self._pool.start(self._environment())

    def stop(self) -> None:
        """Give up waiting retries; the processes end with the region's others."""
        self.events.stop()

    # What the template says beyond moto's own model.

    def configure(self, name: str, *, dead_letters: str | None, layered: bool) -> None:
        """Note a function's dead-letter target and whether it has a layer."""
        settings = self._settings_of(name)
        settings.dead_letters, settings.layered = dead_letters, layered

    def set_event_invoke(self, name: str, *, attempts: int | None, on_failure: str | None) -> None:
        """Note how often an asynchronous event is retried and where it goes in the end."""
        settings = self._settings_of(plain_name(name))
        settings.attempts = 2 if attempts is None else attempts
        settings.on_failure = on_failure

    # Running.

    def invoke(self, function: str, event: Any) -> Outcome:
        """Run a function, by name or ARN with or without a qualifier, and wait for its answer.

        Raises `ThrottledError` when its reserved concurrency is used up.
        """
        return self.run(self._find(function), event)

    def invoke_for(self, principal: str, source_arn: str, function: str, event: Any) -> bool:
        """Invoke asynchronously on behalf of a service, if the function's policy lets it in.

        A refusal is kept in `failures`, as AWS would silently drop the event.
        """
        if not self._permitted(principal, source_arn, function):
            reason = f"{principal} has no permission for {source_arn}"
            self.events.failures.append(Failure(function, reason, event))
            return False
        self.events.start(function, event)
        return True

    def prewarm(self, names: Iterable[str] | None = None, parallel: int = 2) -> None:
        """Import the handlers of these functions (default: of all) before anything calls them.

        Raises `InitError` for a handler that cannot be imported.
        """
        wanted = [self._find(name) for name in names] if names is not None else self._python()
        pool = ThreadPoolExecutor(parallel)
        try:
            for _ in pool.map(self._warm, wanted):
                pass
        finally:  # an interrupted region does not wait for the functions that are left
            pool.shutdown(wait=False, cancel_futures=True)

    def lines(self, name: str, last: int = 40) -> list[str]:
        """The last lines a function printed."""
        return list(self._lines.get(name, ()))[-last:]

    def running(self, name: str) -> int:
        """How many invocations of a function run now."""
        return self._busy.get(name, 0)

    def scope_permission(self, function: str, statement_id: str) -> None:
        """Let a statement hold for the alias or version it was given for: moto drops that."""
        for statement in self._find(plain_name(function)).policy.statements:
            if statement.get("Sid") == statement_id:
                statement["Resource"] = _plain_arn(function, ACCOUNT, self._emulator.region)

    def environment(self, function: str) -> dict[str, str]:
        """The environment a function has from its template."""
        return {k: str(v) for k, v in (self._find(function).environment_vars or {}).items()}

    def run(self, function: LambdaFunction, event: Any) -> Outcome:
        """Run one version of a function in a worker of its own."""
        name = function.function_name
        self._enter(function)
        try:
            return self._run(function, event)
        finally:
            with self._lock:
                self._busy[name] -= 1

    def _run(self, function: LambdaFunction, event: Any) -> Outcome:
        key, spec = self._spec(function)
        try:
            worker = self._pool.take(key, spec)
        except InitError as error:
            self._keep(function, error.logs)
            return Outcome(json.dumps(error.details), str(error), error.logs)
        try:
            answer = worker.invoke(event, self._context(function))
        except TimedOutError:
            logs = self._keep(function, worker.take_logs())
            text = f"Task timed out after {int(function.timeout)}.00 seconds"
            details = {"errorType": "Sandbox.Timedout", "errorMessage": text}
            return Outcome(json.dumps(details), text, logs)
        logs = self._keep(function, worker.take_logs())
        if "error" in answer:
            details = answer["error"]
            if details["errorType"] == "Runtime.ExitError":
                worker.kill()
            else:
                self._pool.give_back(key, worker)
            text = f"{details['errorType']}: {details['errorMessage']}"
            return Outcome(json.dumps(details), text, logs)
        self._pool.give_back(key, worker)
        return Outcome(json.dumps(answer["ok"]), None, logs)

    def _settings_of(self, name: str) -> Settings:
        return self._settings.setdefault(name, Settings())

    def _enter(self, function: LambdaFunction) -> None:
        name = function.function_name
        reserved = self._backend().get_function(name).reserved_concurrency
        with self._lock:
            busy = self._busy.get(name, 0)
            if reserved is not None and busy >= int(reserved):
                raise ThrottledError
            self._busy[name] = busy + 1

    def _warm(self, function: LambdaFunction) -> None:
        key, spec = self._spec(function)
        self._pool.give_back(key, self._pool.take(key, spec))

    def _python(self) -> list[LambdaFunction]:
        """The version of each Python function that its aliases point to, else the newest code."""
        backend = self._backend()
        found = []
        for function in backend.list_functions():
            if str(function.run_time).startswith("python"):
                aliases = list(backend.list_aliases(function.function_name))
                qualifier = aliases[0].function_version if aliases else None
                found.append(backend.get_function(function.function_name, qualifier))
        return found

    def _find(self, function: str) -> LambdaFunction:
        found: LambdaFunction = self._backend().get_function(function)
        return found

    def _backend(self) -> LambdaBackend:
        return get_backend(ACCOUNT, self._emulator.region)

    def _permitted(self, principal: str, source_arn: str, function: str) -> bool:
        wanted = _plain_arn(function, ACCOUNT, self._emulator.region)
        for statement in self._find(plain_name(function)).policy.statements:
            who = statement.get("Principal")
            service = who.get("Service") if isinstance(who, dict) else who
            source = (statement.get("Condition") or {}).get("ArnLike", {}).get("AWS:SourceArn")
            if (
                service in (principal, "*")
                and statement.get("Resource") == wanted
                and (source is None or _matches(source, source_arn))
            ):
                return True
        return False

    def _spec(self, function: LambdaFunction) -> tuple[str, dict[str, Any]]:
        if not str(function.run_time).startswith("python"):
            raise ValueError(f"{function.function_name} is not a Python function: it is not run")
        settings = self._settings_of(function.function_name)
        directory = self._unpack(function.code_bytes)
        variables = {k: str(v) for k, v in (function.environment_vars or {}).items()}
        variables |= {k: v for k, v in self._overrides.items() if k in variables}
        spec = {
            "directory": str(directory),
            "handler": function.handler,
            "layered": settings.layered,
            "environment": {
                **variables,
                **self._environment(),
                "LAMBDA_TASK_ROOT": str(directory),
                "_HANDLER": str(function.handler),
                "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.run_time}",
                "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
                "AWS_LAMBDA_FUNCTION_VERSION": str(function.version),
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size),
            },
        }
        text = json.dumps([function.function_name, str(function.version), spec], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest(), spec

    def _environment(self) -> dict[str, str]:
        return {
            **self._emulator.child_environment("function"),
            ENVIRONMENT_NAME: self._clock.env_value(),
        }

    def _unpack(self, code: bytes) -> Path:
        directory = self._directory / hashlib.sha256(code).hexdigest()[:16]
        with self._lock:
            if not directory.exists():
                with zipfile.ZipFile(io.BytesIO(code)) as archive:
                    archive.extractall(directory)
        return directory

    def _context(self, function: LambdaFunction) -> dict[str, Any]:
        return {
            "function_name": function.function_name,
            "function_version": str(function.version),
            "invoked_function_arn": function.function_arn,
            "memory_limit_in_mb": str(function.memory_size),
            "aws_request_id": str(uuid.uuid4()),
            "log_group_name": function.logs_group_name,
            "timeout_seconds": function.timeout * patience(self._clock.factor),
        }

    def _keep(self, function: LambdaFunction, logs: str) -> str:
        kept = self._lines.setdefault(function.function_name, deque(maxlen=_KEPT_LINES))
        kept.extend(logs.splitlines())
        return logs


def _plain_arn(function: str, account: str, region: str) -> str:
    if function.startswith("arn:"):
        return function
    return f"arn:aws:lambda:{region}:{account}:function:{function}"


def _matches(pattern: str, arn: str) -> bool:
    return fnmatchcase(arn, pattern) or fnmatchcase(pattern, arn)
