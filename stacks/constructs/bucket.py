"""A bucket as every bucket of a region is."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.acknowledge import acknowledge

__all__ = ["PrivateBucket"]

_OLD_VERSIONS = cdk.Duration.days(30)


class PrivateBucket(Construct):
    """Private, encrypted, TLS only, versioned, kept when its stack goes; objects live for `keep`.

    Without `keep` objects stay. The bucket that receives access logs keeps none of its own.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        keep: cdk.Duration | None = None,
        access_logs: s3.IBucket | None = None,
        receives_access_logs: bool = False,
    ) -> None:
        super().__init__(scope, construct_id)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            versioned=True,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=cdk.RemovalPolicy.RETAIN,
            server_access_logs_bucket=access_logs,
            server_access_logs_prefix=f"s3/{construct_id.lower()}/" if access_logs else None,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="Expire",
                    expiration=keep,
                    noncurrent_version_expiration=_OLD_VERSIONS,
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(7),
                )
            ],
        )
        if receives_access_logs:
            acknowledge(
                self.bucket,
                "AwsSolutions-S1",
                "This bucket receives the access logs of the others; logging its own writes to "
                "itself would never end.",
            )
