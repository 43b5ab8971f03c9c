"""Write the fast copy of the kill switch, from inside the network, and read it back."""

from __future__ import annotations

from typing import Any

from canary.aws.cache import FLAG, Cache, connect
from canary.aws.clients import client
from canary.aws.settings import from_environment

PLACE = from_environment(Cache)
SECRETS = client("secretsmanager")
SAID = {"true": True, "false": False}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Set `canary_active` where the event says to what, else answer what it is (null: absent).

    A new connection each time: the password may have been rotated.
    """
    with connect(PLACE, SECRETS) as cache:
        if "active" not in event:
            return {"active": SAID.get(cache.get(FLAG))}
        cache.set(FLAG, "true" if event["active"] else "false")
    return {"done": True}
