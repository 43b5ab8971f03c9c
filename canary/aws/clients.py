"""SDK clients with explicit time-outs; made once, when a handler is imported."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config

__all__ = ["client", "region_name"]


def client(
    service: str, *, connect: float = 2.0, read: float = 5.0, attempts: int = 3, region: str = ""
) -> Any:
    """A client of `service`; time-outs are seconds, `attempts` counts the first try."""
    return boto3.client(
        service,
        region_name=region or None,
        config=Config(
            connect_timeout=connect,
            read_timeout=read,
            retries={"total_max_attempts": attempts, "mode": "standard"},
        ),
    )


def region_name() -> str:
    """The region that the SDK is configured for."""
    return boto3.session.Session().region_name or ""
