"""The region's side of its load balancers: rules and targets go in, metrics come out."""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from canary.local.listeners import ways_in
from canary.local.metrics import MetricStore, VirtualClock, series_key
from canary.local.processes import Processes
from canary.local.routes import UnsupportedRouteError, parse_action, parse_conditions

__all__ = ["LoadBalancerControl", "TargetTable"]

NAMESPACE = "AWS/ApplicationELB"
POLL_SECONDS = 0.05
"""Real seconds between two looks at rules and targets; a change of weights takes as long."""

HOST_COUNT_SECONDS = 60
IDLE_TIMEOUT = 60.0

_log = logging.getLogger(__name__)


class TargetTable(Protocol):
    """Who is registered in a target group, and in which state."""

    def targets(self, target_group_arn: str) -> list[tuple[str, int, Any]]:
        """Host, port and healthy, unhealthy, initial or draining of each target."""


class Sockets(Protocol):
    """Bound sockets of the load balancers."""

    def socket_of(self, load_balancer_arn: str) -> socket.socket:
        """The socket of one load balancer. Raises `KeyError`."""


class LoadBalancerControl:
    """Starts the load balancers' process once everything is deployed, and keeps it informed.

    One port serves one listener of each load balancer; `canary.local.listeners` says which.
    """

    def __init__(
        self,
        *,
        backend: Any,
        targets: TargetTable,
        sockets: Sockets,
        processes: Processes,
        store: MetricStore,
        clock: VirtualClock,
        checkout: Path,
    ) -> None:
        self._backend = backend
        self._targets = targets
        self._sockets = sockets
        self._processes = processes
        self._store = store
        self._clock = clock
        self._checkout = checkout
        self._child: subprocess.Popen[bytes] | None = None
        self._sent = ""
        self._number = 0
        self._in_force = 0
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._last_request: dict[str, float] = {}
        self._hosts_counted = 0.0
        self.failures: list[str] = []
        """What went wrong, one line each."""

    def start(self) -> None:
        """Start the process and send it the first configuration.

        Raises `UnsupportedRouteError` for a listener that it could not serve.
        """
        configuration = self._configuration()
        self._check(configuration)
        self._child = self._processes.start(
            [sys.executable, "-m", "canary.local.load_balancer"],
            environment={"PYTHONUNBUFFERED": "1", "NO_PROXY": "127.0.0.1"},
            directory=self._checkout,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=tuple(configuration["sockets"].values()),
        )
        for target in (self._read, self._poll):
            threading.Thread(target=target, name="balancer", daemon=True).start()

    def stop(self) -> None:
        """End the process: it finishes the requests under way."""
        self._stop.set()
        if self._child is not None:
            if self._child.stdin:
                with contextlib.suppress(BrokenPipeError):
                    self._child.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(3)
            self._processes.stop(self._child)

    def settle(self, timeout: float = 5.0) -> bool:
        """Wait (real seconds) until the present rules and targets are in force; False if not."""
        self.push()
        wanted = self._number
        with self._changed:
            return self._changed.wait_for(lambda: self._in_force >= wanted, timeout)

    def last_request_at(self, target_group_arn: str) -> float | None:
        """Virtual time of the last request to a target group, to a fraction of a report."""
        return self._last_request.get(target_group_arn)

    def push(self) -> None:
        """Send rules and targets to the process if they changed."""
        configuration = self._configuration()
        text = json.dumps(configuration, sort_keys=True)
        with self._changed:
            if text == self._sent or self._child is None or self._child.stdin is None:
                return
            self._check(configuration)
            self._sent = text
            self._number += 1
            line = json.dumps({**configuration, "number": self._number}).encode() + b"\n"
            self._child.stdin.write(line)
            self._child.stdin.flush()

    def _poll(self) -> None:
        while not self._stop.is_set():
            try:
                self.push()
                self._publish_hosts()
            except BrokenPipeError:
                return
            except (RuntimeError, UnsupportedRouteError) as error:
                self._fail(str(error))
            self._stop.wait(POLL_SECONDS)

    def _read(self) -> None:
        child = self._child
        assert child is not None
        assert child.stdout is not None
        for line in child.stdout:
            message = json.loads(line)
            if "configured" in message:
                with self._changed:
                    self._in_force = message["configured"]
                    self._changed.notify_all()
            else:
                self._publish(message)
        if not self._stop.is_set():
            self._fail(f"the load balancers' process ended with {child.wait()}")

    def _fail(self, text: str) -> None:
        if text not in self.failures:
            self.failures.append(text)
            _log.error("%s", text)

    # What the emulator knows.

    def _configuration(self) -> dict[str, Any]:
        listeners: list[dict[str, Any]] = []
        sockets: dict[str, int] = {}
        for way in ways_in(self._backend):
            listener = way.listener
            sockets[way.arn] = self._sockets.socket_of(way.socket_of).fileno()
            rules = [rule for rule in list(listener.rules.values()) if rule.priority != "default"]
            listeners.append(
                {
                    "arn": way.arn,
                    "balancer": way.balancer.arn,
                    "rules": [
                        {
                            "conditions": rule.conditions,
                            "actions": [action.data for action in rule.actions],
                        }
                        for rule in sorted(rules, key=lambda rule: int(rule.priority))
                    ],
                    "default": [action.data for action in listener.default_actions],
                    "timeout": float(
                        way.balancer.attrs.get("idle_timeout.timeout_seconds", IDLE_TIMEOUT)
                    ),
                }
            )
        groups = {arn: self._targets.targets(arn) for arn in list(self._backend.target_groups)}
        return {"listeners": listeners, "groups": groups, "sockets": sockets}

    @staticmethod
    def _check(configuration: Mapping[str, Any]) -> None:
        for listener in configuration["listeners"]:
            parse_action(listener["default"])
            for rule in listener["rules"]:
                parse_conditions(rule["conditions"])
                parse_action(rule["actions"])

    # What the process counted.

    def _publish(self, report: Mapping[str, Any]) -> None:
        now = self._clock.now()
        for counts in report["groups"]:
            balancer, group = _full_name(counts["balancer"]), _full_name(counts["group"])
            both = {"LoadBalancer": balancer, "TargetGroup": group}
            if counts["idle"] is not None:
                at = now - counts["idle"] * self._clock.factor
                self._last_request[counts["group"]] = at
            for dimensions in ({"LoadBalancer": balancer}, both):
                self._publish_group(counts, dimensions, now)
        for counts in report["balancers"]:
            dimensions = {"LoadBalancer": _full_name(counts["balancer"])}
            for status, count in counts["own"]:
                self._put("HTTPCode_ELB_5XX_Count", dimensions, count, now)
                self._put(f"HTTPCode_ELB_{status}_Count", dimensions, count, now)

    def _publish_group(
        self, counts: Mapping[str, Any], dimensions: Mapping[str, str], now: float
    ) -> None:
        self._put("RequestCount", dimensions, counts["requests"], now)
        for kind, count in counts["statuses"].items():
            self._put(f"HTTPCode_Target_{kind}_Count", dimensions, count, now)
        if counts["connection_errors"]:
            self._put("TargetConnectionErrorCount", dimensions, counts["connection_errors"], now)
        if counts["latency"]:
            key = series_key(NAMESPACE, "TargetResponseTime", dimensions)
            values, times = zip(*counts["latency"], strict=True)
            self._store.put_values(key, values, times, at=now)

    def _publish_hosts(self) -> None:
        now = self._clock.now()
        if now - self._hosts_counted < HOST_COUNT_SECONDS / 2:
            return
        self._hosts_counted = now
        for group in list(self._backend.target_groups.values()):
            states = [state for _, _, state in self._targets.targets(group.arn)]
            healthy = states.count("healthy")
            unhealthy = states.count("unhealthy")
            for balancer in _balancers_of(self._backend, group.arn):
                dimensions = {
                    "LoadBalancer": _full_name(balancer),
                    "TargetGroup": _full_name(group.arn),
                }
                self._put_gauge("HealthyHostCount", dimensions, healthy, now)
                self._put_gauge("UnHealthyHostCount", dimensions, unhealthy, now)

    def _put(self, name: str, dimensions: Mapping[str, str], value: float, now: float) -> None:
        """A count: one sample a request, so that Sum and SampleCount both mean requests."""
        self._store.put(series_key(NAMESPACE, name, dimensions), 1.0, at=now, count=value)

    def _put_gauge(
        self, name: str, dimensions: Mapping[str, str], value: float, now: float
    ) -> None:
        self._store.put(series_key(NAMESPACE, name, dimensions), float(value), at=now)


def _balancers_of(backend: Any, group: str) -> Iterable[str]:
    """The load balancers whose rules name a target group, whatever its weight."""
    for balancer in list(backend.load_balancers.values()):
        named = (
            json.dumps(action.data)
            for listener in list(balancer.listeners.values())
            for rule in list(listener.rules.values())
            for action in rule.actions
        )
        if any(group in actions for actions in named):
            yield balancer.arn


def _full_name(arn: str) -> str:
    """The dimension's value: app/name/id of a load balancer, targetgroup/name/id of a group."""
    return arn.rpartition(":")[2].removeprefix("loadbalancer/")
