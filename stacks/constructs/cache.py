"""The cache of sessions, histories and the fast copy of the kill switch."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secrets
from constructs import Construct

from stacks.acknowledge import acknowledge
from stacks.constructs.paths import CACHE_PORT

__all__ = ["SessionCache"]

_USER = "mangaassist"
_ACCESS = (
    "on ~ab:session:* ~chat:history:* ~chat:rate:* ~chat:answer:* ~canary_active "
    "resetchannels -@all +@read +@write +@connection +@transaction +@scripting -@dangerous"
)
"""Just the product's own keys, and nothing that lists, flushes or configures."""


class SessionCache(Construct):
    """Valkey in two zones, TLS only; `host`, `port`, `user` and `secret` (the password) open it.

    A last snapshot is taken before it goes: without the pins, customers would change arms.
    """

    user = _USER

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        group: ec2.ISecurityGroup,
    ) -> None:
        super().__init__(scope, construct_id)
        self.secret = secrets.Secret(
            self,
            "Password",
            description="Password of the cache's user",
            generate_secret_string=secrets.SecretStringGenerator(
                password_length=48, exclude_punctuation=True
            ),
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        acknowledge(
            self.secret,
            "AwsSolutions-SMG4",
            "The password opens a cache that only two security groups reach; rotating it needs two "
            "passwords in force at once while tasks restart, which is done by hand.",
        )
        user = elasticache.CfnUser(
            self,
            "User",
            engine="valkey",
            user_id=_USER,
            user_name=_USER,
            access_string=_ACCESS,
            authentication_mode={
                "Type": "password",
                "Passwords": [self.secret.secret_value.unsafe_unwrap()],
            },
        )
        users = elasticache.CfnUserGroup(
            self, "Users", engine="valkey", user_group_id=_USER, user_ids=[user.ref]
        )
        subnets = elasticache.CfnSubnetGroup(
            self,
            "Subnets",
            description="Isolated subnets",
            subnet_ids=vpc.select_subnets(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED).subnet_ids,
        )
        key = kms.Key(
            self,
            "Key",
            description="Sessions and histories of MangaAssist at rest",
            enable_key_rotation=True,
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        replicas = elasticache.CfnReplicationGroup(
            self,
            "Replicas",
            replication_group_description="MangaAssist sessions",
            engine="valkey",
            engine_version="8.0",
            cache_node_type="cache.t4g.medium",
            num_cache_clusters=2,
            automatic_failover_enabled=True,
            multi_az_enabled=True,
            at_rest_encryption_enabled=True,
            kms_key_id=key.key_arn,
            transit_encryption_enabled=True,
            user_group_ids=[users.ref],
            cache_subnet_group_name=subnets.ref,
            security_group_ids=[group.security_group_id],
            port=CACHE_PORT,
            snapshot_retention_limit=1,
        )
        replicas.apply_removal_policy(cdk.RemovalPolicy.SNAPSHOT)
        acknowledge(
            replicas,
            "AwsSolutions-AEC6",
            "Access needs a user with a password and an access string (role based access), which "
            "replaces the single AUTH token that this rule looks for.",
        )
        self.host = replicas.attr_primary_end_point_address
        self.port = replicas.attr_primary_end_point_port
