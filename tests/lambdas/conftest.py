"""A region in memory: the resources of the contracts, on moto, and a clock that stands still."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import botocore.loaders
import botocore.session
import pytest
from moto import mock_aws
from moto.cloudformation.models import cloudformation_backends
from moto.core import DEFAULT_ACCOUNT_ID
from moto.sns.models import sns_backends

from canary.aws import clock
from canary.aws.ledger import Registrations
from canary.aws.memories import Memories
from canary.aws.records import Releases
from canary.ledger.entry import Entry
from canary.ledger.levels import next_entry
from canary.ledger.registration import default_registration
from canary.local import emulator_speed
from canary.local.patches import Patches
from canary.policy.compiled import CompiledPolicy, Gate
from canary.release.model import Phase, ReleaseState
from canary.routing.weights import TrafficForm
from tests.canary import samples
from tests.lambdas.balancer import build_balancer

REGION = "us-east-1"
ROOT = Path(__file__).parents[2]
START = 1_700_000_000.0
HOUR = 3600
GUARDED = ("mangaassist-traffic", "mangaassist-gateway", "mangaassist-guardrails")
"""Stacks that must stand still when a release starts."""
SERVICE_MODELS = botocore.loaders.create_loader()
"""Read once for all tests: the models are most of what a new client costs."""


@pytest.fixture(autouse=True, scope="module")
def _quick_emulator() -> Iterator[None]:
    """As the embedded region has it: the same answers in less time."""
    patches = Patches()
    emulator_speed.install(patches)
    yield
    patches.undo()


@dataclass
class FrozenClock:
    """Time that moves only when someone waits or a test says so."""

    time: float = START
    waits: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.time += seconds


@pytest.fixture
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> FrozenClock:
    frozen = FrozenClock()
    monkeypatch.setattr(clock, "now", lambda: frozen.time)
    monkeypatch.setattr(clock, "monotonic", lambda: frozen.time)
    monkeypatch.setattr(clock, "sleep", frozen.sleep)
    return frozen


@pytest.fixture
def policy() -> CompiledPolicy:
    return samples.policy(gates=(Gate("error", 1, "must_pass", "points", 0.0025),))


@dataclass
class Region:
    """Handles on one mocked region, and shorthands to look into it."""

    clock: FrozenClock
    policy: CompiledPolicy
    rules: dict[str, str]
    groups: dict[str, str]
    machine_arn: str
    topic_arn: str
    load: Callable[[str], ModuleType]
    clients: dict[str, Any] = field(default_factory=dict)
    """The test's own, made once; a handler makes its own at every cold start."""

    def client(self, service: str) -> Any:
        if service not in self.clients:
            self.clients[service] = boto3.client(service, region_name=REGION)
        return self.clients[service]

    @property
    def releases(self) -> Releases:
        return Releases(self.client("dynamodb"), "canary-releases")

    @property
    def memories(self) -> Memories:
        return Memories(self.client("dynamodb"), "canary-releases")

    @property
    def ledger(self) -> Registrations:
        return Registrations(self.client("dynamodb"), "canary-tests")

    def register(self, test_id: str = "t-1", **changes: Any) -> Entry:
        """Register a test of model-b, as the policy would run it unless told otherwise."""
        made = default_registration(
            self.policy,
            test_id=test_id,
            candidate="model-b",
            text="model-b completes more conversations",
            by="ana",
            at=self.clock.time,
        )
        made = replace(made, **changes)
        return self.ledger.reserve(made, lambda known: next_entry(known, made, self.policy))

    def take(self, entry: Entry, release_id: str = "r-1") -> None:
        """Give a test to a release, as its admission does."""
        self.client("dynamodb").transact_write_items(
            TransactItems=self.ledger.claim(entry, release_id, self.clock.time)
        )

    def release(self, **changes: Any) -> ReleaseState:
        """Write the record (and the lock) of a release, at 5% unless told otherwise."""
        state = ReleaseState(
            release_id="r-1",
            test_id="t-1",
            candidate="model-b",
            control="model-a",
            region=REGION,
            phase=Phase.BAKING,
            policy=self.policy.to_json(),
            policy_digest=self.policy.digest,
            admitted_at=START - 5 * HOUR,
            execution_arn=self.start_execution(),
            stage=1,
            stage_started_at=START - 4 * HOUR,
            block_started_at=START - 4 * HOUR,
            first_exposure_at=START - 4 * HOUR,
        )
        return self.releases.create(replace(state, **changes))

    def record(self, release_id: str = "r-1") -> ReleaseState:
        state = self.releases.load(release_id)
        assert state is not None
        return state

    def start_execution(self) -> str:
        answer = self.client("stepfunctions").start_execution(
            stateMachineArn=self.machine_arn, input="{}"
        )
        return str(answer["executionArn"])

    def execution_status(self, arn: str) -> str:
        return str(self.client("stepfunctions").describe_execution(executionArn=arn)["status"])

    def weights(self) -> TrafficForm:
        """The canary's weight in each live rule."""
        answer = self.client("elbv2").describe_rules(RuleArns=list(self.rules.values()))
        found = {
            rule["RuleArn"]: {
                group["TargetGroupArn"]: group["Weight"]
                for group in rule["Actions"][0]["ForwardConfig"]["TargetGroups"]
            }[self.groups["canary"]]
            for rule in answer["Rules"]
        }
        return TrafficForm(**{name: found[arn] for name, arn in self.rules.items()})

    def shift(self, form: TrafficForm) -> None:
        """Set live weights behind everyone's back."""
        for name, weight in form.to_dict().items():
            self.client("elbv2").modify_rule(
                RuleArn=self.rules[name], Actions=[self.forward(weight)]
            )

    def forward(self, weight: int) -> dict[str, Any]:
        return {
            "Type": "forward",
            "Order": 1,
            "ForwardConfig": {
                "TargetGroups": [
                    {"TargetGroupArn": self.groups["primary"], "Weight": 100 - weight},
                    {"TargetGroupArn": self.groups["canary"], "Weight": weight},
                ]
            },
        }

    def parameter(self, name: str) -> str:
        answer = self.client("ssm").get_parameter(Name=f"/mangaassist/canary/{name}")
        return str(answer["Parameter"]["Value"])

    def set_alarm(self, name: str, state: str) -> None:
        cloudwatch = self.client("cloudwatch")
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            Namespace="MangaAssist/Canary",
            MetricName="Errors",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
        )
        cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="test")

    def set_stack(self, name: str, status: str) -> None:
        """What CloudFormation says of a stack."""
        cloudformation_backends[DEFAULT_ACCOUNT_ID][REGION].get_stack(name).status = status

    def messages(self) -> list[str]:
        """Subjects published to the topic."""
        topic = sns_backends[DEFAULT_ACCOUNT_ID][REGION].topics[self.topic_arn]
        return [str(item[2]) for item in topic.sent_notifications]

    def metric(self, name: str, arm: str | None = None) -> list[float]:
        """Values published under a name since the test began."""
        dimensions = [{"Name": "Arm", "Value": arm}] if arm else []
        answer = self.client("cloudwatch").get_metric_statistics(
            Namespace="MangaAssist/Canary",
            MetricName=name,
            Dimensions=dimensions,
            StartTime=START - 24 * HOUR,
            EndTime=START + 24 * HOUR,
            Period=60,
            Statistics=["Sum"],
        )
        return [point["Sum"] for point in answer["Datapoints"]]


@pytest.fixture
def region(
    monkeypatch: pytest.MonkeyPatch, stopped_clock: FrozenClock, policy: CompiledPolicy
) -> Iterator[Region]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        session = botocore.session.get_session()
        session.register_component("data_loader", SERVICE_MODELS)
        boto3.setup_default_session(botocore_session=session)
        yield _build(monkeypatch, stopped_clock, policy)


@pytest.fixture
def stacks(region: Region) -> None:
    """The stacks under a release, deployed some time ago."""
    template = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
    for name in GUARDED:
        region.client("cloudformation").create_stack(StackName=name, TemplateBody=template)


def _build(monkeypatch: pytest.MonkeyPatch, frozen: FrozenClock, policy: CompiledPolicy) -> Region:
    clients = {
        name: boto3.client(name, region_name=REGION)
        for name in ("dynamodb", "ssm", "s3", "sns", "stepfunctions", "elbv2", "ec2", "iam")
    }
    for table in ("canary-releases", "canary-rollbacks", "canary-tests"):
        clients["dynamodb"].create_table(
            TableName=table,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
        )
    clients["s3"].create_bucket(Bucket="policies")
    clients["s3"].create_bucket(Bucket="dashboards")
    clients["s3"].create_bucket(Bucket="reports")
    clients["s3"].put_bucket_versioning(
        Bucket="reports", VersioningConfiguration={"Status": "Enabled"}
    )
    clients["s3"].put_object(Bucket="policies", Key="p.json", Body=policy.to_json().encode())
    for name, value in {
        "control/model-id": "model-a",
        "canary/model-id": "model-a",
        "assignment": '{"active": false, "version": 0}',
        "status": "idle",
        "policy": json.dumps({"digest": policy.digest, "bucket": "policies", "key": "p.json"}),
    }.items():
        clients["ssm"].put_parameter(Name=f"/mangaassist/canary/{name}", Value=value, Type="String")
    rules, groups = build_balancer(clients["elbv2"], clients["ec2"])
    role = clients["iam"].create_role(RoleName="machine", AssumeRolePolicyDocument="{}")
    machine = clients["stepfunctions"].create_state_machine(
        name="canary-release",
        definition=json.dumps(
            {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 9, "End": True}}}
        ),
        roleArn=role["Role"]["Arn"],
    )
    _build_gateway()
    topic = clients["sns"].create_topic(Name="canary-on-call")["TopicArn"]
    for name, value in {
        "RELEASES_TABLE": "canary-releases",
        "ROLLBACKS_TABLE": "canary-rollbacks",
        "TESTS_TABLE": "canary-tests",
        "RULE_CONTROL_ARN": rules["control"],
        "RULE_CANARY_ARN": rules["canary"],
        "RULE_DRAW_ARN": rules["draw"],
        "TARGET_PRIMARY_ARN": groups["primary"],
        "TARGET_CANARY_ARN": groups["canary"],
        "TRAFFIC_STACK": GUARDED[0],
        "GATEWAY_STACK": GUARDED[1],
        "GUARDRAILS_STACK": GUARDED[2],
        "CLUSTER": "mangaassist",
        "GATEWAY_SERVICE": "gateway",
        "PARAMETER_PREFIX": "/mangaassist/canary",
        "CRITICAL_ALARM": "canary-critical",
        "WARNING_ALARM": "canary-warning",
        "ON_CALL_TOPIC_ARN": topic,
        "ML_TOPIC_ARN": topic,
        "ROLLBACK_FUNCTION": "canary-rollback",
        "SESSION_FLAG_FUNCTION": "canary-session-flag",
        "ATHENA_WORKGROUP": "canary",
        "EVENTS_DATABASE": "canary",
        "EVENTS_TABLE": "events",
        "EVENT_DAYS_TABLE": "event_days",
        "DAYS_LOCATION": "s3://canary-events/days/",
        "DASHBOARD_BUCKET": "dashboards",
        "REPORTS_BUCKET": "reports",
        "EVALUATION_ROLE_ARN": "arn:aws:iam::123456789012:role/evaluation",
        "PROMOTION_PIPELINE": "promotion",
        "METRICS_NAMESPACE": "MangaAssist/Canary",
        "CACHE_HOST": "127.0.0.1",
        "CACHE_PORT": "6379",
    }.items():
        monkeypatch.setenv(name, value)

    def load(folder: str) -> ModuleType:
        """Import a handler anew, as a cold start does."""
        name = f"cold_{folder}"
        path = ROOT / "lambdas" / folder / "handler.py"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        return module

    return Region(frozen, policy, rules, groups, machine["stateMachineArn"], topic, load)


def _build_gateway() -> None:
    """The gateway's service, and what scales it."""
    ecs = boto3.client("ecs", region_name=REGION)
    ecs.create_cluster(clusterName="mangaassist")
    ecs.create_service(
        cluster="mangaassist", serviceName="gateway", deploymentController={"type": "EXTERNAL"}
    )
    boto3.client("application-autoscaling", region_name=REGION).register_scalable_target(
        ServiceNamespace="ecs",
        ResourceId="service/mangaassist/gateway",
        ScalableDimension="ecs:service:DesiredCount",
        MinCapacity=3,
        MaxCapacity=9,
    )
