"""A table of Parquet files in S3 whose partitions nobody has to add."""

from __future__ import annotations

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_glue as glue
from aws_cdk import aws_s3 as s3
from constructs import Construct

__all__ = ["FIRST_DATE", "ParquetTable"]

FIRST_DATE = "2026-01-01"
"""No file is older."""
_HIVE = "org.apache.hadoop.hive.ql.io.parquet"


class ParquetTable(Construct):
    """Table `name` over `prefix` of `bucket`, a folder a partition: `{partition}={value}/`.

    Partitions are projected: `date` counts days, any other is `injected`, which means that a query
    must name its values.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        database: glue.CfnDatabase,
        bucket: s3.IBucket,
        name: str,
        description: str,
        prefix: str,
        columns: Mapping[str, str],
        partitions: tuple[str, ...],
    ) -> None:
        super().__init__(scope, construct_id)
        location = f"s3://{bucket.bucket_name}/{prefix}"
        folders = "".join(f"{partition}=${{{partition}}}/" for partition in partitions)
        self.table = glue.CfnTable(
            self,
            "Table",
            catalog_id=cdk.Stack.of(self).account,
            database_name=database.ref,
            table_input=glue.CfnTable.TableInputProperty(
                name=name,
                description=description,
                table_type="EXTERNAL_TABLE",
                partition_keys=_columns(dict.fromkeys(partitions, "string")),
                parameters={
                    "classification": "parquet",
                    "projection.enabled": "true",
                    "storage.location.template": location + folders,
                    **{key: each for name in partitions for key, each in _projected(name).items()},
                },
                storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
                    location=location,
                    columns=_columns(columns),
                    input_format=f"{_HIVE}.MapredParquetInputFormat",
                    output_format=f"{_HIVE}.MapredParquetOutputFormat",
                    serde_info=glue.CfnTable.SerdeInfoProperty(
                        serialization_library=f"{_HIVE}.serde.ParquetHiveSerDe"
                    ),
                ),
            ),
        )


def _columns(kinds: Mapping[str, str]) -> list[glue.CfnTable.ColumnProperty]:
    return [glue.CfnTable.ColumnProperty(name=name, type=kind) for name, kind in kinds.items()]


def _projected(partition: str) -> dict[str, str]:
    place = f"projection.{partition}"
    if partition != "date":
        return {f"{place}.type": "injected"}
    return {
        f"{place}.type": "date",
        f"{place}.format": "yyyy-MM-dd",
        f"{place}.range": f"{FIRST_DATE},NOW",
    }
