"""Every five minutes: publish bounds of harm, escalate what stays raised, draw the status page.

Once a day it sums up the day before, so that the queries of the other ticks stay small.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from canary.aws import clock
from canary.aws.alarms import Alarms
from canary.aws.athena import Athena, Tables
from canary.aws.clients import client
from canary.aws.dashboard import Dashboard
from canary.aws.dashboard_view import idle_view, release_view
from canary.aws.event_days import EventDays
from canary.aws.facts import FactStore
from canary.aws.functions import Function
from canary.aws.metrics import Metrics
from canary.aws.notify import Topic
from canary.aws.parameters import Parameters
from canary.aws.performer import Performer
from canary.aws.records import Releases
from canary.aws.settings import from_environment
from canary.decision.harm import harm_bound
from canary.policy.compiled import CompiledPolicy, Trigger
from canary.release.actions import StartRollback
from canary.release.escalation import escalation
from canary.release.events import ArmsWatched
from canary.release.model import Cause, Phase, ReleaseState


@dataclass(frozen=True)
class Settings:
    """What this function is given."""

    releases_table: str
    parameter_prefix: str
    metrics_namespace: str
    dashboard_bucket: str
    rollback_function: str
    on_call_topic_arn: str
    ml_topic_arn: str
    days_location: str


SETTINGS = from_environment(Settings)
CLOUDWATCH = client("cloudwatch")
ALARMS = Alarms(CLOUDWATCH)
METRICS = Metrics(CLOUDWATCH, SETTINGS.metrics_namespace)
DYNAMODB = client("dynamodb")
ATHENA = Athena(client("athena"), from_environment(Tables))
DAYS = EventDays(DYNAMODB, SETTINGS.releases_table, ATHENA)
FACTS = FactStore(ATHENA, METRICS, DAYS)
DASHBOARD = Dashboard(client("s3"), SETTINGS.dashboard_bucket)
RELEASES = Releases(DYNAMODB, SETTINGS.releases_table)
SNS = client("sns")
ENGINEERS = Topic(SNS, SETTINGS.ml_topic_arn)
PERFORMER = Performer(
    releases=RELEASES,
    parameters=Parameters(client("ssm"), SETTINGS.parameter_prefix),
    topics={"on_call": Topic(SNS, SETTINGS.on_call_topic_arn), "ml_engineers": ENGINEERS},
    rollback=Function(client("lambda"), SETTINGS.rollback_function),
)
COUNTERS = ("Requests", "Errors", "SlowRequests")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Watch the alarms first, so that no slow query delays a rollback; then measure and draw."""
    now = clock.now()
    before = DASHBOARD.read()
    state = RELEASES.active()
    if state is None or state.drill is not None:  # no customer meets a drill
        last = RELEASES.load(before["release_id"]) if "release_id" in before else None
        if view := idle_view(before, last, now):
            DASHBOARD.write(view)
        return {"release_id": None}
    raised = ALARMS.raised()
    policy = CompiledPolicy.from_json(state.policy)
    state = watch(state, policy, raised, now)
    bounds = {} if state.first_exposure_at is None else harm(state, policy, now)
    if bounds:
        METRICS.put(bounds)
    draw(state, policy, raised, before, now)
    summed = DAYS.sum_up(state, SETTINGS.days_location, now)
    return {
        "release_id": state.release_id,
        "phase": state.phase.value,
        "harm": bounds,
        "summed_up": summed,
    }


def watch(
    state: ReleaseState, policy: CompiledPolicy, raised: Mapping[str, float], now: float
) -> ReleaseState:
    """Roll back for a warning that stays; lift or end a shared incident."""
    if state.revoked or state.phase is Phase.PROMOTING:
        return state
    due = escalation(policy, raised, now)
    if due is not None:
        PERFORMER.do(state, StartRollback(due.cause, strike=due.strike, detail=due.detail))
    elif state.hold and state.hold.cause is Cause.SHARED:
        well = not any(name.startswith("shared-") for name in raised)
        return PERFORMER.settle(state, ArmsWatched(now, ok=well))
    return state


def harm(state: ReleaseState, policy: CompiledPolicy, now: float) -> dict[str, float]:
    """Each harm trigger's metric and its lower bound of harm, where there is one.

    A window is one of outcomes that have matured, so it reaches back by their waiting time too.
    """
    bounds: dict[str, float] = {}
    for trigger in policy.triggers:
        if trigger.statistic == "harm":
            metric = policy.metric(trigger.metric)
            reach = max(trigger.windows_seconds) + metric.outcome_window_seconds
            since = max(now - reach, state.first_exposure_at or now)
            bound = harm_bound(policy, trigger, FACTS.cells(state, policy, since, now))
            if bound is not None:
                bounds[metric_name(trigger)] = bound
    return bounds


def metric_name(trigger: Trigger) -> str:
    """`Harm` and the metric's words, capitalised: what the alarm watches."""
    return "Harm" + "".join(word.capitalize() for word in trigger.metric.split("_"))


def draw(
    state: ReleaseState,
    policy: CompiledPolicy,
    raised: Mapping[str, float],
    before: Mapping[str, Any],
    now: float,
) -> None:
    """Write the page's document; a new verdict is told once."""
    same = before.get("release_id") == state.release_id
    since = before["updated_at"] if same else state.admitted_at
    view = release_view(
        state,
        policy,
        now=now,
        counters=METRICS.sums(COUNTERS, since, now),
        draws=FACTS.draws(state, now),
        alarms=ALARMS.states(),
        raised=raised,
        before=before,
    )
    DASHBOARD.write(view)
    verdict = view["decisions"][-1]["kind"] if view["decisions"] else None
    told = before["decisions"][-1]["kind"] if same and before.get("decisions") else None
    if verdict and verdict != told:
        ENGINEERS.publish(f"{state.release_id}: {verdict}", view["decisions"][-1])
