"""What the state machine knows by name: Lambda reports the class name as the error."""

from __future__ import annotations

__all__ = ["AdmissionRefused", "HarmDetected", "Held", "NotReady", "Revoked"]


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
