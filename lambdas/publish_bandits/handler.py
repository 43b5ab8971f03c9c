"""Write what bandits serve where the API reads it, from inside the network."""

from __future__ import annotations

import json
from typing import Any

from canary.aws.cache import BANDITS, Cache, connect
from canary.aws.clients import client
from canary.aws.settings import from_environment

PLACE = from_environment(Cache)
SECRETS = client("secretsmanager")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Set `bandits`. A new connection each time: the password may have been rotated."""
    text = json.dumps(event["servings"], separators=(",", ":"))
    with connect(PLACE, SECRETS) as cache:
        cache.set(BANDITS, text)
    return {"bytes": len(text)}
