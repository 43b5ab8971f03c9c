"""The tables of releases, of rollbacks, of tests and of bandits."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

__all__ = ["RELEASES_TABLE", "ReleaseTables"]

RELEASES_TABLE = "canary-releases"
"""The same in each region: a later wave reads the table of the wave before by this name."""


class ReleaseTables(Construct):
    """Four tables with keys `pk` and `sk`, paid by request, restorable, and hard to lose.

    Encrypted with DynamoDB's own key of the account: they hold no customer's data, and a key of
    ours would be one more permission that a rollback can fail at.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.releases = self._table("Releases", RELEASES_TABLE)
        self.rollbacks = self._table("Rollbacks", "canary-rollbacks")
        self.tests = self._table("Tests", "canary-tests")
        self.bandits = self._table("Bandits", "canary-bandits")

    def _table(self, construct_id: str, name: str) -> dynamodb.Table:
        return dynamodb.Table(
            self,
            construct_id,
            table_name=name,
            partition_key=dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="sk", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.AWS_MANAGED,
            time_to_live_attribute="expires_at",
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            deletion_protection=True,
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
