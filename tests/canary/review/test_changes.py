"""Base against head: what is replaced, what spreads, what CloudFormation would refuse."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from canary.review.assembly import Region
from canary.review.changes import Change, compare
from tests.canary.review.templates import Resources, region, resource, schemas, stack

GATEWAY: Resources = {
    "Definition": resource("AWS::ECS::TaskDefinition", Cpu="512", Tags=["a"]),
    "Set": resource(
        "AWS::ECS::TaskSet",
        ExternalId="primary",
        TaskDefinition={"Ref": "Definition"},
        LoadBalancers=[{"TargetGroupArn": {"Fn::ImportValue": "Traffic:Group"}}],
        Scale={"Value": 100},
    ),
    "First": resource("AWS::ECS::PrimaryTaskSet", TaskSetId={"Fn::GetAtt": ["Set", "Id"]}),
}
TRAFFIC: Resources = {
    "Group": resource("AWS::ElasticLoadBalancingV2::TargetGroup", Port=80),
    "Rule": resource("AWS::ElasticLoadBalancingV2::ListenerRule", Actions=[{"Ref": "Group"}]),
}


def shop(gateway: Resources = GATEWAY, traffic: Resources = TRAFFIC) -> Region:
    return region(stack("Traffic", traffic, Group={"Ref": "Group"}), stack("Gateway", gateway))


def edited(resources: Resources, logical_id: str, **properties: Any) -> Resources:
    changed = copy.deepcopy(resources)
    changed[logical_id]["Properties"] |= properties
    return changed


def found(base: Region, head: Region) -> dict[str, Change]:
    return {change.logical_id: change for change in compare(base, head, schemas)}


def test_the_same_templates_change_nothing() -> None:
    """No difference, no change."""
    assert found(shop(), shop()) == {}


def test_a_property_that_can_be_updated_is_changed_in_place() -> None:
    """The change names the property."""
    change = found(shop(), shop(edited(GATEWAY, "Set", Scale={"Value": 0})))["Set"]
    assert (change.kind, change.properties, change.forced_by) == ("update", ("Scale",), ())


def test_a_replacement_spreads_to_what_is_made_from_it() -> None:
    """A new task definition makes a new task set, and re-points the service's primary."""
    changes = found(shop(), shop(edited(GATEWAY, "Definition", Cpu="256")))
    assert {name: change.kind for name, change in changes.items()} == {
        "Definition": "replace",
        "Set": "replace",
        "First": "update",
    }
    assert changes["Set"].forced_by == ("TaskDefinition",)


def test_a_value_in_use_by_another_stack_cannot_be_replaced() -> None:
    """An export that somebody imports may not change: CloudFormation refuses the whole update."""
    changes = found(shop(), shop(traffic=edited(TRAFFIC, "Group", Port=81)))
    assert changes["Group"].refusals == ("its old value is in use by Gateway",)
    assert changes["Rule"].kind == "update"


@pytest.mark.parametrize(
    ("kind", "key"),
    [("AWS::S3::Bucket", "BucketName"), ("AWS::Logs::LogGroup", "LogGroupName")],
)
def test_a_named_resource_that_moves_within_the_tree_meets_its_own_name(
    kind: str, key: str
) -> None:
    """The new one is made before the old one is deleted, and the name is taken."""
    base = region(stack("State", {"Old": resource(kind, **{key: "logs"})}))
    head = region(stack("State", {"New": resource(kind, **{key: "logs"})}))
    changes = found(base, head)
    assert changes["Old"].kind == "delete"
    assert "both are named `logs`" in changes["New"].refusals[0]


def test_a_table_of_a_given_name_with_another_key_may_be_replaced_and_says_whether_it_stays() -> (
    None
):
    """A schema's conditional property is told as possible, with the retention."""
    table = resource("AWS::DynamoDB::Table", TableName="t", KeySchema=[1])
    table["UpdateReplacePolicy"] = "Retain"
    base = region(stack("State", {"Table": table}))
    head = region(stack("State", edited({"Table": table}, "Table", KeySchema=[2])))
    change = found(base, head)["Table"]
    assert (change.kind, change.kept) == ("may replace", True)


def test_a_property_within_a_list_can_force_a_replacement() -> None:
    """Schemas write `*` for every element."""
    base = region(stack("State", {"B": resource("AWS::S3::Bucket", Rules=[{"Id": 1, "Days": 1}])}))
    days = region(stack("State", {"B": resource("AWS::S3::Bucket", Rules=[{"Id": 1, "Days": 2}])}))
    ids = region(stack("State", {"B": resource("AWS::S3::Bucket", Rules=[{"Id": 2, "Days": 1}])}))
    assert found(base, days)["B"].kind == "update"
    assert found(base, ids)["B"].kind == "replace"


def test_a_deleted_stack_deletes_what_it_does_not_keep() -> None:
    """Retained resources are said to stay."""
    kept = resource("AWS::S3::Bucket") | {"DeletionPolicy": "Retain"}
    base = region(stack("State", {"Kept": kept, "Gone": resource("AWS::S3::Bucket")}))
    changes = found(base, region(stack("Other", {})))
    assert {name: (each.kind, each.kept) for name, each in changes.items()} == {
        "Kept": ("delete", True),
        "Gone": ("delete", False),
    }


def test_a_logical_id_cannot_change_its_type() -> None:
    """CloudFormation refuses it."""
    base = region(stack("State", {"A": resource("AWS::S3::Bucket")}))
    head = region(stack("State", {"A": resource("AWS::SNS::Topic")}))
    assert found(base, head)["A"].refusals
