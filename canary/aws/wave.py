"""The release tables of other regions, read to learn whether their wave is done."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError

from canary.aws.clients import client
from canary.aws.records import Releases
from canary.release.waves import Earlier

__all__ = ["ask_region"]

_TIMEOUT_SECONDS = 3.0
_ATTEMPTS = 2
"""A region that is down costs six seconds of the calling function's thirty."""


def ask_region(region: str, table: str, release_id: str) -> Earlier:
    """What `region` says of a release, and of who is active there.

    Never raises: a region that cannot be asked, or answers what cannot be read, is a fault in the
    answer, which the domain takes for a refusal.
    """
    try:
        releases = Releases(
            client(
                "dynamodb",
                connect=_TIMEOUT_SECONDS,
                read=_TIMEOUT_SECONDS,
                attempts=_ATTEMPTS,
                region=region,
            ),
            table,
        )
        followed = releases.load(release_id)
        lock = releases.lock()
    except (BotoCoreError, ClientError) as error:
        return Earlier(region, fault=str(error))
    except (LookupError, TypeError, ValueError) as error:
        return Earlier(region, fault=f"its record cannot be read: {type(error).__name__}: {error}")
    return Earlier(region, followed, lock.release_id if lock else None)
