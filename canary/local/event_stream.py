"""Amazon's binary event stream, as Bedrock's ConverseStream answers in it.

botocore reads this format and cannot write it
(https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html).
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from typing import Any

__all__ = ["event", "exception"]

_STRING = 7


def event(kind: str, payload: Mapping[str, Any]) -> bytes:
    """One event, such as `contentBlockDelta`."""
    return _message({":message-type": "event", ":event-type": kind}, payload)


def exception(kind: str, message: str) -> bytes:
    """What ends a stream that went wrong, such as `modelStreamErrorException`."""
    headers = {":message-type": "exception", ":exception-type": kind}
    return _message(headers, {"message": message})


def _message(headers: Mapping[str, str], payload: Mapping[str, Any]) -> bytes:
    """Lengths and their checksum, headers, body, and the checksum of it all."""
    body = json.dumps(payload).encode()
    head = b"".join(
        _header(*each) for each in {**headers, ":content-type": "application/json"}.items()
    )
    prelude = struct.pack("!II", 16 + len(head) + len(body), len(head))
    message = prelude + struct.pack("!I", zlib.crc32(prelude)) + head + body
    return message + struct.pack("!I", zlib.crc32(message))


def _header(name: str, value: str) -> bytes:
    return struct.pack(
        f"!B{len(name)}sBH{len(value)}s",
        *(len(name), name.encode(), _STRING, len(value), value.encode()),
    )
