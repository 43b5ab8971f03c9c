"""What moto's buckets lack."""

from __future__ import annotations

from typing import Any

from moto.s3.models import FakeBucket

from canary.local.patches import Patches

__all__ = ["install"]


def install(patches: Patches) -> None:
    """Every patch below."""
    version_objects_where_the_template_does(patches)


def version_objects_where_the_template_does(patches: Patches) -> None:
    """Moto leaves `VersioningConfiguration` out: an object then has no version to be named by."""
    original = FakeBucket.create_from_cloudformation_json

    def create(
        _cls: type[FakeBucket], name: str, resource: dict[str, Any], *rest: Any, **named: Any
    ) -> FakeBucket:
        bucket: FakeBucket = original(name, resource, *rest, **named)
        wanted = (resource.get("Properties") or {}).get("VersioningConfiguration") or {}
        bucket.versioning_status = wanted.get("Status")
        return bucket

    patches.set(FakeBucket, "create_from_cloudformation_json", classmethod(create))
