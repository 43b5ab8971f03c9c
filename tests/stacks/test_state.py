"""What outlives a deploy."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from canary.aws.facts_sql import Window, cells, draws, latency
from canary.events.schema import EVENTS, fields_of
from canary.local.firehose_config import delivery_config
from canary.local.log_filters import parse_filter
from canary.policy.compiled import CompiledPolicy
from stacks.constructs.event_store import EVENT_COLUMNS
from tests.stacks.assembly import Assembly, text
from tests.stacks.test_snapshots import joined

STACKS = (
    "Network",
    "State",
    "Traffic",
    "Gateway",
    "Api",
    "Progression",
    "Guardrails",
    "Dashboards",
)


@pytest.mark.parametrize(
    "table", ["canary-releases", "canary-rollbacks", "canary-tests", "canary-bandits"]
)
def test_a_table_is_restorable_and_hard_to_lose(assembly: Assembly, table: str) -> None:
    """Paid by request, restorable to any second, protected, and kept when its stack goes."""
    (resource,) = [
        each
        for each in assembly.resources("State", "AWS::DynamoDB::Table").values()
        if each["Properties"]["TableName"] == table
    ]
    properties = resource["Properties"]
    assert [each["AttributeName"] for each in properties["KeySchema"]] == ["pk", "sk"]
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert properties["DeletionProtectionEnabled"] is True
    assert properties["TimeToLiveSpecification"] == {
        "AttributeName": "expires_at",
        "Enabled": True,
    }
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_no_resource_owns_a_model_or_the_assignment(assembly: Assembly) -> None:
    """Owned by value, a change of tags would write the old model back: only the seed writes."""
    owned = [
        text(each["Properties"]["Name"])
        for stack in STACKS
        for each in assembly.resources(stack, "AWS::SSM::Parameter").values()
    ]
    assert owned == ["/mangaassist/canary/policy"]


def test_four_parameters_are_seeded(assembly: Assembly, policy: CompiledPolicy) -> None:
    """With the region's first model in both arms, and no release."""
    (seeded,) = assembly.resources("State", "Custom::SeededParameters").values()
    values = seeded["Properties"]["Parameters"]
    prefix = "/mangaassist/canary"
    assert values.keys() == {
        f"{prefix}/{name}"
        for name in ("control/model-id", "canary/model-id", "assignment", "status")
    }
    for arm in ("control", "canary"):
        assert values[f"{prefix}/{arm}/model-id"] == policy.models[0].id
    assert json.loads(values[f"{prefix}/assignment"]) == {"active": False, "version": 0}


@pytest.mark.parametrize("region", ["us-east-1", "ap-northeast-1"])
def test_the_policy_s_parameter_names_the_compiled_policy_by_its_digest(
    assembly: Assembly, region: str
) -> None:
    """The object that is uploaded is the region's policy, byte for byte."""
    (parameter,) = assembly.resources("State", "AWS::SSM::Parameter", region).values()
    place = json.loads(text(parameter["Properties"]["Value"]))
    policy = CompiledPolicy.from_json((assembly.path / f"asset.{place['key']}").read_text())
    assert policy.digest == place["digest"]
    assert policy.region == region
    assert place["bucket"]


def test_every_bucket_is_private_versioned_encrypted_and_kept(assembly: Assembly) -> None:
    """TLS only, no public access, and access is logged."""
    for stack in ("Network", "State"):
        policies = json.dumps(assembly.resources(stack, "AWS::S3::BucketPolicy"))
        for name, bucket in assembly.resources(stack, "AWS::S3::Bucket").items():
            properties = bucket["Properties"]
            assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
            assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
            assert properties["BucketEncryption"]
            assert properties["LifecycleConfiguration"]["Rules"]
            assert bucket["DeletionPolicy"] == "Retain"
            assert ("LoggingConfiguration" in properties) == (stack == "State")
            assert policies.count(f'"Bucket": {{"Ref": "{name}"}}') == 1
        assert policies.count('"aws:SecureTransport": "false"') == len(
            assembly.resources(stack, "AWS::S3::Bucket")
        )


def test_the_cache_takes_tls_and_a_password_and_spans_zones(assembly: Assembly) -> None:
    """Encrypted at rest and on the way, replicated; its user reaches the product's keys only."""
    cache = assembly.one("State", "AWS::ElastiCache::ReplicationGroup")
    assert cache["Engine"] == "valkey"
    for key in (
        "AtRestEncryptionEnabled",
        "AutomaticFailoverEnabled",
        "MultiAZEnabled",
        "TransitEncryptionEnabled",
    ):
        assert cache[key] is True
    keys = assembly.resources("State", "AWS::KMS::Key")
    (name, _) = cache["KmsKeyId"]["Fn::GetAtt"]
    assert keys[name]["Properties"]["EnableKeyRotation"] is True
    (replicas,) = assembly.resources("State", "AWS::ElastiCache::ReplicationGroup").values()
    assert replicas["DeletionPolicy"] == replicas["UpdateReplacePolicy"] == "Snapshot"
    user = assembly.one("State", "AWS::ElastiCache::User")
    assert user["AuthenticationMode"]["Type"] == "password"
    assert "{{resolve:secretsmanager:" in text(user["AuthenticationMode"]["Passwords"][0])
    keys = [word for word in user["AccessString"].split() if word.startswith("~")]
    chat = ["~chat:history:*", "~chat:rate:*", "~chat:answer:*"]
    assert keys == ["~ab:session:*", *chat, "~canary_active", "~bandits", "~bandit:decided:*"]


def tables(assembly: Assembly) -> dict[str, dict[str, Any]]:
    found = assembly.resources("State", "AWS::Glue::Table").values()
    return {
        each["Properties"]["TableInput"]["Name"]: each["Properties"]["TableInput"] for each in found
    }


@pytest.mark.parametrize(
    ("name", "folders", "kinds"),
    [
        ("events", "events/date=${date}/", {"date": "date"}),
        (
            "event_days",
            "days/test_id=${test_id}/date=${date}/",
            {"test_id": "injected", "date": "date"},
        ),
    ],
)
def test_a_table_reads_its_days_without_anyone_adding_partitions(
    assembly: Assembly, name: str, folders: str, kinds: dict[str, str]
) -> None:
    """Parquet files by date, projected; a test is named in the query, never listed."""
    table = tables(assembly)[name]
    assert [each["Name"] for each in table["PartitionKeys"]] == list(kinds)
    parameters = table["Parameters"]
    assert parameters["projection.enabled"] == "true"
    assert {key: parameters[f"projection.{key}.type"] for key in kinds} == kinds
    assert text(parameters["storage.location.template"]).endswith(f"/{folders}")
    assert "ParquetHiveSerDe" in table["StorageDescriptor"]["SerdeInfo"]["SerializationLibrary"]


def test_the_workgroup_bounds_every_query(assembly: Assembly) -> None:
    """Nobody's own settings win; results are encrypted; a query that reads too much is ended."""
    workgroup = assembly.one("State", "AWS::Athena::WorkGroup")
    assert workgroup["Name"] == "canary"
    settings = workgroup["WorkGroupConfiguration"]
    assert settings["EnforceWorkGroupConfiguration"] is True
    assert settings["BytesScannedCutoffPerQuery"] == 20 * 1024**3
    results = settings["ResultConfiguration"]
    assert results["EncryptionConfiguration"] == {"EncryptionOption": "SSE_S3"}
    assert results["ExpectedBucketOwner"] == {"Ref": "AWS::AccountId"}


def test_the_stream_converts_events_and_writes_them_where_the_table_looks(
    assembly: Assembly,
) -> None:
    """Unpacked, as Parquet with the table's schema, by date; the rest apart, with its reason."""
    stream = assembly.one("State", "AWS::KinesisFirehose::DeliveryStream")
    assert stream["DeliveryStreamType"] == "DirectPut"
    assert stream["DeliveryStreamEncryptionConfigurationInput"]["KeyType"] == "AWS_OWNED_CMK"
    config = delivery_config("canary-events", joined(stream))
    assert (config.database, config.table) == ("canary", "events")
    assert (config.seconds, config.size) == (60, 64 * 1024**2)
    template = tables(assembly)["events"]["Parameters"]["storage.location.template"]
    assert text(template).endswith(f"/{config.folder(0).replace('1970-01-01', '${date}')}")
    assert config.folder(0, "some-error") == "undelivered/some-error/date=1970-01-01/"


def test_the_stream_s_role_writes_two_folders_and_reads_one_schema(assembly: Assembly) -> None:
    """No action on another bucket, table or log group; AWS must say for which account it acts."""
    (role,) = [
        each["Properties"]
        for each in assembly.resources("State", "AWS::IAM::Role").values()
        if "firehose.amazonaws.com" in json.dumps(each)
    ]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"] == {"StringEquals": {"sts:ExternalId": {"Ref": "AWS::AccountId"}}}
    (policy,) = role["Policies"]
    statements = {each["Sid"]: each for each in policy["PolicyDocument"]["Statement"]}
    files = [text(each) for each in statements["WriteFiles"]["Resource"]]
    assert [each.rpartition("}/")[2] for each in files] == ["events/*", "undelivered/*"]
    schema = [text(each).rpartition(":")[2] for each in statements["ReadTheSchema"]["Resource"]]
    assert schema == ["catalog", "database/canary", "table/canary/events"]
    assert statements["SayWhatFailed"]["Action"] == "logs:PutLogEvents"


def test_only_events_go_from_the_api_s_lines_to_the_stream(assembly: Assembly) -> None:
    """Metrics and log lines stay; the role may put into this one stream, for this account."""
    filters = assembly.named("Api", "AWS::Logs::SubscriptionFilter", "FilterName")
    matches = parse_filter(filters["events"]["FilterPattern"])
    lines = ({"event": "turn"}, {"event": "outcome"}, {"_aws": {}}, {"event": "else"})
    assert [matches("", line) for line in lines] == [True, True, False, False]
    (name, _) = filters["events"]["RoleArn"]["Fn::GetAtt"]
    role = assembly.resources("Api", "AWS::IAM::Role")[name]["Properties"]
    (statement,) = role["Policies"][0]["PolicyDocument"]["Statement"]
    assert statement["Action"] == ["firehose:PutRecord", "firehose:PutRecordBatch"]
    assert statement["Resource"] == filters["events"]["DestinationArn"]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert "aws:SourceArn" in trust["Condition"]["StringLike"]


def test_the_events_table_has_every_field_of_the_lines(assembly: Assembly) -> None:
    """A field of the schema that no column holds would be lost to every query."""
    columns = tables(assembly)["events"]["StorageDescriptor"]["Columns"]
    assert {each["Name"]: each["Type"] for each in columns} == EVENT_COLUMNS
    for event in EVENTS:
        assert fields_of(event) <= EVENT_COLUMNS.keys()


def test_the_events_table_answers_the_queries_of_a_look(policy: CompiledPolicy) -> None:
    """Every column that the looks' SQL reads from the lines exists."""
    window = Window("release", 0.0, 0.0, 1.0)
    for query in (cells("events", window, ()), latency("events", window), draws("events", window)):
        selected = re.search(r"SELECT DISTINCT(.*?)FROM events", query, flags=re.DOTALL)
        assert {name.strip() for name in selected[1].split(",")} <= EVENT_COLUMNS.keys()


@pytest.mark.parametrize("region", ["us-east-1", "ap-northeast-1"])
def test_every_log_group_ends_some_day_and_has_the_logs_key(
    assembly: Assembly, region: str
) -> None:
    """Encrypted with the region's key, kept for a time, and kept when its stack goes."""
    groups = {
        name: each
        for stack in STACKS
        for name, each in assembly.resources(stack, "AWS::Logs::LogGroup", region).items()
    }
    assert len(groups) > 10
    for name, group in groups.items():
        properties = group["Properties"]
        assert "LogsKey" in text(properties["KmsKeyId"]), name
        assert properties["RetentionInDays"] > 0, name
        assert group["DeletionPolicy"] == "Retain", name


def test_the_logs_key_lets_this_region_s_log_groups_use_it(assembly: Assembly) -> None:
    """CloudWatch Logs may encrypt for log groups of this account and region, and nothing else."""
    keys = assembly.resources("Network", "AWS::KMS::Key")
    (key,) = keys.values()
    assert (key["DeletionPolicy"], key["Properties"]["EnableKeyRotation"]) == ("Retain", True)
    (statement,) = [
        each
        for each in key["Properties"]["KeyPolicy"]["Statement"]
        if each.get("Sid") == "LetLogGroupsEncrypt"
    ]
    assert statement["Principal"] == {"Service": "logs.us-east-1.amazonaws.com"}
    context = statement["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]
    assert text(context).endswith(":logs:us-east-1:${AWS::AccountId}:log-group:*")
