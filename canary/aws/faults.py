"""What the state machine knows by name: Lambda reports the class name as the error."""

from __future__ import annotations

import json

__all__ = ["AdmissionRefused", "HarmDetected", "Held", "NotReady", "Revoked", "told"]


def told(cause: str) -> str:
    """The cause of a failed state in words: a function's error and message, without its trace.

    The trace is in the function's log. What is no such document is a text already.
    """
    try:
        document = json.loads(cause)
        return f"{document['errorType']}: {document['errorMessage']}"
    except (ValueError, KeyError, TypeError):
        return cause


class AdmissionRefused(Exception):  # noqa: N818 - the state machine matches this name
    """The release may not start; the message says why."""


class HarmDetected(Exception):  # noqa: N818 - the state machine matches this name
    """A critical alarm is in ALARM: traffic may not move toward the canary."""


class Held(Exception):  # noqa: N818 - the state machine matches this name
    """The release is held: nothing is prepared until a person lifts that."""


class NotReady(Exception):  # noqa: N818 - the state machine retries this name
    """Not yet: ask again in some seconds."""


class Revoked(Exception):  # noqa: N818 - the state machine matches this name
    """The release lost its right to move traffic."""
