# ruff: noqa: INP001, T201 - a part of a script, which shows how far it is
"""Consecutive rollbacks of one embedded region under load, a part of `make bench-rollback`.

Each release stands at a stage drawn by lot, half of them on their way to the next one, when the
critical alarm is raised at a random moment (`SetAlarmState` on a child: the composite follows, and
its own action calls the rollback function). Measured is when the listener's rules became safe and
stayed so, and whether the load balancer sent the canary a request after it had taken them on (a
rollback with any such request counts one).

Seconds are real ones of this machine: between alarm and weights nobody waits for the clock.
"""

from __future__ import annotations

import random
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from canary.aws.functions import Function
from canary.aws.records import Releases
from canary.aws.task_sets import Service, TaskSets
from canary.aws.traffic import Rules, Traffic
from canary.local.region import RELEASES_TABLE, EmbeddedRegion
from canary.local.synthesis import synthesize
from canary.policy.compile import compile_policy, load_policy
from canary.release.model import Phase, ReleaseState
from canary.routing.weights import ALL_ON_PRIMARY, TrafficForm

ROOT = Path(__file__).resolve().parent.parent
POLICY = ROOT / "policy" / "mangaassist.toml"
SCENARIO = ROOT / "scenarios" / "good.toml"
CHILD, COMPOSITE = "canary-5xx", "canary-critical"
PATIENCE_SECONDS = 300.0
"""Real, of any one wait."""
TAKEN_ON_SECONDS = 1.0
"""Real: the load balancer's look at the rules, the watch's own, and the report's grain."""
SHORTEST, LONGEST = 5.0, 25.0
"""Virtual seconds that a release stands at its stage before the alarm."""


@dataclass
class Watch:
    """Every form the rules have had, with the real moment at which it was first seen."""

    traffic: Traffic
    seen: list[tuple[float, TrafficForm]] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Look at the rules ten times a second: what is measured is that exact."""
        while not self.stopped.wait(0.1):
            form = self.traffic.read()
            if not self.seen or self.seen[-1][1] != form:
                self.seen.append((time.monotonic(), form))

    def safe_since(self) -> float | None:
        """When the rules became safe for good; None while they are not."""
        at, form = self.seen[-1]
        return at if form == ALL_ON_PRIMARY else None


@dataclass
class Bench:
    """One region that serves customers, and when its critical alarm last changed."""

    region: EmbeddedRegion
    rng: random.Random
    alarms: dict[str, float]

    def prepare(self) -> None:
        """Run the candidate at full scale, for all rollbacks: tasks are not what is measured."""
        self.region.client("ssm").put_parameter(
            Name="/mangaassist/canary/canary/model-id",
            Value=self.region.candidate,
            Type="String",
            Overwrite=True,
        )
        sets = TaskSets(self.region.client("ecs"), Service("mangaassist", "gateway"))
        sets.scale("canary", 100)
        wait_until("the canary's tasks run", lambda: settled(sets))
        self.region.balancer.settle()

    def rules(self) -> Rules:
        """The rules and groups, as the rollback function is told them."""
        found = self.region.parts.functions.environment("canary-rollback")
        names = ("RULE_CONTROL_ARN", "RULE_CANARY_ARN", "RULE_DRAW_ARN")
        groups = ("TARGET_PRIMARY_ARN", "TARGET_CANARY_ARN")
        return Rules(*(found[name] for name in (*names, *groups)))

    def roll_back(self, number: int) -> tuple[float, bool]:
        """One release to its end: real seconds from alarm to safe, and a request after that."""
        region, releases = self.region, Releases(self.region.client("dynamodb"), RELEASES_TABLE)
        release_id = f"bench-{number}"
        wait_until("the alarm is over", lambda: region.alarms.states()[COMPOSITE] == "OK")
        self.alarms.pop(COMPOSITE, None)
        releases.create(self._record(release_id))
        stage = self.rng.randint(1, len(region.policy.stages) - 2)
        self._shift(release_id, stage)
        watch = Watch(Traffic(region.client("elbv2"), self.rules()))
        watcher = threading.Thread(target=watch.run, daemon=True)
        watcher.start()
        region.clock.sleep(self.rng.uniform(SHORTEST, LONGEST))
        changing = None
        if self.rng.random() < 0.5 and stage + 2 < len(region.policy.stages):  # noqa: PLR2004
            changing = threading.Thread(target=self._shift_or_not, args=(release_id, stage + 1))
            changing.start()
            time.sleep(self.rng.uniform(0.0, 0.5))
        self._raise_alarm()
        wait_until("the release is over", lambda: releases.lock() is None)
        if changing:
            changing.join()
        self._set_alarm("OK")
        watch.stopped.set()
        watcher.join()
        safe = watch.safe_since()
        if safe is None:
            raise RuntimeError(f"{release_id}: the rules are not safe: {watch.seen[-1][1]}")
        return max(0.0, safe - self.alarms[COMPOSITE]), self._late_request(safe)

    def _late_request(self, safe: float) -> bool:
        """Whether the canary was met after the load balancer had taken the safe rules on.

        It looks at the rules twenty times a second, and reports its counts a little later.
        """
        region = self.region
        region.balancer.settle()
        time.sleep(1.5)
        last = region.balancer.last_request_at(region.target_group("canary"))
        if last is None:
            return False
        since_last = (region.clock.now() - last) / region.clock.factor
        return time.monotonic() - since_last > safe + TAKEN_ON_SECONDS

    def _record(self, release_id: str) -> ReleaseState:
        policy = self.region.policy
        return ReleaseState(
            release_id=release_id,
            test_id="bench",
            candidate=self.region.candidate,
            control=policy.models[0].id,
            region=policy.region,
            phase=Phase.PREPARING,
            policy=policy.to_json(),
            policy_digest=policy.digest,
            admitted_at=self.region.clock.now(),
        )

    def _raise_alarm(self) -> None:
        """Raise the child until the composite has followed.

        Before that the child's own next evaluation may find it well. On a machine that is slow the
        alarm may have come by itself: then it is that one which was answered.
        """

        def raised() -> bool:
            if COMPOSITE not in self.alarms:
                self._set_alarm("ALARM")
            return COMPOSITE in self.alarms

        wait_until("the alarm is raised", raised, every=0.5)

    def _set_alarm(self, state: str) -> None:
        self.region.client("cloudwatch").set_alarm_state(
            AlarmName=CHILD, StateValue=state, StateReason="benchmark"
        )

    def _shift(self, release_id: str, stage: int) -> None:
        client = self.region.client("lambda")
        Function(client, "canary-set-traffic").call({"release_id": release_id, "stage": stage})

    def _shift_or_not(self, release_id: str, stage: int) -> None:
        """A rollback that comes between is what this is for: the function then says `Revoked`."""
        try:
            self._shift(release_id, stage)
        except RuntimeError as error:
            print(f"  {release_id}: {error}", file=sys.stderr)


def settled(sets: TaskSets) -> bool:
    """Whether the canary set runs all its tasks."""
    found = sets.find("canary")
    return found.steady and found.desired > 0


def wait_until(what: str, met: Any, *, every: float = 0.05) -> None:
    """Poll each so many seconds until `met()`. Raises `TimeoutError`."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not met():
        if time.monotonic() > until:
            raise TimeoutError(f"not within {PATIENCE_SECONDS:.0f} s: {what}")
        time.sleep(every)


@contextmanager
def serving(seed: int) -> Iterator[Bench]:
    """A region with customers and without a release."""
    policy = compile_policy(load_policy(POLICY), "us-east-1")
    alarms: dict[str, float] = {}

    def on_transition(name: str, _old: str, new: str, _reason: str, _at: float) -> None:
        if new == "ALARM":
            alarms.setdefault(name, time.monotonic())

    region = EmbeddedRegion(
        synthesize(ROOT, POLICY),
        policy,
        SCENARIO,
        candidate=policy.models[1].id,
        checkout=ROOT,
        on_transition=on_transition,
    )
    try:
        region.start()
        region.deploy(lambda _stack: None)
        region.serve(lambda _what: None)
        customers = region.child(
            "canary.local.customers",
            *("--scenario", str(SCENARIO)),
            *("--policy", str(region.parts.processes.directory / "policy.json")),
            *("--candidate", region.candidate, "--api", region.api_url()),
        )
        customers.tell({"stage_percent": 0, "minute": 0.0, "faults": []})
        yield Bench(region, random.Random(seed), alarms)
    finally:
        region.stop()


def measure(rollbacks: int, seed: int) -> dict[str, int]:
    """Roll back so many times: p50 and p99 from alarm to safe, and how many met the canary after.

    The keys are those of the benchmark's last line.
    """
    seconds: list[float] = []
    late = 0
    with serving(seed) as bench:
        bench.prepare()
        print(f"clock x{bench.region.clock.factor:g}", file=sys.stderr)
        for number in range(rollbacks):
            took, met = bench.roll_back(number)
            seconds.append(took)
            late += met
            print(f"{number}: {1000 * took:.0f} ms{' LATE' if met else ''}", file=sys.stderr)
    figures = statistics.quantiles(seconds, n=100, method="inclusive")
    return {
        "rollbacks": len(seconds),
        "canary_requests_after_safe": late,
        "safe_p50_ms": round(1000 * figures[49]),
        "safe_p99_ms": round(1000 * figures[98]),
    }
