"""A fire drill: release the control model to itself at 0%, break it, and judge its rollback."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from canary.aws import clock
from canary.aws.alarms import Alarms
from canary.aws.clients import client
from canary.aws.drill_clean_up import DrillCleanUp
from canary.aws.drill_sight import DrillSight
from canary.aws.drills import Drills
from canary.aws.executions import Executions
from canary.aws.fire_drill import FireDrill
from canary.aws.functions import Function
from canary.aws.memories import Memories
from canary.aws.metrics import Metrics
from canary.aws.parameters import Parameters
from canary.aws.policy_store import load_policy
from canary.aws.records import Releases
from canary.aws.rollbacks import Rollbacks
from canary.aws.settings import from_environment
from canary.aws.task_sets import Service, TaskSets
from canary.aws.traffic import Rules, Traffic
from canary.release.drill import DrillReport, due

CALL_SECONDS = 45.0
"""Longer than any function that a drill waits for may run."""


@dataclass(frozen=True)
class Settings:
    """What this function is given."""

    releases_table: str
    rollbacks_table: str
    parameter_prefix: str
    metrics_namespace: str
    critical_alarm: str
    release_machine_arn: str
    scale_cycle_function: str
    attest_function: str
    session_flag_function: str
    probe_function: str


SETTINGS = from_environment(Settings)
DYNAMODB = client("dynamodb")
LAMBDA = client("lambda", read=CALL_SECONDS, attempts=1)
CLOUDWATCH = client("cloudwatch")
S3 = client("s3")
METRICS = Metrics(CLOUDWATCH, SETTINGS.metrics_namespace)
DRILLS = Drills(DYNAMODB, SETTINGS.releases_table)
RELEASES = Releases(DYNAMODB, SETTINGS.releases_table)
ROLLBACKS = Rollbacks(DYNAMODB, SETTINGS.rollbacks_table)
PARAMETERS = Parameters(client("ssm"), SETTINGS.parameter_prefix)
EXECUTIONS = Executions(client("stepfunctions"))
SESSION_FLAG = Function(LAMBDA, SETTINGS.session_flag_function)
TRAFFIC = Traffic(client("elbv2"), from_environment(Rules))
DRILL = FireDrill(
    releases=RELEASES,
    rollbacks=ROLLBACKS,
    drills=DRILLS,
    traffic=TRAFFIC,
    alarms=Alarms(CLOUDWATCH, SETTINGS.critical_alarm),
    parameters=PARAMETERS,
    executions=EXECUTIONS,
    sight=DrillSight(
        releases=RELEASES,
        rollbacks=ROLLBACKS,
        memories=Memories(DYNAMODB, SETTINGS.releases_table),
        parameters=PARAMETERS,
        executions=EXECUTIONS,
        session_flag=SESSION_FLAG,
    ),
    clean_up=DrillCleanUp(
        releases=RELEASES,
        rollbacks=ROLLBACKS,
        traffic=TRAFFIC,
        parameters=PARAMETERS,
        executions=EXECUTIONS,
        task_sets=TaskSets(client("ecs"), from_environment(Service)),
        session_flag=SESSION_FLAG,
    ),
    scale_cycle=Function(LAMBDA, SETTINGS.scale_cycle_function),
    attest=Function(LAMBDA, SETTINGS.attest_function),
    session_flag=SESSION_FLAG,
    probe=Function(LAMBDA, SETTINGS.probe_function),
    machine_arn=SETTINGS.release_machine_arn,
    critical=SETTINGS.critical_alarm,
)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Drill, and publish the figure; the answer is the report.

    A scheduled call drills when the last drill that passed is a week old. A failed drill is an
    answer, not an error: an error is tried again, and finds what the first call left. An event that
    comes twice gets the same answer.
    """
    name = drill_name(event)
    known = DRILLS.find(name)
    if known is not None and known["outcome"] != "running":
        return known
    if event.get("scheduled") and known is None and not due(DRILLS.last_passed_at(), clock.now()):
        return {"outcome": "not due"}
    report = DRILL.run(name, load_policy(PARAMETERS, S3))
    publish(report)
    return report.to_dict()


def drill_name(event: dict[str, Any]) -> str:
    """The caller's name for it; a scheduled drill is called after the moment it was due.

    A call that is tried again has the same name: that is how a drill is known.
    """
    if "drill_id" in event:
        return str(event["drill_id"])
    moment = dt.datetime.fromisoformat(event["scheduled"])
    return f"drill-{moment:%Y%m%d-%H%M%S}"


def publish(report: DrillReport) -> None:
    """A skipped drill has no figure; that none passed for long is another alarm's business."""
    if report.outcome == "skipped":
        return
    seconds = report.seconds()["alarm_to_safe"]
    figures = {"DrillFailed": float(report.outcome == "failed")}
    METRICS.put(figures if seconds is None else figures | {"DrillSafeSeconds": seconds})
