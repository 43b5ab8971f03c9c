"""Write the fast copy of the kill switch, from inside the network."""

from __future__ import annotations

from typing import Any

from canary.aws.cache import FLAG, Cache, connect
from canary.aws.clients import client
from canary.aws.settings import from_environment

PLACE = from_environment(Cache)
SECRETS = client("secretsmanager")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Set `canary_active`. A new connection each time: the password may have been rotated."""
    with connect(PLACE, SECRETS) as cache:
        cache.set(FLAG, "true" if event["active"] else "false")
    return {"done": True}
