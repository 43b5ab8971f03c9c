"""Take one look at the active stage: read the facts, decide, and keep the decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from canary.aws import clock
from canary.aws.alarms import Alarms
from canary.aws.athena import Athena, Tables
from canary.aws.clients import client
from canary.aws.facts import FactStore
from canary.aws.metrics import Metrics
from canary.aws.notify import Topic
from canary.aws.parameters import Parameters
from canary.aws.performer import Performer
from canary.aws.records import Releases
from canary.aws.settings import from_environment
from canary.decision.engine import evaluate
from canary.decision.outcome import look_taken
from canary.policy.compiled import CompiledPolicy


@dataclass(frozen=True)
class Settings:
    """What this function is given."""

    releases_table: str
    metrics_namespace: str
    athena_workgroup: str
    events_database: str
    events_table: str
    parameter_prefix: str
    ml_topic_arn: str


SETTINGS = from_environment(Settings)
ALARMS = Alarms(client("cloudwatch"))
FACTS = FactStore(
    Athena(
        client("athena"),
        Tables(SETTINGS.athena_workgroup, SETTINGS.events_database, SETTINGS.events_table),
    ),
    Metrics(client("cloudwatch"), SETTINGS.metrics_namespace),
)
PERFORMER = Performer(
    releases=Releases(client("dynamodb"), SETTINGS.releases_table),
    parameters=Parameters(client("ssm"), SETTINGS.parameter_prefix),
    topics={"ml_engineers": Topic(client("sns"), SETTINGS.ml_topic_arn)},
)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """The decision for the stage that the progression bakes. Raises `Revoked`."""
    state = PERFORMER.current(event["release_id"])
    policy = CompiledPolicy.from_json(state.policy)
    facts = FACTS.read(state, policy, clock.now(), ALARMS.states())
    decision = evaluate(policy, state, facts, asked_stage=int(event["stage"]))
    PERFORMER.settle(state, look_taken(decision))
    return {
        "decision": decision.kind.value,
        "wait_seconds": max(1, decision.wait_seconds),
        "shift_needed": decision.shift_needed,
        "reason": decision.reason,
    }
