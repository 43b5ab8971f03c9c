"""What functions find in their environment, in groups that several share."""

from __future__ import annotations

from stacks import names
from stacks.constructs.arm_routes import ArmRoutes
from stacks.state import State

__all__ = ["Environment"]


class Environment:
    """Each attribute is a few variables; `docs/reference/contracts.md` lists who reads which."""

    def __init__(self, state: State, routes: ArmRoutes) -> None:
        self.prefix = {"PARAMETER_PREFIX": names.PREFIX}
        self.sets = {"CLUSTER": names.CLUSTER, "GATEWAY_SERVICE": names.GATEWAY_SERVICE}
        self.stacks = {
            "TRAFFIC_STACK": names.TRAFFIC_STACK,
            "GATEWAY_STACK": names.GATEWAY_STACK,
            "GUARDRAILS_STACK": names.GUARDRAILS_STACK,
        }
        self.critical = {"CRITICAL_ALARM": names.CRITICAL_ALARM}
        self.metrics = {"METRICS_NAMESPACE": names.NAMESPACE}
        self.queries = {
            "ATHENA_WORKGROUP": names.WORKGROUP,
            "EVENTS_DATABASE": names.EVENTS_DATABASE,
            "EVENTS_TABLE": names.EVENTS_TABLE,
            "EVENT_DAYS_TABLE": names.EVENT_DAYS_TABLE,
        }
        self.events = self.metrics | self.queries
        self.days = {"DAYS_LOCATION": state.events.days_location}
        self.releases = {"RELEASES_TABLE": state.tables.releases.table_name}
        self.rollbacks = {"ROLLBACKS_TABLE": state.tables.rollbacks.table_name}
        self.tests = {"TESTS_TABLE": state.tables.tests.table_name}
        self.bandits = {"BANDITS_TABLE": state.tables.bandits.table_name}
        self.quality = {"QUALITY_ENDPOINT": names.QUALITY_ENDPOINT}
        self.dashboard = {"DASHBOARD_BUCKET": state.dashboard.bucket_name}
        self.reports = {"REPORTS_BUCKET": state.reports.bucket_name}
        self.promotion = {"PROMOTION_PIPELINE": names.PROMOTION}
        self.on_call = {"ON_CALL_TOPIC_ARN": state.topics.on_call.topic_arn}
        self.engineers = {"ML_TOPIC_ARN": state.topics.ml_engineers.topic_arn}
        self.rules = {
            "RULE_CONTROL_ARN": routes.control_rule.listener_rule_arn,
            "RULE_CANARY_ARN": routes.canary_rule.listener_rule_arn,
            "RULE_DRAW_ARN": routes.draw_rule.listener_rule_arn,
            "TARGET_PRIMARY_ARN": routes.primary.target_group_arn,
            "TARGET_CANARY_ARN": routes.canary.target_group_arn,
        }
        self.cache = {
            "CACHE_HOST": state.cache.host,
            "CACHE_PORT": state.cache.port,
            "CACHE_TLS": "true",
            "CACHE_USER": state.cache.user,
            "CACHE_SECRET_ARN": state.cache.secret.secret_arn,
        }
