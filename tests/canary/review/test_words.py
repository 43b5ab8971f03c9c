"""Values, statements and open things in words."""

from __future__ import annotations

from typing import Any

import pytest

from canary.review.access import access_blocks
from canary.review.blocks import Block, fold, table
from canary.review.names import Names
from canary.review.public import public_things
from canary.review.sentences import sentence, verbs
from canary.review.statements import statements_of
from tests.canary.review.templates import region, resource, stack

STATE = stack(
    "State",
    {
        "Table": resource("AWS::DynamoDB::Table", TableName="releases"),
        "Key": resource("AWS::KMS::Key"),
    },
    Table={"Fn::GetAtt": ["Table", "Arn"]},
)
USER = stack("User", {"Alarm": resource("AWS::CloudWatch::Alarm", AlarmName="loud")})
SHOP = region(STATE, USER)
NAMES = Names(SHOP)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("plain", "plain"),
        ({"Ref": "Alarm"}, "loud"),
        ({"Fn::ImportValue": "State:Table"}, "releases"),
        ({"Fn::Join": ["/", ["a", {"Ref": "AWS::AccountId"}]]}, "a/{account}"),
        ({"Fn::Sub": "${Alarm} in ${AWS::Region}"}, "loud in us-east-1"),
        ({"Fn::Select": [1, {"Fn::Split": ["/", "a/b/c"]}]}, "b"),
        ({"Fn::ImportValue": "elsewhere"}, "<elsewhere>"),
        (f"assets/{'0' * 64}.json", "assets/{asset}.json"),
        ({"b": True, "a": [1, 2]}, "{a=1, 2, b=true}"),
    ],
)
def test_a_value_is_said_by_the_names_of_what_it_refers_to(value: Any, words: str) -> None:
    """References are followed within a stack and through exports."""
    assert NAMES.text(USER, value) == words


def document(**statement: Any) -> str:
    policy = {"Statement": [{"Effect": "Allow", **statement}]}
    (found,) = statements_of(policy, USER, NAMES)
    return sentence(found)


def test_a_statement_says_action_resource_and_condition() -> None:
    """In words, with the action's own name beside them."""
    said = document(
        Action=["dynamodb:GetItem", "dynamodb:PutItem"],
        Resource={"Fn::ImportValue": "State:Table"},
        Condition={"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["LOCK"]}},
    )
    assert said == (
        "may read items, write items on `releases`, only if `dynamodb:LeadingKeys (each value) is "
        "LOCK` (`dynamodb:GetItem`, `dynamodb:PutItem`)"
    )


def test_a_denial_and_an_unbounded_resource_stand_out() -> None:
    """Whoever reads fast sees `not`, every resource, and anyone."""
    denied = document(
        Effect="Deny",
        Action="s3:*",
        Resource="*",
        Principal="*",
        Condition={"Bool": {"aws:SecureTransport": "false"}},
    )
    assert denied == (
        "**anyone** may **not** do anything with the bucket on **every resource** (`*`), if "
        "`aws:SecureTransport is false` (`s3:*`)"
    )


def test_an_action_without_words_is_said_from_its_name() -> None:
    """The vocabulary is small, and no action is left out for that."""
    assert verbs(["logs:ListLogDeliveries"]) == "list log deliveries (logs)"


def test_everything_but_is_not_read_as_everything() -> None:
    """NotAction turns the list around."""
    assert document(NotAction="iam:*", Resource="*").startswith("may anything but ")


def test_a_role_is_told_with_who_takes_it_and_who_uses_it() -> None:
    """Statements inside the role and in policies attached to it count alike."""
    trust = {
        "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "x"}}
    }
    inline = {
        "PolicyDocument": {"Statement": {"Effect": "Allow", "Action": "a:B", "Resource": "r"}}
    }
    attached = {"Statement": {"Effect": "Allow", "Action": "c:D", "Resource": "s"}}
    user = stack(
        "User",
        {
            "Role": resource("AWS::IAM::Role", AssumeRolePolicyDocument=trust, Policies=[inline]),
            "Policy": resource(
                "AWS::IAM::Policy", Roles=[{"Ref": "Role"}], PolicyDocument=attached
            ),
            "Function": resource(
                "AWS::Lambda::Function", FunctionName="f", Role={"Fn::GetAtt": ["Role", "Arn"]}
            ),
        },
    )
    (block,) = access_blocks(region(user), Names(region(user)))
    assert block.title == "User: Role"
    assert block.body.splitlines() == [
        "- for function `f`; taken by `x`",
        "- may b (a) on `r` (`a:B`)",
        "- may d (c) on `s` (`c:D`)",
    ]


OPEN = "0.0.0.0/0"


@pytest.mark.parametrize(
    ("kind", "properties", "words"),
    [
        ("AWS::ElasticLoadBalancingV2::LoadBalancer", {}, "faces the internet"),
        (
            "AWS::EC2::SecurityGroup",
            {"SecurityGroupIngress": [{"CidrIp": OPEN, "FromPort": 22, "ToPort": 22}]},
            f"admits {OPEN} to port 22",
        ),
        ("AWS::S3::Bucket", {}, "does not block public access"),
        ("AWS::Lambda::Url", {"AuthType": "NONE"}, "has a URL of its own"),
        (
            "AWS::SNS::TopicPolicy",
            {
                "Topics": ["t"],
                "PolicyDocument": {
                    "Statement": {"Effect": "Allow", "Action": "sns:Publish", "Principal": "*"}
                },
            },
            "lets **anyone** do `sns:Publish`",
        ),
    ],
)
def test_what_is_open_is_listed(kind: str, properties: dict[str, Any], words: str) -> None:
    """To the internet, to other accounts, to anyone."""
    shop = region(stack("S", {"It": resource(kind, **properties)}))
    (line,) = public_things(shop, Names(shop))
    assert words in line


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        ("AWS::ElasticLoadBalancingV2::LoadBalancer", {"Scheme": "internal"}),
        ("AWS::EC2::SecurityGroup", {"SecurityGroupIngress": [{"CidrIp": "10.0.0.0/8"}]}),
        (
            "AWS::SQS::QueuePolicy",
            {
                "Queues": ["q"],
                "PolicyDocument": {
                    "Statement": {"Effect": "Deny", "Action": "sqs:*", "Principal": "*"}
                },
            },
        ),
    ],
)
def test_what_is_private_is_not_listed(kind: str, properties: dict[str, Any]) -> None:
    """Internal balancers, inner addresses and denials are nobody's way in."""
    shop = region(stack("S", {"It": resource(kind, **properties)}))
    assert list(public_things(shop, Names(shop))) == []


def test_a_listener_is_open_to_whom_its_groups_admit() -> None:
    """A test port on a public balancer is not everybody's when the group is not."""
    admits = [{"CidrIp": OPEN, "FromPort": 443, "ToPort": 443}]
    shop = region(
        stack(
            "S",
            {
                "Group": resource("AWS::EC2::SecurityGroup", SecurityGroupIngress=admits),
                "Door": resource(
                    "AWS::ElasticLoadBalancingV2::LoadBalancer",
                    SecurityGroups=[{"Fn::GetAtt": ["Group", "GroupId"]}],
                ),
                **{
                    name: resource(
                        "AWS::ElasticLoadBalancingV2::Listener",
                        LoadBalancerArn={"Ref": "Door"},
                        Port=port,
                        Protocol="HTTPS",
                        DefaultActions=[{"Type": "forward"}],
                    )
                    for name, port in (("Front", 443), ("Test", 9000))
                },
            },
        )
    )
    lines = list(public_things(shop, Names(shop)))
    assert "listener `Front` answers on port 443 (HTTPS): forward" in lines
    assert any("`Test`" in line and "to whom its security groups admit" in line for line in lines)


def test_a_second_region_tells_only_what_differs() -> None:
    """Its own name alone is no difference."""
    first = (Block("A", "in us-east-1"), Block("B", "5%"), Block("Gone", "x"))
    second = (Block("A", "in eu-west-1"), Block("B", "7%"))
    assert fold(second, first, "eu-west-1", "us-east-1") == (
        Block("B", "7%"),
        Block("Only in us-east-1", "Gone."),
        Block("The same as in us-east-1", "A."),
    )


def test_a_table_keeps_its_columns_whatever_a_cell_says() -> None:
    """A pipe or a line's end in a description would break the row."""
    assert table(["a"], [["x|y\nz"]]).splitlines()[-1] == "| x\\|y z |"
