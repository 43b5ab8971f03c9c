"""Every function of a release, with what each reads and what each may do, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks import names
from stacks.constructs.arm_routes import ArmRoutes
from stacks.constructs.function import CanaryFunction
from stacks.constructs.permissions import Permission, Permissions
from stacks.network import Network
from stacks.packaging import layer_directory
from stacks.state import State

__all__ = ["ReleaseFunctions"]


class ReleaseFunctions(Construct):
    """One attribute a function; `docs/reference/contracts.md` tells what each is asked."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        network: Network,
        state: State,
        routes: ArmRoutes,
    ) -> None:
        super().__init__(scope, construct_id)
        self._layer = lambda_.LayerVersion(
            self,
            "Layer",
            description="pydantic, numpy and redis for the layered functions",
            code=lambda_.Code.from_asset(str(layer_directory())),
            compatible_runtimes=[lambda_.Runtime.PYTHON_3_13],
            compatible_architectures=[lambda_.Architecture.ARM_64],
        )
        allowed = Permissions(self)
        tables, topics, cache = state.tables, state.topics, state.cache
        records = allowed.write(tables.releases)
        see_alarms = allowed.see_alarms()
        put_metrics = allowed.put_metrics(names.NAMESPACE)
        move_rules = allowed.move_rules(routes.rule_arns)
        publish_state = allowed.parameters("PutParameter", "assignment", "status")
        scale_sets = allowed.scale_sets(names.CLUSTER, names.GATEWAY_SERVICE)
        tell = allowed.publish(topics.key.key_arn, topics.on_call, topics.ml_engineers)
        tell_engineers = allowed.publish(topics.key.key_arn, topics.ml_engineers)
        query = allowed.query(state.events)

        records_at = {
            "RELEASES_TABLE": tables.releases.table_name,
            "PARAMETER_PREFIX": names.PREFIX,
        }
        rollbacks_at = {"ROLLBACKS_TABLE": tables.rollbacks.table_name}
        rules_at = {
            "RULE_CONTROL_ARN": routes.control_rule.listener_rule_arn,
            "RULE_CANARY_ARN": routes.canary_rule.listener_rule_arn,
            "RULE_DRAW_ARN": routes.draw_rule.listener_rule_arn,
            "TARGET_PRIMARY_ARN": routes.primary.target_group_arn,
            "TARGET_CANARY_ARN": routes.canary.target_group_arn,
        }
        sets_at = {"CLUSTER": names.CLUSTER, "GATEWAY_SERVICE": names.GATEWAY_SERVICE}
        on_call_at = {"ON_CALL_TOPIC_ARN": topics.on_call.topic_arn}
        engineers_at = {"ML_TOPIC_ARN": topics.ml_engineers.topic_arn}
        metrics_at = {"METRICS_NAMESPACE": names.NAMESPACE}
        critical_at = {"CRITICAL_ALARM": names.CRITICAL_ALARM}
        events_at = {
            "ATHENA_WORKGROUP": names.WORKGROUP,
            "EVENTS_DATABASE": names.EVENTS_DATABASE,
            "EVENTS_TABLE": names.EVENTS_TABLE,
            **metrics_at,
        }

        self.session_flag = self._layered(
            "session_flag",
            10,
            {
                "CACHE_HOST": cache.host,
                "CACHE_PORT": cache.port,
                "CACHE_TLS": "true",
                "CACHE_USER": cache.user,
                "CACHE_SECRET_ARN": cache.secret.secret_arn,
            },
            [_on("secretsmanager:GetSecretValue", cache.secret.secret_arn)],
            vpc=network.vpc,
            group=network.paths.session_flag,
        )
        flag_at = {"SESSION_FLAG_FUNCTION": self.session_flag.alias.function_arn}
        flag = allowed.invoke(self.session_flag.alias.function_arn)
        self.rollback = self._bare(
            "rollback",
            90,
            records_at | rollbacks_at | rules_at | on_call_at | engineers_at | flag_at | metrics_at,
            [
                *(records, allowed.write(tables.rollbacks), *move_rules, see_alarms),
                allowed.see("elasticloadbalancing:DescribeTargetHealth"),
                allowed.see("cloudwatch:GetMetricData"),
                *(publish_state, *tell, flag, allowed.stop_executions(names.MACHINE)),
            ],
            reserved_concurrency=5,
            dead_letters=True,
        )
        rollback_at = {"ROLLBACK_FUNCTION": self.rollback.alias.function_arn}
        roll_back = allowed.invoke(self.rollback.alias.function_arn)
        self.pause = self._bare(
            "pause",
            30,
            records_at | on_call_at | engineers_at | rollback_at,
            [records, see_alarms, publish_state, *tell, roll_back],
        )
        self.admit = self._layered(
            "admit",
            30,
            records_at,
            [
                *(records, see_alarms, state.policy.may_read()),
                allowed.parameters("GetParameter", "policy", "control/model-id"),
            ],
        )
        self.set_traffic = self._bare(
            "set_traffic",
            15,
            records_at | rules_at | critical_at,
            [records, see_alarms, *move_rules, publish_state],
        )
        self.scale_cycle = self._bare(
            "scale_cycle",
            30,
            records_at | rules_at | sets_at,
            [
                *(records, publish_state, scale_sets),
                allowed.parameters("PutParameter", "control/model-id", "canary/model-id"),
                allowed.see("elasticloadbalancing:DescribeRules"),
            ],
        )
        self.attest = self._bare(
            "attest",
            30,
            records_at | sets_at,
            [
                allowed.read(tables.releases),
                *allowed.see_tasks(names.CLUSTER, names.GATEWAY_SERVICE),
            ],
        )
        self.decide = self._layered(
            "decide",
            180,
            records_at | events_at | engineers_at,
            [
                *(records, see_alarms, publish_state, *tell_engineers, *query),
                allowed.see("cloudwatch:GetMetricData"),
            ],
        )
        self.await_approval = self._bare(
            "await_approval",
            30,
            records_at | engineers_at,
            [records, publish_state, *tell_engineers],
        )
        self.promote = self._bare(
            "promote",
            45,
            records_at | rules_at | critical_at | engineers_at | flag_at,
            [records, see_alarms, *move_rules, publish_state, *tell_engineers, flag],
        )
        self.reconcile = self._bare(
            "reconcile",
            30,
            records_at | rollbacks_at | rules_at | metrics_at | rollback_at,
            [records, allowed.write(tables.rollbacks), *move_rules, put_metrics, roll_back],
        )
        self.analyse = self._layered(
            "analyse",
            180,
            records_at
            | events_at
            | {"DASHBOARD_BUCKET": state.dashboard.bucket_name}
            | (rollback_at | on_call_at | engineers_at),
            [
                *(records, see_alarms, put_metrics, publish_state, *tell, *query, roll_back),
                allowed.see("cloudwatch:GetMetricData"),
                _on("s3:GetObject", state.dashboard.arn_for_objects("dashboard.json")),
                _on("s3:PutObject", state.dashboard.arn_for_objects("dashboard.json")),
            ],
        )
        self.detect = self._layered("detect", 30, metrics_at, [put_metrics])

    def _bare(
        self,
        folder: str,
        seconds: int,
        environment: Mapping[str, str],
        may: Iterable[Permission],
        **more: Any,
    ) -> CanaryFunction:
        return CanaryFunction(
            self,
            folder.title().replace("_", ""),
            folder=folder,
            timeout_seconds=seconds,
            environment=environment,
            may=tuple(may),
            **more,
        )

    def _layered(
        self,
        folder: str,
        seconds: int,
        environment: Mapping[str, str],
        may: Iterable[Permission],
        **more: Any,
    ) -> CanaryFunction:
        return self._bare(folder, seconds, environment, may, layer=self._layer, **more)


def _on(action: str, resource: str) -> Permission:
    return Permission(iam.PolicyStatement(actions=[action], resources=[resource]))
