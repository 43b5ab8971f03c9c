"""Every function of a release, with what each reads and what each may do, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from constructs import Construct

from canary.policy.compiled import Model
from stacks import names
from stacks.constructs.approval_functions import ApprovalFunctions
from stacks.constructs.arm_routes import ArmRoutes
from stacks.constructs.bandit_functions import BanditFunctions
from stacks.constructs.drill_functions import DrillFunctions
from stacks.constructs.environment import Environment
from stacks.constructs.evaluation_role import EvaluationRole
from stacks.constructs.function import CanaryFunction
from stacks.constructs.layer import functions_layer
from stacks.constructs.lost_rollbacks import LostRollbacks
from stacks.constructs.permissions import Permission, Permissions
from stacks.constructs.report_function import ReportFunction
from stacks.constructs.scaling_access import hold_capacity
from stacks.constructs.tables import RELEASES_TABLE
from stacks.network import Network
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
        models: Sequence[Model],
        gateway_url: str,
        time_zone: str,
        wave_before: Sequence[str] = (),
    ) -> None:
        super().__init__(scope, construct_id)
        layer = functions_layer(self)
        self.lost_rollbacks = LostRollbacks(self, "LostRollbacks", on_call=state.topics.on_call)
        allow, env = Permissions(self), Environment(state, routes)
        records = allow.write(state.tables.releases)
        rollbacks = allow.items(state.tables.rollbacks, "PutItem", "Query", "UpdateItem")
        days = allow.items(state.tables.releases, "Query")
        publish_state = allow.parameters("PutParameter", "assignment", "status")
        see_alarms = allow.see_alarms()
        see_rules = allow.see("elasticloadbalancing:DescribeRules")
        see_metrics = allow.see("cloudwatch:GetMetricData")
        put_metrics = allow.put_metrics(names.NAMESPACE)
        move_rules = (allow.act("elasticloadbalancing:ModifyRule", *routes.rule_arns), see_rules)
        tell = allow.publish(state.topics)
        tell_engineers = allow.publish(state.topics, on_call=False)
        query = allow.query(state.events)

        self.session_flag = self._function(
            "session_flag",
            10,
            env.cache,
            [allow.act("secretsmanager:GetSecretValue", state.cache.secret.secret_arn)],
            layer=layer,
            vpc=network.vpc,
            group=network.paths.session_flag,
        )
        flag = allow.act("lambda:InvokeFunction", self.session_flag.alias.function_arn)
        flag_env = {"SESSION_FLAG_FUNCTION": self.session_flag.alias.function_arn}
        self.rollback = self._function(
            "rollback",
            90,
            env.releases
            | env.rollbacks
            | (env.rules | env.prefix | env.metrics)
            | (env.on_call | env.engineers | flag_env),
            [
                *(records, rollbacks, *move_rules, publish_state, *tell, flag),
                *(see_alarms, see_metrics, put_metrics, allow.stop_executions(names.MACHINE)),
                allow.see("elasticloadbalancing:DescribeTargetHealth"),
            ],
            reserved_concurrency=5,
            dead_letters=self.lost_rollbacks.queue,
        )
        roll_back = allow.act("lambda:InvokeFunction", self.rollback.alias.function_arn)
        rollback_env = {"ROLLBACK_FUNCTION": self.rollback.alias.function_arn}
        self.pause = self._function(
            "pause",
            30,
            env.releases | env.prefix | env.on_call | env.engineers | rollback_env,
            [records, see_alarms, publish_state, *tell, roll_back],
            dead_letters=self.lost_rollbacks.queue,
        )
        self.admit = self._function(
            "admit",
            30,
            env.releases | env.tests | env.prefix | env.stacks,
            [
                allow.items(state.tables.releases, "ConditionCheckItem", "DeleteItem"),
                allow.items(state.tables.releases, "GetItem", "PutItem", "Query"),
                allow.items(state.tables.tests, "DeleteItem", "GetItem", "PutItem"),
                allow.describe_stacks(*env.stacks.values()),
                *(see_alarms, state.policy.may_read()),
                allow.parameters("GetParameter", "policy", "control/model-id"),
                *allow.read_elsewhere(RELEASES_TABLE, wave_before),
            ],
            layer=layer,
        )
        evaluation = EvaluationRole(self, "Evaluation", bucket=state.reports, models=models)
        self.offline_gate = self._function(
            "offline_gate",
            120,
            env.releases | env.reports | {"EVALUATION_ROLE_ARN": evaluation.role.role_arn},
            [allow.items(state.tables.releases, "GetItem"), *evaluation.permissions()],
            layer=layer,
        )
        self.set_traffic = self._function(
            "set_traffic",
            15,
            env.releases | env.rules | env.prefix | env.critical,
            [records, see_alarms, *move_rules, publish_state],
        )
        self.scale_cycle = self._function(
            "scale_cycle",
            30,
            env.releases | env.rules | env.sets | env.prefix,
            [
                *(records, see_rules, publish_state),
                allow.task_sets(names.CLUSTER, names.GATEWAY_SERVICE, scale=True),
                allow.parameters("PutParameter", "control/model-id", "canary/model-id"),
            ],
        )
        self.attest = self._function(
            "attest",
            30,
            env.releases | env.sets,
            [
                allow.read(state.tables.releases),
                allow.task_sets(names.CLUSTER, names.GATEWAY_SERVICE),
                allow.list_tasks(names.CLUSTER),
            ],
        )
        self.decide = self._function(
            "decide",
            180,
            env.releases
            | (env.tests | env.events | env.prefix | env.reports)
            | (env.on_call | env.engineers),
            [
                allow.items(state.tables.tests, "Query"),
                *(records, days, see_alarms, see_metrics),
                *(publish_state, *tell, *query, allow.write_looks(state.reports)),
            ],
            layer=layer,
        )
        self.approval = ApprovalFunctions(self, "Approval", state=state, env=env, allow=allow)
        self.report = ReportFunction(self, "Report", state=state, env=env, allow=allow, layer=layer)
        self.promote = self._function(
            "promote",
            45,
            env.releases | env.rules | env.prefix | env.critical | env.engineers | flag_env,
            [records, see_alarms, *move_rules, publish_state, *tell_engineers, flag],
        )
        self.reconcile = self._function(
            "reconcile",
            30,
            env.releases
            | (env.rollbacks | env.tests | env.rules)
            | (env.metrics | env.sets | rollback_env),
            [
                allow.items(state.tables.tests, "DeleteItem", "GetItem", "PutItem", "Query"),
                allow.items(state.tables.releases, "GetItem"),
                allow.items(state.tables.rollbacks, "Query"),
                *(*move_rules, put_metrics, roll_back, *hold_capacity(self)),
            ],
        )
        dashboard = state.dashboard.arn_for_objects("dashboard.json")
        self.analyse = self._function(
            "analyse",
            180,
            env.releases
            | (env.events | env.days | env.prefix | env.dashboard)
            | (env.on_call | env.engineers | rollback_env),
            [
                *(records, days, see_alarms, see_metrics, put_metrics, publish_state),
                *(*tell, *query, allow.sum_up_days(state.events), roll_back),
                *(allow.act("s3:GetObject", dashboard), allow.act("s3:PutObject", dashboard)),
            ],
            layer=layer,
        )
        self.bandits = BanditFunctions(
            self, "Bandits", network=network, state=state, env=env, allow=allow, layer=layer
        )
        self.drills = DrillFunctions(
            self,
            "Drills",
            network=network,
            state=state,
            routes=routes,
            env=env,
            allow=allow,
            gateway_url=gateway_url,
            time_zone=time_zone,
            scale_cycle=self.scale_cycle,
            attest=self.attest,
            session_flag=self.session_flag,
        )
        self.detect = self._function("detect", 30, env.metrics, [put_metrics], layer=layer)

    def _function(
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
