"""Starts what is measured: the request path, as many bare hops, and LiteLLM's proxy.

The path's programs are those that the embedded region starts, with its environment; rules and
targets are given to the load balancer as the region would give them.
"""

from __future__ import annotations

import itertools
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.request_path.outside import REGION
from canary.local.cache import Cache
from canary.local.clock import ENVIRONMENT_NAME, Clock
from canary.local.processes import Processes

ROOT = Path(__file__).parents[2]
HOPS = 4
"""Of a request from the customer to the model: load balancer, API, load balancer, gateway."""
API_TASKS = 2
"""One for each core: a single one would leave a part of the machine idle."""
CONVERSE = "/model/maker.manga-1/converse"
NAMESPACE = "MangaAssist/Canary"
_START_SECONDS = 240.0
_GROUP = "arn:targetgroup/"


@dataclass(frozen=True)
class Chain:
    """Something that takes requests on `address`, and the processes whose time it costs."""

    name: str
    address: tuple[str, int]
    processes: Mapping[str, psutil.Process]

    def cpu_seconds(self) -> dict[str, float]:
        """Processor time of each process, and of its children, so far."""
        return {name: _cpu_seconds(process) for name, process in self.processes.items()}


class Chains:
    """Starts chains before one fake model; `processes` ends them."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._programs: list[subprocess.Popen[bytes]] = []
        self._outside = _bound()
        self._start(["-m", "benchmarks.request_path.outside"], self._outside)
        self.model = self._outside.getsockname()
        self._wait(f"{_url(self.model)}/metadata/task")

    def bare(self) -> Chain:
        """As many hops as the request path has, each doing nothing but passing on."""
        hops: dict[str, psutil.Process] = {}
        address = self.model
        for number in range(HOPS):
            bound = _bound()
            module = ["-m", "benchmarks.request_path.hop", "--to", _url(address)]
            hops[f"hop {HOPS - number}"] = self._start(module, bound)
            address = bound.getsockname()
        self._wait(f"{_url(address)}/metadata/task")
        return Chain("bare hops", address, hops)

    def path(self) -> Chain:
        """Load balancers, the API's tasks, one gateway task an arm, Valkey."""
        cache = Cache(self._processes)
        cache.start()
        public, internal = _bound(), _bound()
        tasks = [_bound() for _ in range(API_TASKS)]
        gateways = {arm: _bound() for arm in ("control", "canary")}
        started = {
            f"gateway {arm}": self._task("gateway", bound, self._gateway_environment(arm))
            for arm, bound in gateways.items()
        }
        for number, bound in enumerate(tasks, 1):
            environment = self._api_environment(internal, cache)
            started[f"api {number}"] = self._task("api", bound, environment)
        targets = {f"{_GROUP}{arm}": [bound] for arm, bound in gateways.items()}
        targets[f"{_GROUP}api"] = tasks
        for bound in itertools.chain(*targets.values()):
            self._wait(f"{_url(bound.getsockname())}/healthz")
        started["balancer"] = self._balancer(public, internal, targets)
        started["valkey"] = psutil.Process(cache.pid)
        self._wait(f"{_url(public.getsockname())}/healthz")
        return Chain("request path", public.getsockname(), started)

    def litellm(self, python: Path, workers: int) -> Chain:
        """LiteLLM's proxy from an environment of its own, over two weighted deployments."""
        bound = _bound()
        address = bound.getsockname()
        bound.close()
        config = self._processes.directory / "litellm.json"
        config.write_text(json.dumps(_litellm_config(f"{_url(self.model)}/v1")))
        command = [
            *(str(python.with_name("litellm")), "--config", str(config)),
            *("--host", address[0], "--port", str(address[1])),
            *("--num_workers", str(workers), "--telemetry", "False"),
        ]
        environment = {
            "PATH": f"{python.parent}:{os.environ['PATH']}",
            "HOME": str(self._processes.directory),
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "LITELLM_LOG": "ERROR",
            "LITELLM_MODE": "PRODUCTION",
            "NO_PROXY": "127.0.0.1",
        }
        log = (self._processes.directory / "litellm.log").open("wb")
        child = self._processes.start(
            command, environment=environment, stdout=log, stderr=subprocess.STDOUT
        )
        self._programs.append(child)
        self._wait(f"{_url(address)}/health/liveliness")
        return Chain("LiteLLM", address, {"litellm": psutil.Process(child.pid)})

    def _task(
        self, service: str, bound: socket.socket, environment: dict[str, str]
    ) -> psutil.Process:
        module = ["-m", "canary.local.serve", f"services.{service}.app:app"]
        return self._start(module, bound, environment)

    def _start(
        self, module: list[str], bound: socket.socket, environment: dict[str, str] | None = None
    ) -> psutil.Process:
        log = (self._processes.directory / f"{bound.fileno()}.log").open("wb")
        child = self._processes.start(
            [sys.executable, *module, "--fd", str(bound.fileno())],
            environment={**_plain_environment(), **(environment or {})},
            directory=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=log,
            pass_fds=(bound.fileno(),),
        )
        self._programs.append(child)
        return psutil.Process(child.pid)

    def _balancer(
        self,
        public: socket.socket,
        internal: socket.socket,
        targets: dict[str, list[socket.socket]],
    ) -> psutil.Process:
        child = self._processes.start(
            [sys.executable, "-m", "canary.local.load_balancer"],
            environment=_plain_environment(),
            directory=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            pass_fds=(public.fileno(), internal.fileno()),
        )
        configuration = {
            "number": 1,
            "sockets": {"public": public.fileno(), "internal": internal.fileno()},
            "groups": {
                group: [[*each.getsockname(), "healthy"] for each in bound]
                for group, bound in targets.items()
            },
            "listeners": [
                _listener("public", [], _forward({f"{_GROUP}api": 1})),
                _listener("internal", _arm_rules(), _forward({f"{_GROUP}control": 1})),
            ],
        }
        assert child.stdin is not None
        child.stdin.write(json.dumps(configuration).encode() + b"\n")
        child.stdin.flush()
        return psutil.Process(child.pid)

    def _gateway_environment(self, arm: str) -> dict[str, str]:
        return {
            **self._aws_environment(),
            "ARM": arm,
            "TASK_SET": "canary" if arm == "canary" else "primary",
            "MODEL_ID": f"maker.manga-{1 if arm == 'control' else 2}",
            "GUARDRAIL_ID": "guardrail-1",
            "GUARDRAIL_VERSION": "1",
            "RELEASES_TABLE": "canary-releases",
            "METRICS_NAMESPACE": NAMESPACE,
            "ECS_CONTAINER_METADATA_URI_V4": f"{_url(self.model)}/metadata",
        }

    def _api_environment(self, internal: socket.socket, cache: Cache) -> dict[str, str]:
        host, port = cache.address
        return {
            **self._aws_environment(),
            "GATEWAY_URL": _url(internal.getsockname()),
            "CACHE_HOST": host,
            "CACHE_PORT": str(port),
            "CACHE_TLS": "false",
            "PARAMETER_PREFIX": "/mangaassist/canary",
            "INTENT_ENDPOINT": "mangaassist-intent",
            "METRICS_NAMESPACE": NAMESPACE,
        }

    def _aws_environment(self) -> dict[str, str]:
        return {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": _url(self.model),
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            ENVIRONMENT_NAME: Clock.starting_now(1.0).env_value(),
        }

    def _wait(self, url: str) -> None:
        until = time.monotonic() + _START_SECONDS
        while True:
            try:
                with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - this machine's own
                    return
            except OSError as error:
                if time.monotonic() > until or any(map(_ended, self._programs)):
                    raise RuntimeError(f"{url} did not answer: {error}\n{self._said()}") from error
            time.sleep(0.1)

    def _said(self) -> str:
        """The last line of each program's log."""
        logs = sorted(self._processes.directory.glob("*.log"))
        texts = ((log.name, log.read_text(errors="replace").strip()) for log in logs)
        return "\n".join(f"{name}: {text.splitlines()[-1]}" for name, text in texts if text)


def _ended(program: subprocess.Popen[bytes]) -> bool:
    return program.poll() is not None


def _cpu_seconds(process: psutil.Process) -> float:
    times = [each.cpu_times() for each in (process, *process.children(recursive=True))]
    return sum(each.user + each.system for each in times)


def _plain_environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "NO_PROXY": "127.0.0.1"}


def _litellm_config(url: str) -> dict[str, object]:
    """Two deployments under one name, weighted as a canary at 5%; nothing stored or reported."""
    deployments = [
        {
            "model_name": "manga",
            "litellm_params": {
                "model": f"openai/manga-{number}",
                "api_base": url,
                "api_key": "test",
                "weight": weight,
            },
        }
        for number, weight in ((1, 95), (2, 5))
    ]
    return {
        "model_list": deployments,
        "router_settings": {"routing_strategy": "simple-shuffle"},
        "litellm_settings": {"num_retries": 0},
        # Without a key there is no look-up of keys either: the proxy at its fastest.
        "general_settings": {"dangerously_permit_weak_or_unset_master_key": True},
    }


def _listener(arn: str, rules: list[dict[str, object]], default: object) -> dict[str, object]:
    return {"arn": arn, "balancer": arn, "rules": rules, "default": default, "timeout": 60.0}


def _arm_rules() -> list[dict[str, object]]:
    """The gateway's two header rules while a release is active."""
    return [
        {
            "conditions": [
                {
                    "Field": "http-header",
                    "HttpHeaderConfig": {"HttpHeaderName": "x-canary-arm", "Values": [arm]},
                }
            ],
            "actions": _forward({f"{_GROUP}{arm}": 100}),
        }
        for arm in ("control", "canary")
    ]


def _forward(weights: dict[str, int]) -> list[dict[str, object]]:
    groups = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in weights.items()]
    return [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]


def _bound() -> socket.socket:
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    return bound


def _url(address: tuple[str, int]) -> str:
    return f"http://{address[0]}:{address[1]}"
