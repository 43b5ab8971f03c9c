"""Every hour: let each intent's bandit learn from what has matured, and publish what is served.

A bandit that cannot learn goes on serving what it knew; the others learn, and the call fails.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from canary.aws import clock
from canary.aws.athena import Athena, Tables
from canary.aws.bandit_learning import Learner
from canary.aws.bandit_log import BanditLog
from canary.aws.bandits import Bandits
from canary.aws.clients import client
from canary.aws.functions import Function
from canary.aws.metrics import Metrics
from canary.aws.notify import Topic
from canary.aws.parameters import Parameters
from canary.aws.policy_store import load_policy
from canary.aws.records import Releases
from canary.aws.scorer import EndpointScorer
from canary.aws.settings import from_environment
from canary.bandits.plain import plain_finding, plain_servings


@dataclass(frozen=True)
class Settings:
    """What this function is given."""

    bandits_table: str
    releases_table: str
    parameter_prefix: str
    metrics_namespace: str
    quality_endpoint: str
    publish_function: str
    ml_topic_arn: str


class NotAllLearnedError(RuntimeError):
    """Some bandits could not learn, or were not scored; the message says which, and why."""


SETTINGS = from_environment(Settings)
DYNAMODB = client("dynamodb")
S3 = client("s3")
PARAMETERS = Parameters(client("ssm"), SETTINGS.parameter_prefix)
RELEASES = Releases(DYNAMODB, SETTINGS.releases_table)
METRICS = Metrics(client("cloudwatch"), SETTINGS.metrics_namespace)
PUBLISH = Function(client("lambda", read=15.0), SETTINGS.publish_function)
ENGINEERS = Topic(client("sns"), SETTINGS.ml_topic_arn)
SCORER = EndpointScorer(client("sagemaker-runtime", read=20.0), SETTINGS.quality_endpoint)
REFERENCES = tomllib.loads(Path(__file__).with_name("references.toml").read_text("utf-8"))
LEARNER = Learner(
    Bandits(DYNAMODB, SETTINGS.bandits_table),
    BanditLog(Athena(client("athena"), from_environment(Tables)), SCORER, REFERENCES),
)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Learn, publish, tell what guardrails did. Raises `NotAllLearnedError` after all that."""
    now, policy = clock.now(), load_policy(PARAMETERS, S3)
    lesson = LEARNER.learn(policy, now, release_active=RELEASES.lock() is not None)
    PUBLISH.call({"servings": plain_servings(lesson.servings)})
    METRICS.put({"BanditBehindSeconds": max(0.0, lesson.behind_s)})
    for intent, finding in lesson.findings:
        ENGINEERS.publish(
            f"Bandit of {intent}: arm {finding.arm} {finding.what}",
            {"intent": intent, **plain_finding(finding)},
        )
    if lesson.failures:
        raise NotAllLearnedError("; ".join(lesson.failures))
    return {"intents": sorted(lesson.servings.intents), "findings": len(lesson.findings)}
