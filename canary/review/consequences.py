"""What a change of a template does to a release that is under way while it is deployed."""

from __future__ import annotations

from canary.review.changes import Change

__all__ = ["CALLED_BY_ALIAS", "consequence"]

CALLED_BY_ALIAS = ("rollback", "pause", "reconcile", "analyse", "detect", "session-flag")
"""Functions that alarms, rules and schedules call by their alias: a new version acts at once."""

_TASK_SET = (
    "the new set starts at the template's scale with the model that Parameter Store names now; a "
    "set that is not steady when the old one goes drops the arm's requests"
)
_RULE = (
    "CloudFormation writes the template's weights, everything on primary, over the release's; the "
    "reconciler puts the release's back within a minute"
)
_BY_TYPE: dict[tuple[str, str], str] = {
    ("AWS::ECS::TaskSet", "replace"): _TASK_SET,
    ("AWS::ECS::TaskSet", "update"): "the set falls to the template's scale, whatever the stage",
    ("AWS::ECS::TaskSet", "delete"): "the arm has no tasks: its requests fail until traffic moves",
    ("AWS::ECS::PrimaryTaskSet", "update"): "the service's primary becomes the new set",
    ("AWS::ECS::TaskDefinition", "replace"): (
        "what runs goes on; whatever is created from it is replaced with it"
    ),
    ("AWS::ECS::Service", "replace"): "every task of the service goes with the old one",
    ("AWS::ECS::Service", "update"): (
        "capacity may fall below what both arms need at once; a service under CodeDeploy refuses it"
    ),
    ("AWS::ElasticLoadBalancingV2::ListenerRule", "update"): _RULE,
    ("AWS::ElasticLoadBalancingV2::ListenerRule", "replace"): (
        f"{_RULE}, if it can: the functions know the old rule's ARN until they are deployed too"
    ),
    ("AWS::ElasticLoadBalancingV2::ListenerRule", "delete"): (
        "requests that the rule matched get the listener's default action, a 503"
    ),
    ("AWS::ElasticLoadBalancingV2::TargetGroup", "replace"): (
        "the new group is empty until a task set is attached, and the functions' ARN is the old "
        "one's: traffic to this arm fails, and a rollback to it too"
    ),
    ("AWS::ElasticLoadBalancingV2::TargetGroup", "update"): (
        "health checks or draining change for both this arm's old and new tasks at once"
    ),
    ("AWS::ElasticLoadBalancingV2::TargetGroup", "delete"): "the arm has nowhere to go",
    ("AWS::ElasticLoadBalancingV2::Listener", "update"): (
        "the default action is the template's again; CodeDeploy may have moved it"
    ),
    ("AWS::ElasticLoadBalancingV2::Listener", "replace"): (
        "every rule on it is replaced: weights are the template's, and the functions know the old "
        "rules"
    ),
    ("AWS::ElasticLoadBalancingV2::Listener", "delete"): "nothing answers on its port",
    ("AWS::ElasticLoadBalancingV2::LoadBalancer", "replace"): (
        "its name changes: whoever has the old address gets nothing when it goes"
    ),
    ("AWS::ElasticLoadBalancingV2::LoadBalancer", "delete"): "the tier cannot be reached",
    ("AWS::Lambda::Version", "delete"): (
        "a release under way that calls this version fails at its next step"
    ),
    ("AWS::Lambda::Version", "replace"): (
        "a release under way that calls the old version fails at its next step"
    ),
    ("AWS::StepFunctions::StateMachine", "update"): (
        "none: a running execution keeps the definition and the role it started with"
    ),
    ("AWS::StepFunctions::StateMachine", "replace"): (
        "the running execution is stopped with the old machine, and its rule rolls back"
    ),
    ("AWS::StepFunctions::StateMachine", "delete"): (
        "the running execution is stopped with the machine"
    ),
    ("AWS::DynamoDB::Table", "replace"): (
        "records, lock and attestations are in the old table: the release is lost to its functions"
    ),
    ("AWS::DynamoDB::Table", "delete"): "the release's record and lock are gone from its functions",
    ("AWS::ElastiCache::ReplicationGroup", "replace"): (
        "pins and histories are lost: units are drawn anew, at the rates in force"
    ),
    ("AWS::ElastiCache::ReplicationGroup", "delete"): (
        "each task serves from its own memory: arms are no longer sticky"
    ),
    ("AWS::SSM::Parameter", "update"): (
        "none for the policy: a release under way reads its own copy"
    ),
    ("AWS::CloudWatch::Alarm", "update"): (
        "the alarm is evaluated anew under its new terms; one that is raised may not fire again"
    ),
    ("AWS::CloudWatch::Alarm", "replace"): "the guardrail is blind until it has data again",
    ("AWS::CloudWatch::Alarm", "delete"): "the release goes on without this guardrail",
    ("AWS::CloudWatch::CompositeAlarm", "update"): (
        "its state is computed anew; a transition calls its actions"
    ),
    ("AWS::CloudWatch::CompositeAlarm", "delete"): "nothing acts on its children",
    ("AWS::Logs::SubscriptionFilter", "delete"): "turns are no longer read",
    ("AWS::Events::Rule", "delete"): "what it called is no longer called",
}
_GRANTS = {"AWS::IAM::Policy", "AWS::IAM::Role", "AWS::IAM::ManagedPolicy"}


def consequence(change: Change) -> str:
    """One sentence, empty for what no release can notice."""
    kind = "replace" if change.kind == "may replace" else change.kind
    if change.resource_type == "AWS::Lambda::Version" and change.kept:
        return "none: the version stays, and a release under way goes on calling it"
    if change.resource_type == "AWS::Lambda::Function":
        return _function(change)
    if change.resource_type in _GRANTS and kind != "add":
        return "its holder's next call has the new rights: old versions of a function too"
    return _BY_TYPE.get((change.resource_type, kind), "")


def _function(change: Change) -> str:
    if change.kind == "add":
        return ""
    if change.kind != "update":
        return "what calls it by name or alias fails until the new one is there"
    properties = change.stack.resources[change.logical_id].get("Properties", {})
    name = str(properties.get("FunctionName", "")).removeprefix("canary-")
    if name in CALLED_BY_ALIAS:
        return "acts at once: it is called by its alias, whatever the release began with"
    return "none: a release under way calls the version it started with"
