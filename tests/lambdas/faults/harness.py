"""Runs the real handlers on `World`, and breaks the k-th of their calls in a chosen way."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

from botocore.client import BaseClient
from botocore.exceptions import ClientError, ReadTimeoutError

from canary.aws import clock
from tests.lambdas.faults.aws import RULES, World, group_arn, refused, rule_arn

LAMBDAS = Path(__file__).parents[3] / "lambdas"
START = 1_700_000_000.0
ATTEMPTS = 3
"""An asynchronous call is tried again twice by Lambda, a state's task twice by the machine."""
VERDICTS = frozenset({"HarmDetected", "Revoked", "AdmissionRefused", "Held"})
"""Errors of the machine that are answers: `stacks/constructs/steps.py` does not retry them."""
PREFIX = "/mangaassist/canary"
EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:canary-release:r-1"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_EC2_METADATA_DISABLED": "true",
    "RELEASES_TABLE": "canary-releases",
    "ROLLBACKS_TABLE": "canary-rollbacks",
    "TESTS_TABLE": "canary-tests",
    **{f"RULE_{name.upper()}_ARN": rule_arn(name) for name in RULES},
    **{f"TARGET_{name.upper()}_ARN": group_arn(name) for name in ("primary", "canary")},
    "TRAFFIC_STACK": "mangaassist-traffic",
    "GATEWAY_STACK": "mangaassist-gateway",
    "GUARDRAILS_STACK": "mangaassist-guardrails",
    "CLUSTER": "mangaassist",
    "GATEWAY_SERVICE": "gateway",
    "PARAMETER_PREFIX": PREFIX,
    "CRITICAL_ALARM": "canary-critical",
    "REPORTS_BUCKET": "reports",
    "PROMOTION_PIPELINE": "promotion",
    "ON_CALL_TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:on-call",
    "ML_TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:ml-engineers",
    "ROLLBACK_FUNCTION": "canary-rollback",
    "SESSION_FLAG_FUNCTION": "canary-session-flag",
    "METRICS_NAMESPACE": "MangaAssist/Canary",
}


class Kind(StrEnum):
    """What happens to the k-th call. The SDK's own retries are behind it: it is their end."""

    FAILED = "failed"
    """The service answers 500; nothing happened there."""
    THROTTLED = "throttled"
    """Too many calls."""
    TIMED_OUT = "timed out"
    """It took effect, and the answer was lost."""
    REPEATED = "repeated"
    """It took effect, the answer was lost, and the SDK asked again."""
    DELAYED = "delayed"
    """It takes effect half a minute later; the reconciler ran meanwhile."""
    KILLED = "killed"
    """The function dies before it."""
    OVERTAKEN = "overtaken"
    """A whole rollback runs before it takes effect."""
    DENIED = "denied"
    """From here on, this function is not allowed the operation, until a person mends that."""
    DOWN = "down"
    """From here on, the operation fails, until all tries of the event are over."""


LASTING = frozenset({Kind.DENIED, Kind.DOWN})


class Killed(BaseException):
    """The runtime is gone: nothing in the function catches this."""


@dataclass(frozen=True)
class Fault:
    """Break call `k` (from 0) of one run."""

    k: int
    kind: Kind


@dataclass
class Harness:
    """One region, its clock, and whose calls are being broken."""

    world: World
    time: float = START
    fault: Fault | None = None
    calls: list[str] = field(default_factory=list)
    dead_letters: list[str] = field(default_factory=list)
    stranded: bool = False
    """All traffic was on an arm without a healthy target at some moment."""
    accepted_writes: int = 0
    _faulty: str = ""
    _barred: tuple[str, str] | None = None
    _running: str = ""

    def run(self, function: str, event: dict[str, Any], *, tries: int = ATTEMPTS) -> bool:
        """Call a function as its caller does, retries included; whether it ended well.

        A verdict is an answer. What fails for good goes to the dead letters.
        """
        for attempt in range(tries):
            outer, self._running = self._running, function
            try:
                load(function).handler(json.loads(json.dumps(event)), None)
            except Killed:
                pass
            except Exception as error:  # noqa: BLE001 - any error is the runtime's to retry
                if type(error).__name__ in VERDICTS:
                    return True
            else:
                return True
            finally:
                self._running = outer
            self.time += 60.0 * (attempt + 1)
        self.dead_letters.append(function)
        return False

    def broken(self, fault: Fault, function: str, event: dict[str, Any]) -> bool:
        """`run`, with one call of it broken; a lasting fault ends as its kind says."""
        self.fault, self._faulty, self.calls = fault, function, []
        done = self.run(function, event)
        self.fault = None
        if self._barred and fault.kind is Kind.DOWN:
            self._barred = None
        return done

    def tick(self) -> None:
        """A minute later the reconciler looks, and the rollback that it calls runs."""
        self.time += 90.0
        self.run("reconcile", {}, tries=1)
        self.deliver()

    def deliver(self) -> None:
        """Run the functions that were invoked asynchronously."""
        waiting = [each for each in self.world.invoked if each[0] == "canary-rollback"]
        self.world.invoked = [each for each in self.world.invoked if each not in waiting]
        for _, payload in waiting:
            self.run("rollback", json.loads(payload))

    def call(self, service: str, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        """What the SDK asks of AWS: here calls are counted, and broken."""
        name = f"{service}:{operation}"
        if self._barred == (self._running, name):
            raise refused(operation, "AccessDeniedException")
        fault = self.fault if self._running == self._faulty else None
        if fault and len(self.calls) == fault.k:
            self.fault = None
            return self._break(fault.kind, service, operation, given)
        if self._running == self._faulty or not self._faulty:
            self.calls.append(name)
        return self._do(service, operation, given)

    def _do(self, service: str, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        answer = self.world.answer(service, operation, given)
        if operation == "ModifyRule":
            self.accepted_writes += 1
            weights = set(self.world.weights.values())
            dead = {100: "canary", 0: "primary"}.get(weights.pop()) if len(weights) == 1 else None
            self.stranded |= dead is not None and not self.world.healthy[dead]
        return answer

    def _break(
        self, kind: Kind, service: str, operation: str, given: dict[str, Any]
    ) -> dict[str, Any]:
        match kind:
            case Kind.KILLED:
                raise Killed
            case Kind.FAILED:
                raise refused(operation, "InternalServerError")
            case Kind.THROTTLED:
                raise refused(operation, "ThrottlingException")
            case Kind.DENIED | Kind.DOWN:
                self._barred = (self._running, f"{service}:{operation}")
                raise refused(operation, "AccessDeniedException")
            case Kind.TIMED_OUT:
                self._do(service, operation, given)
                raise ReadTimeoutError(endpoint_url=service)
            case Kind.REPEATED:
                first = self._do(service, operation, given)
                # A transaction carries a token by which DynamoDB knows the second one.
                once = operation == "TransactWriteItems"
                return first if once else self._do(service, operation, given)
            case Kind.DELAYED:
                self._meanwhile("reconcile")
            case Kind.OVERTAKEN:
                self._meanwhile("rollback")
        return self._do(service, operation, given)

    def _meanwhile(self, function: str) -> None:
        faulty, self._faulty = self._faulty, "nobody"
        if function == "reconcile":
            self.tick()
        else:
            self.run("rollback", OPERATOR)
        self._faulty = faulty


OPERATOR = {"source": "operator", "release_id": "r-1", "cause": "operator", "strike": False}


@cache
def load(folder: str) -> ModuleType:
    """A handler with its clients, once a process: a warm function."""
    spec = importlib.util.spec_from_file_location(f"warm_{folder}", LAMBDAS / folder / "handler.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@contextmanager
def region(world: World) -> Iterator[Harness]:
    """A harness in force: AWS, the clock and the environment are its own."""
    harness = Harness(world)

    def api_call(client: Any, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        try:
            return harness.call(client.meta.service_model.service_name, operation, given)
        except ClientError as error:  # as the class that the client knows by that code
            code = error.response["Error"]["Code"]
            raise client.exceptions.from_code(code)(error.response, operation) from None

    def time_of() -> float:
        return harness.time

    def sleep(seconds: float) -> None:
        harness.time += seconds

    with ExitStack() as stack:
        stack.enter_context(mock.patch.dict(os.environ, ENVIRONMENT))
        stack.enter_context(mock.patch.object(BaseClient, "_make_api_call", api_call))
        stack.enter_context(mock.patch.object(clock, "now", time_of))
        stack.enter_context(mock.patch.object(clock, "monotonic", time_of))
        stack.enter_context(mock.patch.object(clock, "sleep", sleep))
        stack.callback(logging.disable, logging.root.manager.disable)
        logging.disable(logging.CRITICAL)
        yield harness
