"""The AWS in memory answers as moto does, as far as our adapters can see."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from canary.aws.clients import client
from canary.aws.ledger import Registrations
from canary.aws.memories import Memories
from canary.aws.records import Releases
from canary.aws.rollbacks import Rollbacks
from canary.aws.traffic import Rules, Traffic
from canary.ledger.entry import Outcome, Settlement
from canary.ledger.levels import next_entry
from canary.ledger.registration import default_registration
from canary.release.memory import Rollback
from canary.release.model import Phase
from canary.routing.weights import ALL_ON_CANARY
from tests.lambdas.faults import harness, scenes
from tests.lambdas.faults.aws import World, group_arn, rule_arn

MEMORY_RULES = {
    **{f"rule_{name}_arn": rule_arn(name) for name in ("control", "canary", "draw")},
    **{f"target_{name}_arn": group_arn(name) for name in ("primary", "canary")},
}


def transcript(rules: Rules) -> list[Any]:
    """What the adapters say of a release's life, every refusal included."""
    said: list[Any] = []

    def tell(do: Any) -> Any:
        try:
            result = do()
        except Exception as error:  # noqa: BLE001 - the kind of refusal is what is compared
            said.append(type(error).__name__)
            return None
        said.append(result)
        return result

    dynamodb = client("dynamodb")
    releases = Releases(dynamodb, "canary-releases")
    ledger = Registrations(dynamodb, "canary-tests")
    made = default_registration(
        scenes.POLICY,
        test_id="t-1",
        candidate="model-b",
        text="model-b completes more conversations",
        by="ana",
        at=harness.START,
    )
    entry = tell(lambda: ledger.reserve(made, lambda known: next_entry(known, made, scenes.POLICY)))
    claim = ledger.claim(entry, "r-1", 1.0)
    first = tell(lambda: releases.create(scenes.release(), claim))
    tell(lambda: releases.create(scenes.release(release_id="r-2")))
    tell(releases.lock)
    later = tell(lambda: releases.save(first, replace(first, phase=Phase.HELD)))
    tell(lambda: releases.save(first, replace(first, revoked=True)))
    tell(lambda: releases.save(later, replace(later, control_header_on_canary=True)))
    tell(releases.lock)
    memories, rule = Memories(dynamodb, "canary-releases"), scenes.POLICY.anti_flapping
    struck = Rollback("r-1", 1.5, "warning", strike=True)
    tell(lambda: memories.remember("model-b", struck, rule))
    tell(lambda: memories.remember("model-b", struck, rule, rejected=True))
    tell(lambda: memories.candidate("model-b"))
    tell(memories.last_strike)
    rollbacks = Rollbacks(dynamodb, "canary-rollbacks")
    opened = rollbacks.open("r-1", {"cause": "warning"})
    for _ in range(2):
        rollbacks.tick(opened, "memory")
    rollbacks.set(opened, "snapshot", {"a": 1})
    found = rollbacks.find("r-1")
    said.append(found and (sorted(found.steps), found.fields["snapshot"]))
    over = releases.load("r-1")
    assert over is not None
    tell(lambda: releases.save(over, replace(over, phase=Phase.ROLLED_BACK)))
    tell(releases.lock)
    tell(ledger.open_tests)
    settlement = Settlement(2.0, Outcome.ROLLED_BACK, None, discovery=False)
    for _ in range(2):
        tell(lambda: ledger.settle("t-1", "r-1", settlement))
    tell(lambda: ledger.find("t-1"))
    tell(ledger.open_tests)
    traffic = Traffic(client("elbv2"), rules)
    tell(traffic.read)
    tell(lambda: traffic.write(ALL_ON_CANARY, ("canary", "draw")))
    tell(traffic.read)
    return said


def test_the_world_in_memory_says_what_moto_says(region: Any) -> None:
    """Conditions, transactions, the lock, ticks and weights: one transcript on both."""
    arns = {f"rule_{name}_arn": arn for name, arn in region.rules.items()}
    arns |= {f"target_{name}_arn": arn for name, arn in region.groups.items()}
    on_moto = transcript(Rules(**arns))
    with harness.region(World()):
        in_memory = transcript(Rules(**MEMORY_RULES))
    assert in_memory == on_moto
