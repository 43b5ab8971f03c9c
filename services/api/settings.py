"""What an API task is told by its task definition."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings:
    """The environment of an API container (`canary.aws.settings` reads it).

    `cache_secret` is the password, or the secret's JSON with a `password`. One session may make
    `requests_a_minute`, over all tasks. `cached_intents` are the policy's, with commas: questions
    of these may be given the same answer again.
    """

    gateway_url: str
    cache_host: str
    cache_port: str
    parameter_prefix: str
    intent_endpoint: str
    metrics_namespace: str
    cache_tls: str = "true"
    cache_user: str = ""
    cache_secret: str = ""
    requests_a_minute: str = "60"
    cached_intents: str = ""
