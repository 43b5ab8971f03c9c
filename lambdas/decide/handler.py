"""Take a look at a stage: facts, the verdicts over them, and what the release does next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from canary.aws import clock
from canary.aws.alarms import Alarms
from canary.aws.athena import Athena, Tables
from canary.aws.clients import client
from canary.aws.event_days import EventDays
from canary.aws.facts import FactStore
from canary.aws.looks import Looks
from canary.aws.metrics import Metrics
from canary.aws.notify import Topic
from canary.aws.parameters import Parameters
from canary.aws.performer import Performer
from canary.aws.records import Releases
from canary.aws.settings import from_environment
from canary.decision.engine import evaluate
from canary.decision.outcome import look_taken
from canary.decision.record import LookRecord
from canary.policy.compiled import CompiledPolicy
from canary.release.model import DecisionKind, Phase


@dataclass(frozen=True)
class Settings:
    """What this function is given."""

    releases_table: str
    parameter_prefix: str
    metrics_namespace: str
    on_call_topic_arn: str
    ml_topic_arn: str
    reports_bucket: str


SETTINGS = from_environment(Settings)
CLOUDWATCH = client("cloudwatch")
ALARMS = Alarms(CLOUDWATCH)
ATHENA = Athena(client("athena"), from_environment(Tables))
DYNAMODB = client("dynamodb")
FACTS = FactStore(
    ATHENA,
    Metrics(CLOUDWATCH, SETTINGS.metrics_namespace),
    EventDays(DYNAMODB, SETTINGS.releases_table, ATHENA),
)
LOOKS = Looks(client("s3"), SETTINGS.reports_bucket)
SNS = client("sns")
PERFORMER = Performer(
    releases=Releases(DYNAMODB, SETTINGS.releases_table),
    parameters=Parameters(client("ssm"), SETTINGS.parameter_prefix),
    topics={
        "on_call": Topic(SNS, SETTINGS.on_call_topic_arn),
        "ml_engineers": Topic(SNS, SETTINGS.ml_topic_arn),
    },
)

MOVES = (DecisionKind.ADVANCE, DecisionKind.PROMOTE)
"""What a hold that came while the look was taken forbids."""


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Decide at the stage that the progression bakes. Raises `Revoked` when the release is over.

    The look is kept before its decision enters the record: what was decided can be made again, and
    a look that cannot be kept decides nothing, but fails and is tried again.
    """
    asked = int(event["stage"])
    state = PERFORMER.current(event["release_id"])
    policy = CompiledPolicy.from_json(state.policy)
    facts = FACTS.read(state, policy, clock.now(), ALARMS.raised())
    decision = evaluate(policy, state, facts, asked_stage=asked)
    LOOKS.write(LookRecord(state, facts, asked, decision.to_exact_dict()))
    after = PERFORMER.settle(state, look_taken(decision))
    kind, wait = decision.kind, decision.wait_seconds
    if after.phase is Phase.HELD and kind in MOVES:
        kind, wait = DecisionKind.HOLD, policy.statistics.bake_poll_seconds
    return {
        "decision": kind.value,
        "wait_seconds": wait,
        "shift_needed": decision.shift_needed and after.phase is not Phase.HELD,
        "cause": decision.cause.value if decision.cause else "",
        "detail": decision.reason,
    }
