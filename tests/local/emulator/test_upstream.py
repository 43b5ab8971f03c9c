"""Moto as it comes still needs each of our patches: a failure here says which one may go."""

from __future__ import annotations

import inspect
import json
import warnings
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError
from moto.awslambda.models import LambdaBackend, LambdaFunction
from moto.awslambda.responses import LambdaResponse
from moto.cloudformation import parsing
from moto.codedeploy.models import CodeDeployBackend
from moto.codedeploy.responses import CodeDeployResponse
from moto.elbv2.models import FakeListener, FakeListenerRule, FakeLoadBalancer, FakeTargetGroup
from moto.events.models import EventPattern
from moto.stepfunctions.models import stepfunctions_backends
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import (  # noqa: E501 - one import, one line
    StateTaskService,
)
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import (
    WaitFunction,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.backend import execution
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from canary.local.emulator import ACCOUNT, Emulator
from tests.local.emulator.bench import REGION, finished, make_function, make_machine, network

INVOKE = "arn:aws:states:::lambda:invoke"
NOTHING = {"A": {"Type": "Pass", "End": True}}


def stack(emulator: Emulator, name: str, resources: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        emulator.client("cloudformation").create_stack(
            StackName=name, TemplateBody=json.dumps({"Resources": resources})
        )


def test_upstream_still_skips_unknown_types(plain: Emulator) -> None:
    """Unpatched, a stack whose only resource is unknown is created without a word."""
    stack(plain, "unknown", {"Odd": {"Type": "AWS::QLDB::Ledger", "Properties": {}}})
    (found,) = plain.client("cloudformation").describe_stacks(StackName="unknown")["Stacks"]
    assert found["StackStatus"] == "CREATE_COMPLETE"


@pytest.mark.parametrize(
    "cfn_type",
    [
        "AWS::ApplicationAutoScaling::ScalableTarget",
        "AWS::Athena::WorkGroup",
        "AWS::CloudWatch::Alarm",
        "AWS::CloudWatch::CompositeAlarm",
        "AWS::CodeDeploy::Application",
        "AWS::CodeDeploy::DeploymentGroup",
        "AWS::DynamoDB::GlobalTable",
        "AWS::EC2::SecurityGroupEgress",
        "AWS::ECS::PrimaryTaskSet",
        "AWS::ECS::TaskSet",
        "AWS::ElastiCache::ReplicationGroup",
        "AWS::ElastiCache::User",
        "AWS::Glue::Table",
        "AWS::Lambda::Alias",
        "AWS::Lambda::EventInvokeConfig",
        "AWS::Logs::SubscriptionFilter",
        "AWS::S3::BucketPolicy",
        "AWS::SNS::Subscription",
        "AWS::SNS::TopicPolicy",
        "AWS::SQS::QueuePolicy",
        "AWS::SecretsManager::Secret",
        "AWS::StepFunctions::StateMachineVersion",
    ],
)
def test_upstream_still_lacks_the_type(cfn_type: str) -> None:
    """Unpatched, moto has no class of its own for the type."""
    own = [each for each in parsing.get_model_list() if each.__module__.startswith("moto.")]
    assert own
    assert cfn_type not in {each.cloudformation_type() for each in own}


def test_upstream_still_hides_why_a_resource_failed(
    plain: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unpatched, a service under the EXTERNAL controller is a KeyError and an HTTP 500."""
    own = next(
        each
        for each in parsing.get_model_list()
        if each.__module__.startswith("moto.") and each.cloudformation_type() == "AWS::ECS::Service"
    )
    monkeypatch.setattr(parsing, "resource_class_from_type", lambda _type: own)
    resource = {"Type": "AWS::ECS::Service", "Properties": {"Cluster": "c"}}
    with pytest.raises(ResponseParserError, match="500 Internal Server Error"):
        stack(plain, "external", {"Service": resource})


def test_upstream_still_names_a_state_machine_by_another_property() -> None:
    """Unpatched, `StateMachineName` is not what names a state machine."""
    assert parsing.resource_name_property_from_type("AWS::StepFunctions::StateMachine") != (
        "StateMachineName"
    )


def test_upstream_still_creates_state_machines_where_the_api_does_not_look() -> None:
    """Unpatched, CloudFormation's backend of state machines is not the interpreter's."""
    assert stepfunctions_backends is not stepfunctions_parser_backends


@pytest.mark.parametrize(
    ("kind", "attribute"),
    [
        (FakeLoadBalancer, "LoadBalancerFullName"),
        (FakeTargetGroup, "TargetGroupFullName"),
        (FakeListener, "ListenerArn"),
        (FakeListenerRule, "RuleArn"),
    ],
)
def test_upstream_still_lacks_the_attribute(kind: Any, attribute: str) -> None:
    """Unpatched, `Fn::GetAtt` gives nothing for it."""
    source = inspect.getsource(vars(kind).get("get_cfn_attribute", lambda: None))
    assert f'attribute_name == "{attribute}"' not in source


def test_upstream_still_gives_load_balancers_names_nobody_resolves(plain: Emulator) -> None:
    """Unpatched, a load balancer's name is one of AWS's."""
    assert network(plain)["balancer"]["DNSName"].endswith(".elb.amazonaws.com")


def test_upstream_still_knows_no_health_of_unregistered_targets(plain: Emulator) -> None:
    """Unpatched, health is invented from what was registered through the API."""
    elb = plain.client("elbv2")
    vpc = plain.client("ec2").create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    (group,) = elb.create_target_group(
        Name="own", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip"
    )["TargetGroups"]
    health = elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"])
    assert health["TargetHealthDescriptions"] == []


def test_upstream_still_ignores_a_load_balancer_s_type_and_a_group_s_targets() -> None:
    """Unpatched, a template's network load balancer is an application one, its targets nothing."""
    balancer = inspect.getsource(FakeLoadBalancer.create_from_cloudformation_json)
    assert '"Type"' not in balancer
    group = inspect.getsource(FakeTargetGroup.create_from_cloudformation_json)
    assert '"Targets"' not in group


def test_upstream_still_carries_no_deployment_out() -> None:
    """Unpatched, a deployment stays `Created`, and no hook can answer."""
    assert "Thread" not in inspect.getsource(CodeDeployBackend)
    assert not hasattr(CodeDeployResponse, "put_lifecycle_event_hook_execution_status")
    assert not hasattr(CodeDeployResponse, "stop_deployment")


def test_upstream_still_runs_functions_in_docker() -> None:
    """Unpatched, an invocation starts a container."""
    assert "docker_client.containers.run" in inspect.getsource(LambdaFunction._invoke_lambda)


def test_upstream_still_waits_for_asynchronous_functions(
    plain: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unpatched, an `Event` invocation returns after the function has run."""
    ran: list[Any] = []

    def run(_self: LambdaFunction, event: Any = None) -> tuple[str, bool, str]:
        ran.append(event)
        return "null", False, ""

    monkeypatch.setattr(LambdaFunction, "_invoke_lambda", run)
    make_function(plain, "late", "")
    plain.client("lambda").invoke(FunctionName="late", InvocationType="Event", Payload=b"{}")
    assert ran == [{}]


def test_upstream_still_ignores_the_qualifier_of_an_invocation() -> None:
    """Unpatched, `Invoke` reads a parameter that no SDK sends."""
    assert '_get_param("qualifier")' in inspect.getsource(LambdaResponse.invoke)


def test_upstream_still_invents_sns_records() -> None:
    """Unpatched, a function subscribed to a topic gets invented fields, with no permission."""
    assert "arn:aws:sns:EXAMPLE" in inspect.getsource(LambdaBackend.send_sns_message)


def test_upstream_still_sends_log_lines_inside_the_request() -> None:
    """Unpatched, `PutLogEvents` runs the subscribed function's newest code before it answers."""
    assert "func.invoke(" in inspect.getsource(LambdaBackend.send_log_event)


def test_upstream_still_offers_every_event_to_scheduled_rules() -> None:
    """Unpatched, a rule without a pattern matches whatever is sent."""
    assert EventPattern.load(None).matches_event({"source": "anything"})


def test_upstream_still_calls_no_function_from_a_rule(plain: Emulator) -> None:
    """Unpatched, an event for a function is an HTTP 500."""
    events = plain.client("events")
    events.put_rule(Name="r", EventPattern='{"source": ["s"]}')
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
    events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": arn}])
    with pytest.raises(ClientError) as failed:
        events.put_events(Entries=[{"Source": "s", "DetailType": "d", "Detail": "{}"}])
    assert failed.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    events.remove_targets(Rule="r", Ids=["1"])


def test_upstream_still_knows_services_by_the_wrong_name() -> None:
    """Unpatched, a definition's `elasticloadbalancingv2` is no service of boto3."""
    names = StateTaskService._SERVICE_NAME_SFN_TO_BOTO_OVERRIDES
    assert "elasticloadbalancingv2" not in names


def test_upstream_still_keeps_the_spelling_of_definitions(plain: Emulator) -> None:
    """Unpatched, ECS is sent PascalCase and does not understand it."""
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:ecs:describeClusters",
        "Parameters": {"Clusters": ["none"]},
        "End": True,
    }
    arn = make_machine(plain, "spelling", {"A": task})
    client = plain.client("stepfunctions")
    started = client.start_execution(stateMachineArn=arn, name="one")["executionArn"]
    described = finished(plain, started)
    answered = json.loads(described.get("output", "{}"))
    assert "Failures" not in answered


def test_upstream_still_calls_unnamed_executions_none(plain: Emulator) -> None:
    """Unpatched, the second execution without a name already exists."""
    client = plain.client("stepfunctions")
    arn = make_machine(plain, "nameless", NOTHING)
    first = client.start_execution(stateMachineArn=arn)["executionArn"]
    assert first.endswith(":None")


def test_upstream_still_cannot_start_an_alias(plain: Emulator) -> None:
    """Unpatched, a qualifier names no state machine."""
    arn = make_machine(plain, "qualified", NOTHING)
    with pytest.raises(ClientError):
        plain.client("stepfunctions").start_execution(stateMachineArn=f"{arn}:live", name="one")


@pytest.mark.parametrize(
    ("owner", "text"),
    [
        (WaitFunction._wait_interval, "env.program_state_event.wait(wait_seconds)"),
        (retrier_decl.RetrierDecl._eval_body, "time.sleep(interval_seconds)"),
        (Program.eval, "self.timeout_seconds.timeout_seconds"),
        (ExecutionState._evaluate_with_timeout, "terminated_event.wait(timeout_seconds)"),
    ],
    ids=["wait", "retry", "execution", "task"],
)
def test_upstream_still_waits_in_real_time(owner: Any, text: str) -> None:
    """Unpatched, the interpreter waits real seconds, just where our patches take hold."""
    assert text in inspect.getsource(owner)


def test_upstream_still_forgets_a_stop_when_an_error_follows() -> None:
    """Unpatched, an error after a stop turns ABORTED into FAILED."""
    source = inspect.getsource(Environment.set_error)
    assert "isinstance" not in source
    assert "interrupt_all" not in inspect.getsource(execution.Execution.stop)


def test_upstream_still_tells_nobody_that_an_execution_ended() -> None:
    """Unpatched, the end of an execution sets its status and nothing else."""
    source = inspect.getsource(execution.BaseExecutionWorkerCommunication.terminated)
    assert "event" not in source.lower()


@pytest.fixture(scope="module")
def shop(plain: Emulator) -> dict[str, Any]:
    """A service with a task set at 100% of two, in unpatched moto."""
    ecs = plain.client("ecs")
    ecs.create_cluster(clusterName="shop")
    definition = ecs.register_task_definition(
        family="f", containerDefinitions=[{"name": "c", "image": "i", "memory": 64}]
    )["taskDefinition"]["taskDefinitionArn"]
    ecs.create_service(
        cluster="shop",
        serviceName="s",
        desiredCount=2,
        deploymentController={"type": "EXTERNAL"},
    )
    made = ecs.create_task_set(
        cluster="shop",
        service="s",
        taskDefinition=definition,
        launchType="FARGATE",
        scale={"unit": "PERCENT", "value": 100},
    )
    return dict(made["taskSet"])


def test_upstream_still_invents_tasks(plain: Emulator, shop: dict[str, Any]) -> None:
    """Unpatched, creating a task set makes RUNNING tasks that are no processes."""
    ecs = plain.client("ecs")
    arns = ecs.list_tasks(cluster="shop")["taskArns"]
    assert len(arns) == 2
    tasks = ecs.describe_tasks(cluster="shop", tasks=arns)["tasks"]
    assert {each["startedBy"] for each in tasks} == {ACCOUNT}


def test_upstream_still_counts_nothing_in_task_sets(plain: Emulator, shop: dict[str, Any]) -> None:
    """Unpatched, a task set has no counts, and its own id does not find it."""
    ecs = plain.client("ecs")
    (found,) = ecs.describe_task_sets(cluster="shop", service="s")["taskSets"]
    assert "runningCount" not in found
    assert found["id"] == shop["id"]


def test_upstream_still_says_services_run_nothing(plain: Emulator, shop: dict[str, Any]) -> None:
    """Unpatched, a service's running count stays at zero."""
    (service,) = plain.client("ecs").describe_services(cluster="shop", services=["s"])["services"]
    assert service["runningCount"] == 0


def test_upstream_runs_no_action_of_a_pipeline(plain: Emulator) -> None:
    """Every execution has succeeded at once, and nothing can be asked about an approval."""
    trust = {"Statement": [{"Principal": {"Service": "codepipeline.amazonaws.com"}}]}
    role = plain.client("iam").create_role(
        RoleName="pipeline", AssumeRolePolicyDocument=json.dumps(trust)
    )["Role"]["Arn"]
    kind = {"category": "Approval", "owner": "AWS", "provider": "Manual", "version": "1"}
    stage = {"actions": [{"name": "A", "actionTypeId": kind}]}
    client = plain.client("codepipeline")
    client.create_pipeline(
        pipeline={
            "name": "plain",
            "roleArn": role,
            "stages": [{"name": "One", **stage}, {"name": "Two", **stage}],
        }
    )
    client.start_pipeline_execution(name="plain")
    (execution,) = client.list_pipeline_executions(pipelineName="plain")[
        "pipelineExecutionSummaries"
    ]
    assert execution["status"] == "Succeeded"
    with pytest.raises(ClientError):
        client.get_pipeline_state(name="plain")


def test_upstream_leaves_a_bucket_s_versioning_out(plain: Emulator) -> None:
    """A template's bucket gives no version to what is put into it."""
    bucket = {
        "Type": "AWS::S3::Bucket",
        "Properties": {
            "BucketName": "versioned",
            "VersioningConfiguration": {"Status": "Enabled"},
        },
    }
    stack(plain, "versioned", {"Bucket": bucket})
    put = plain.client("s3").put_object(Bucket="versioned", Key="a", Body=b"x")
    assert "VersionId" not in put
