"""The emulated services of one region, put together: started in order, stopped in reverse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from canary.local import (
    buckets,
    cloudformation,
    cloudwatch_patches,
    ecs_patches,
    emulator_speed,
    lambda_patches,
    log_groups,
    stack_updates,
    stepfunctions,
)
from canary.local.access import ParameterAccess
from canary.local.addresses import Addresses
from canary.local.cache import Cache
from canary.local.clock import Clock
from canary.local.code_deploy import CodeDeploy
from canary.local.code_pipeline import CodePipelines
from canary.local.ecs import TaskScheduler
from canary.local.emulator import Emulator
from canary.local.events import EventBus
from canary.local.firehose import DeliveryStreams
from canary.local.governor import Governor
from canary.local.lambdas import Functions
from canary.local.metrics import MetricStore
from canary.local.patches import Patches
from canary.local.processes import Processes
from canary.local.scheduler import Scheduler
from canary.local.targets import Targets

__all__ = ["Parts"]

_PLAIN_CACHE = {"CACHE_TLS": "false"}
"""What tasks and functions are told instead of the template's word: this cache has no TLS."""


class Parts:
    """Everything that stands in for AWS. Use it as a context manager.

    `on_line(log_group, line)` gets each line a task prints, in that task's own thread; an empty
    log group is the region's own remark. `overrides` replace variables of tasks that have them.
    """

    def __init__(
        self,
        region: str,
        clock: Clock,
        checkout: Path,
        on_line: Callable[[str, str], None] = lambda _group, _line: None,
        overrides: Mapping[str, str] | None = None,
    ) -> None:
        plain = {**_PLAIN_CACHE, **(overrides or {})}
        self.region = region
        self.clock = clock
        self.patches = Patches()
        self.emulator = Emulator(region)
        self.metrics = MetricStore()
        self.streams = DeliveryStreams(self.emulator, clock)
        self.processes = Processes()
        clock.share(self.processes.directory / "clock")
        self.governor = Governor(clock)
        self.cache = Cache(self.processes)
        self.targets = Targets()
        self.addresses = Addresses()
        self.access = ParameterAccess()
        self.functions = Functions(self.emulator, self.processes, clock, checkout, plain)
        self.bus = EventBus(self.emulator, self.functions, clock)
        self.pipelines = CodePipelines(self.emulator, self.functions, self.bus, clock)
        self.schedules = Scheduler(self.bus, self.functions, clock)
        self.tasks = TaskScheduler(
            self.emulator, self.processes, clock, self.targets, checkout, on_line, plain
        )
        self.deployments = CodeDeploy(self.emulator, self.functions, self.tasks, self.bus, clock)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Patch, listen, and start what needs no template; then deploy."""
        self._install()
        self.emulator.start()
        self.functions.start()
        self.cache.start()

    def run(self) -> None:
        """Let tasks and schedules run: what a deployed region does by itself."""
        self.tasks.start()
        self.schedules.start()

    def stop(self) -> None:
        """Stop everything, leaving no process, port, file or patch behind."""
        self.governor.stop()
        self.schedules.stop()
        self.pipelines.stop()
        self.deployments.stop()
        self.functions.stop()
        self.tasks.stop()
        self.processes.close()
        self.tasks.close()
        self.addresses.close()
        self.emulator.stop()
        self.patches.undo()

    def resolve_secret(self, text: str) -> str:
        """The value behind a `{{resolve:secretsmanager:...}}` reference; other text as it is."""
        prefix = "{{resolve:secretsmanager:"
        if not text.startswith(prefix):
            return text
        reference = text.removeprefix(prefix).removesuffix("}}")
        arn, _, rest = reference.partition(":SecretString:")
        key = rest.split(":")[0]
        return self.tasks.resolve(f"{arn}:{key}" if key else arn)

    def _install(self) -> None:
        cloudformation.install(self.patches, self)
        stack_updates.install(self.patches)
        cloudwatch_patches.install(self.patches, self.metrics, self.clock)
        buckets.install(self.patches)
        emulator_speed.install(self.patches)
        log_groups.install(self.patches)
        stepfunctions.install(self.patches, self.clock, self.bus)
        lambda_patches.install(self.patches, self.functions)
        ecs_patches.install(self.patches, self.tasks)
        for part in (
            *(self.bus, self.pipelines, self.targets, self.addresses),
            self.deployments,
        ):
            part.install(self.patches)
        self.access.install(self.patches)
