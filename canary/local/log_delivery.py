"""What CloudWatch Logs sends to a subscribed function."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Sequence
from typing import Any

__all__ = ["subscription_event"]


def subscription_event(
    group: str, stream: str, filter_name: str, events: Sequence[dict[str, Any]], *, owner: str
) -> dict[str, Any]:
    """The event of one subscription; each log event has `id`, `timestamp` in ms and `message`."""
    data = {
        "messageType": "DATA_MESSAGE",
        "owner": owner,
        "logGroup": group,
        "logStream": stream,
        "subscriptionFilters": [filter_name],
        "logEvents": list(events),
    }
    packed = base64.b64encode(gzip.compress(json.dumps(data).encode(), 1)).decode()
    return {"awslogs": {"data": packed}}
