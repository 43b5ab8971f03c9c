"""What functions write into Redis: the fast copy of the kill switch, and what bandits serve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import redis

__all__ = ["BANDITS", "FLAG", "Cache", "connect"]

FLAG = "canary_active"
BANDITS = "bandits"


@dataclass(frozen=True)
class Cache:
    """Where the cache is, and who may enter."""

    cache_host: str
    cache_port: str
    cache_tls: str = "true"
    cache_user: str = ""
    cache_secret_arn: str = ""


def connect(place: Cache, secrets: Any) -> Any:
    """A connection with time-outs of 2 s; the secret, if there is one, is the password."""
    password = None
    if place.cache_secret_arn:
        password = secrets.get_secret_value(SecretId=place.cache_secret_arn)["SecretString"]
    return redis.Redis(
        host=place.cache_host,
        port=int(place.cache_port),
        ssl=place.cache_tls == "true",
        username=(place.cache_user or None) if password else None,
        password=password,
        socket_timeout=2.0,
        socket_connect_timeout=2.0,
        decode_responses=True,
    )
