"""What a release under way notices of each kind of change, by type of resource."""

from __future__ import annotations

__all__ = ["UNDER_WAY"]

_TASK_SET = (
    "the new set starts at the template's scale, whatever the stage, with the model that Parameter "
    "Store names now; the old set goes, and its tasks with it"
)
_RULE = (
    "CloudFormation writes the template's weights, everything on primary, over the release's; the "
    "reconciler puts the release's back within a minute"
)
UNDER_WAY: dict[tuple[str, str], str] = {
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
    ("AWS::ApplicationAutoScaling::ScalableTarget", "update"): (
        "the service's bounds, and whether it scales in, are the template's again"
    ),
    ("AWS::ApplicationAutoScaling::ScalableTarget", "replace"): (
        "the service keeps its tasks and does not scale until the new target is there"
    ),
    ("AWS::Bedrock::Guardrail", "update"): "both arms' answers are filtered anew, at once",
    ("AWS::Bedrock::Guardrail", "replace"): "tasks name the old guardrail: every model call fails",
    ("AWS::CloudWatch::CompositeAlarm", "replace"): "nothing acts on its children meanwhile",
    ("AWS::CodePipeline::Pipeline", "replace"): (
        "an approval that is waited for is lost: the release holds at its stage"
    ),
    ("AWS::CodePipeline::Pipeline", "delete"): (
        "an approval that is waited for is lost: the release holds at its stage"
    ),
    ("AWS::ECS::Cluster", "replace"): "every service of the cluster goes with the old one",
    ("AWS::ElastiCache::ServerlessCache", "replace"): (
        "pins and histories are lost: units are drawn anew, at the rates in force"
    ),
    ("AWS::ElastiCache::ServerlessCache", "delete"): (
        "each task serves from its own memory: arms are no longer sticky"
    ),
    ("AWS::Glue::Table", "update"): "the next look reads the events by the new columns",
    ("AWS::KMS::Key", "delete"): "nothing that it encrypts can be read, no alarm reaches its topic",
    ("AWS::KinesisFirehose::DeliveryStream", "replace"): (
        "events that the old stream still holds arrive late or not at all"
    ),
    ("AWS::Logs::SubscriptionFilter", "replace"): "turns between the two filters are not read",
    ("AWS::S3::Bucket", "replace"): "what the release wrote is in the old bucket",
    ("AWS::SNS::Topic", "replace"): "nobody is told until people subscribe to the new topic",
    ("AWS::SNS::Topic", "delete"): "nobody is told",
}
"""(type, change) to one sentence; what is not here, no release can notice."""
