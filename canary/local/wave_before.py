"""What stands in for the regions of the wave before: their table, with the release promoted.

One region runs here. A release of a later wave is admitted only after the wave before, so its
record is written as that wave would have left it; the function that reads it is the deployed one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from canary.aws.records import Releases
from canary.local.emulator import Emulator
from canary.policy.compiled import CompiledPolicy
from canary.release.admission import Request, admit
from canary.release.model import Phase

__all__ = ["promote_in_wave_before"]

_KEYS = ("pk", "sk")
_DAY = 86_400.0


def promote_in_wave_before(
    emulator: Emulator, policy: CompiledPolicy, release: dict[str, Any], *, table: str, now: float
) -> tuple[str, ...]:
    """Write `release`, a state machine's input, as promoted in each region of the wave before.

    Answers those regions; in the first wave there are none. `now` is epoch seconds.
    """
    for region in policy.wave_before:
        client = emulator.client("dynamodb", region)
        client.create_table(
            TableName=table,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": name, "KeyType": kind}
                for name, kind in zip(_KEYS, ("HASH", "RANGE"), strict=True)
            ],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in _KEYS],
        )
        releases = Releases(client, table)
        began = now - policy.statistics.test_seconds - _DAY
        first = admit(Request.from_dict(release), policy, control="", at=began)
        admitted = releases.create(replace(first, region=region))
        releases.save(admitted, replace(admitted, phase=Phase.PROMOTED))
    return policy.wave_before
