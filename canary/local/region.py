"""An embedded region: the synthesized templates of one region, running on this machine.

Start order follows what stands on what; stop is the reverse. Use it as a context manager.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from moto.cloudwatch.models import cloudwatch_backends
from moto.elbv2.models import elbv2_backends
from moto.logs.models import logs_backends

from canary.aws.dashboard import KEY as DASHBOARD_KEY
from canary.aws.records import Releases
from canary.aws.rollbacks import Rollbacks
from canary.local.alarm_actions import ActionRunner
from canary.local.alarms import AlarmEvaluator, OnTransition
from canary.local.assets import deploy
from canary.local.athena import Athena
from canary.local.child import Child
from canary.local.clock import ENVIRONMENT_NAME, Clock
from canary.local.emulator import ACCOUNT
from canary.local.event_files import EventFiles
from canary.local.load_balancer_control import LoadBalancerControl
from canary.local.log_router import LogRouter
from canary.local.parts import Parts
from canary.local.result import StoredEvents
from canary.local.scenario import load_scenario
from canary.local.speed import clock_factor
from canary.policy.compiled import CompiledPolicy
from canary.release.model import ReleaseState

__all__ = ["EmbeddedRegion", "StartError"]

PREFIX = "/mangaassist/canary"
RELEASES_TABLE = "canary-releases"
MACHINE = "canary-release"
CERTIFICATE = "/mangaassist/api/certificate-arn"
"""What a platform engineer writes before the first deployment; there is no TLS here."""

_STEADY_SECONDS = 240.0
_FIRST_LINE_SECONDS = 120.0
_DELIVERY_SECONDS = 60.0
_SDK_NAMES = ("BEDROCK", "BEDROCK_RUNTIME", "SAGEMAKER_RUNTIME")


class StartError(RuntimeError):
    """The region could not be brought up; the message says which part and why."""


class EmbeddedRegion:
    """Everything of one region; `deploy` first, then `serve`, then releases."""

    def __init__(
        self,
        assembly: Path,
        policy: CompiledPolicy,
        scenario_file: Path,
        *,
        candidate: str,
        checkout: Path,
        on_transition: OnTransition,
    ) -> None:
        load = load_scenario(scenario_file).load
        self.clock = Clock.starting_now(clock_factor(load.conversations_per_second))
        self.policy = policy
        self.candidate = candidate
        self._assembly = assembly
        self._scenario_file = scenario_file
        self._checkout = checkout
        self._on_transition = on_transition
        self.parts = Parts(policy.region, self.clock, checkout, self._on_line)
        self.store = self.parts.metrics
        self._router: LogRouter | None = None
        self._athena = Athena(self.parts.emulator)
        self._files: EventFiles | None = None
        self._balancer: LoadBalancerControl | None = None
        self._alarms: AlarmEvaluator | None = None
        self._actions: ActionRunner | None = None
        self._model: Child | None = None
        self.outputs: dict[str, dict[str, str]] = {}

    def start(self) -> None:
        """Start what needs no template: the emulator, the cache, the model endpoint."""
        self.parts.start()
        self._athena.install(self.parts.patches)
        self._start_model()

    @property
    def router(self) -> LogRouter:
        """Where the tasks' lines go."""
        assert self._router is not None
        return self._router

    @property
    def balancer(self) -> LoadBalancerControl:
        """The load balancers."""
        assert self._balancer is not None
        return self._balancer

    @property
    def alarms(self) -> AlarmEvaluator:
        """The alarms."""
        assert self._alarms is not None
        return self._alarms

    @property
    def model(self) -> Child:
        """The model endpoint's process."""
        assert self._model is not None
        return self._model

    def client(self, service: str) -> Any:
        """A boto3 client of this region."""
        return self.parts.emulator.client(service)

    def deploy(self, progress: Callable[[str], None]) -> None:
        """Create the region's stacks; then publish the paced policy, as a policy edit would.

        Tasks start as soon as their service exists: the gateway's stack waits for them.
        """
        certificate = self.client("acm").request_certificate(DomainName="chat.example")[
            "CertificateArn"
        ]
        self.client("ssm").put_parameter(Name=CERTIFICATE, Value=certificate, Type="String")
        self.parts.tasks.start()
        self.outputs = deploy(self.parts.emulator, self._assembly, progress)
        self._publish_policy()

    def serve(self, progress: Callable[[str], None]) -> None:
        """Start tasks, load balancers, alarms and schedules. Raises `StartError`."""
        parts = self.parts
        self._files = EventFiles(self.client("s3"), self._events_location())
        self._router = LogRouter(
            store=self.store,
            clock=self.clock,
            streams=parts.streams,
            log_groups=logs_backends[ACCOUNT][self.policy.region].groups,
            invoke_for=parts.functions.invoke_for,
            account=ACCOUNT,
            region=self.policy.region,
        )
        self._router.load()
        self._router.start()
        progress("tasks")
        parts.functions.prewarm()
        parts.schedules.start()
        self._balancer = LoadBalancerControl(
            backend=elbv2_backends[ACCOUNT][self.policy.region],
            targets=parts.targets,
            sockets=parts.addresses,
            processes=parts.processes,
            store=self.store,
            clock=self.clock,
            checkout=self._checkout,
        )
        self._balancer.start()
        if not parts.tasks.wait_until_steady(_STEADY_SECONDS):
            raise StartError("the services' tasks did not become healthy: " + self._last_lines())
        self._balancer.settle()
        progress("alarms")
        self._actions = ActionRunner(
            parts.emulator,
            invoke_for=parts.functions.invoke_for,
            account=ACCOUNT,
            region=self.policy.region,
        )
        self._alarms = AlarmEvaluator(
            cloudwatch_backends[ACCOUNT][self.policy.region],
            self.store,
            self.clock,
            self._actions,
            emit_event=self._emit,
            on_transition=self._on_transition,
        )
        self._alarms.load()
        self._alarms.start()
        parts.governor.start()

    def api_url(self) -> str:
        """Where customers reach the API tier's load balancer."""
        return f"http://{self._load_balancer(internal=False).dns_name}"

    def target_group(self, task_set: str) -> str:
        """The ARN of the target group of `primary` or `canary`."""
        service = self.client("ecs").describe_services(cluster="mangaassist", services=["gateway"])
        for each in service["services"][0]["taskSets"]:
            if each["externalId"] == task_set:
                return str(each["loadBalancers"][0]["targetGroupArn"])
        raise StartError(f"the gateway has no task set {task_set}")

    def release(self, release_id: str) -> ReleaseState | None:
        """The record of a release, or None before it is admitted."""
        return Releases(self.client("dynamodb"), RELEASES_TABLE).load(release_id)

    def ended_by(self, release_id: str) -> str | None:
        """Who asked first for the rollback of a release; None when nobody did."""
        table = self.parts.functions.environment("canary-rollback")["ROLLBACKS_TABLE"]
        record = Rollbacks(self.client("dynamodb"), table).find(release_id)
        return str(record.fields["source"]) if record else None

    def alarm_lines(self) -> list[tuple[str, str, float, str]]:
        """Name, state, since when (virtual epoch seconds) and reason of each alarm."""
        return [
            (name, alarm.state_value, alarm.state_updated_timestamp.timestamp(), alarm.state_reason)
            for name, alarm in sorted(
                cloudwatch_backends[ACCOUNT][self.policy.region].alarms.items()
            )
        ]

    def dashboard(self) -> bytes | None:
        """`dashboard.json` as the analysis function last wrote it, or None before that."""
        if self._router is None:
            return None
        bucket = self.parts.functions.environment("canary-analyse")["DASHBOARD_BUCKET"]
        try:
            found = self.client("s3").get_object(Bucket=bucket, Key=DASHBOARD_KEY)
        except ClientError:
            return None
        return bytes(found["Body"].read())

    def delivered(self, turns: int, outcomes: int) -> StoredEvents:
        """What S3 holds once no stream holds anything back, after the last customer has gone.

        A task's lines wait in it while their reader is slow: these `turns` and `outcomes` are
        given time to come.
        """
        until = time.monotonic() + _DELIVERY_SECONDS
        while True:
            self.router.settle()
            stored = self._stored_events()
            whole = stored.answered_turns >= turns and stored.outcomes >= outcomes
            if whole or time.monotonic() > until:
                return stored
            time.sleep(1.0)

    def _stored_events(self) -> StoredEvents:
        """Answered turns and outcomes in S3, each counted once, and repeated ids."""
        ids: set[str] = set()
        turns: set[str] = set()
        outcomes: set[tuple[str, bool]] = set()
        repeated = 0
        assert self._files is not None
        for event in self._files.read():
            repeated += event["event_id"] in ids
            ids.add(event["event_id"])
            if event["event"] == "outcome":
                # A rating comes apart from what was done: an outcome of its own.
                outcomes.add((event["conversation_id"], event["csat"] is not None))
            elif event["model_id"] is not None:
                # By id: after the cache has lost a conversation its turns are numbered anew.
                turns.add(event["event_id"])
        return StoredEvents(len(turns), len(outcomes), repeated)

    def diagnose(self, execution: str) -> list[str]:
        """Why a release may not have gone on: failed states, and what functions printed last."""
        client = self.client("stepfunctions")
        machine = self.machine_arn()
        runs = client.list_executions(stateMachineArn=machine)["executions"]
        lines = [f"execution {each['name']}: {each['status']}" for each in runs]
        for each in runs:
            if each["name"] == execution:
                history = client.get_execution_history(executionArn=each["executionArn"])
                for event in history["events"]:
                    for key, detail in event.items():
                        if key.endswith("EventDetails") and "cause" in detail:
                            error, cause = detail.get("error"), str(detail["cause"])[:300]
                            lines.append(f"{event['type']}: {error}: {cause}")
        return [*dict.fromkeys(lines), *self.failures()]

    def machine_arn(self) -> str:
        """The ARN of the progression's state machine."""
        machines = self.client("stepfunctions").list_state_machines()["stateMachines"]
        return next(str(each["stateMachineArn"]) for each in machines if each["name"] == MACHINE)

    def failures(self) -> tuple[str, ...]:
        """What went wrong on the way, one line each."""
        found = [f"{each.function}: {each.reason}" for each in self.parts.functions.events.failures]
        parts = (self.parts.schedules, self._balancer, self._alarms, self._actions, self._router)
        for part in (*parts, self.parts.streams):
            found += getattr(part, "failures", [])
        return tuple(
            each if count == 1 else f"{each} ({count} times)"
            for each, count in Counter(found).items()
        )

    def stop(self) -> None:
        """Stop in reverse order; safe at any point of the start."""
        if self._alarms:
            self._alarms.stop()
        if self._balancer:
            self._balancer.stop()
        if self._router:
            self._router.stop()
        self.parts.stop()
        self._athena.close()

    def _start_model(self) -> None:
        directory = self.parts.processes.directory
        policy = directory / "policy.json"
        policy.write_text(self.policy.to_json())
        self._model = self.child(
            "canary.local.model_endpoint",
            "--scenario",
            str(self._scenario_file),
            "--policy",
            str(policy),
            "--candidate",
            self.candidate,
        )
        port = self._model.wait_for(lambda each: isinstance(each, int), _FIRST_LINE_SECONDS)
        for name in _SDK_NAMES:
            self.parts.emulator.elsewhere[name] = f"http://127.0.0.1:{port}"

    def child(
        self,
        module: str,
        *arguments: str,
        on_line: Callable[[Any], None] = lambda _line: None,
    ) -> Child:
        """A child process of this region that talks JSON lines."""
        return Child(
            self.parts.processes,
            module,
            arguments,
            environment={
                **self.parts.emulator.child_environment("region"),
                ENVIRONMENT_NAME: self.clock.env_value(),
                "PYTHONPATH": str(self._checkout),
                "PYTHONUNBUFFERED": "1",
            },
            log=self.parts.processes.directory / f"{module}.log",
            on_line=on_line,
        )

    def command(self, *arguments: str) -> tuple[int, str]:
        """Call `canary` as a person would, pointed at this region: its status and its last line."""
        canary = (sys.executable, "-m", "canary.local.patience", str(self.clock.factor))
        done = subprocess.run(
            [*canary, *arguments, "--region", self.policy.region],
            env={
                **self.parts.emulator.child_environment("region"),
                "PYTHONPATH": str(self._checkout),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        said = (done.stdout or done.stderr).strip().splitlines()
        return done.returncode, said[-1] if said else ""

    def _events_location(self) -> str:
        table = self.client("glue").get_table(DatabaseName="canary", Name="events")["Table"]
        return str(table["StorageDescriptor"]["Location"])

    def _publish_policy(self) -> None:
        name = f"{PREFIX}/policy"
        place = json.loads(self.client("ssm").get_parameter(Name=name)["Parameter"]["Value"])
        key = f"policy/{self.policy.digest}.json"
        self.client("s3").put_object(
            Bucket=place["bucket"], Key=key, Body=self.policy.to_json().encode()
        )
        value = {"digest": self.policy.digest, "bucket": place["bucket"], "key": key}
        self.client("ssm").put_parameter(
            Name=name, Value=json.dumps(value), Type="String", Overwrite=True
        )

    def _emit(
        self, detail_type: str, source: str, resources: list[str], detail: dict[str, Any]
    ) -> None:
        self.parts.bus.publish(source, detail_type, detail, resources=resources)

    def _load_balancer(self, *, internal: bool) -> Any:
        for each in elbv2_backends[ACCOUNT][self.policy.region].load_balancers.values():
            if (each.scheme == "internal") == internal:
                return each
        raise StartError("the templates have no public load balancer")

    def _on_line(self, group: str, line: str) -> None:
        if self._router is not None:
            self._router.on_line(group, line)

    def _last_lines(self) -> str:
        if self._router is None:
            return ""
        lines = [
            line
            for group in ("", "/mangaassist/api", "/mangaassist/gateway")
            for line in self._router.tail(group)[-3:]
        ]
        return " | ".join(lines)
