"""Talk to the gateway for a drill, from inside the network, pinned to the canary."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from canary.aws.pinned import PinnedConversations
from canary.aws.settings import from_environment


@dataclass(frozen=True)
class Settings:
    """Where the gateway's load balancer is."""

    gateway_url: str


CONVERSATIONS = PinnedConversations(from_environment(Settings).gateway_url)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Send some requests, and answer whose tasks took them."""
    talk = CONVERSATIONS.talk(
        str(event["conversation_id"]), int(event["requests"]), broken=bool(event["broken"])
    )
    return dataclasses.asdict(talk)
