"""Keep the task token of the progression and ask a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from canary.aws import clock
from canary.aws.clients import client
from canary.aws.notify import Topic
from canary.aws.parameters import Parameters
from canary.aws.performer import Performer
from canary.aws.records import Releases
from canary.aws.settings import from_environment
from canary.release.events import ApprovalAsked


@dataclass(frozen=True)
class Settings:
    """What this function is given."""

    releases_table: str
    parameter_prefix: str
    ml_topic_arn: str


SETTINGS = from_environment(Settings)
RELEASES = Releases(client("dynamodb"), SETTINGS.releases_table)
PERFORMER = Performer(
    releases=RELEASES,
    parameters=Parameters(client("ssm"), SETTINGS.parameter_prefix),
    topics={"ml_engineers": Topic(client("sns"), SETTINGS.ml_topic_arn)},
)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Store the token before anyone is asked, so that the answer always finds it."""
    state = PERFORMER.current(event["release_id"])
    RELEASES.save_token(state.release_id, event["task_token"])
    PERFORMER.settle(state, ApprovalAsked(clock.now()))
    return {"done": True}
