"""What outlives a deploy."""

from __future__ import annotations

import json
import re

import pytest

from canary.aws.facts_sql import Window, cells, draws, latency
from canary.policy.compiled import CompiledPolicy
from stacks.constructs.event_store import EVENT_COLUMNS
from tests.stacks.assembly import ROOT, Assembly, text

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


@pytest.mark.parametrize("table", ["canary-releases", "canary-rollbacks"])
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
    user = assembly.one("State", "AWS::ElastiCache::User")
    assert user["AuthenticationMode"]["Type"] == "password"
    assert "{{resolve:secretsmanager:" in text(user["AuthenticationMode"]["Passwords"][0])
    keys = [word for word in user["AccessString"].split() if word.startswith("~")]
    assert keys == ["~ab:session:*", "~chat:history:*", "~canary_active"]


def test_the_events_table_reads_days_without_anyone_adding_partitions(assembly: Assembly) -> None:
    """JSON lines under events/date=YYYY-MM-DD/, projected."""
    table = assembly.one("State", "AWS::Glue::Table")["TableInput"]
    assert table["Name"] == "events"
    assert [each["Name"] for each in table["PartitionKeys"]] == ["date"]
    assert table["Parameters"]["projection.enabled"] == "true"
    location = text(table["Parameters"]["storage.location.template"])
    assert location.endswith("/events/date=${date}/")
    workgroup = assembly.one("State", "AWS::Athena::WorkGroup")
    assert workgroup["Name"] == "canary"
    assert workgroup["WorkGroupConfiguration"]["EnforceWorkGroupConfiguration"] is True


def test_the_events_table_has_every_field_of_the_lines(assembly: Assembly) -> None:
    """A field of the contract that no column holds would be lost to every query."""
    contract = (ROOT / "docs" / "reference" / "contracts.md").read_text()
    lines = re.findall(r"^- an? (?:turn|outcome): `\{(.*?)\}`", contract, flags=re.MULTILINE)
    assert len(lines) == 2
    fields = {name for line in lines for name in re.findall(r'"(\w+)"', line)} - {"turn", "outcome"}
    fields.add("turn")
    columns = assembly.one("State", "AWS::Glue::Table")["TableInput"]["StorageDescriptor"][
        "Columns"
    ]
    assert {each["Name"]: each["Type"] for each in columns} == EVENT_COLUMNS
    assert fields <= EVENT_COLUMNS.keys()


def test_the_events_table_answers_the_queries_of_a_look(policy: CompiledPolicy) -> None:
    """Every column that the looks' SQL reads from the lines exists."""
    window = Window("release", 0.0, 0.0, 1.0)
    for query in (cells("events", window, ()), latency("events", window), draws("events", window)):
        selected = re.search(r"SELECT DISTINCT(.*?)FROM events", query, flags=re.DOTALL)
        assert {name.strip() for name in selected[1].split(",")} <= EVENT_COLUMNS.keys()
