"""The API against its own description: whatever a client sends, no 5xx and nothing undescribed."""

from __future__ import annotations

import asyncio
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode

from tests.services.region import Region, parameter

EXAMPLES = 6


async def test_whatever_is_sent_gets_an_answer_that_the_document_describes(region: Region) -> None:
    """Requests as the document allows, and requests it forbids, over HTTP, on a real cache.

    Every check of schemathesis: statuses, types and bodies as described, no 5xx, what is allowed
    taken, what is forbidden refused.
    """
    region.parameter = parameter()
    await region.start_api()
    asked = await asyncio.to_thread(ask_everything, region.api)
    names = {"chat", "feedback", "events", "healthz", "readyz"}
    assert {name for name, _ in asked} == names  # the document itself was read to begin with
    assert {status for _, status in asked} >= {200, 202, 422}


def ask_everything(api: str) -> set[tuple[str, int]]:
    """Each operation's name with each status that it answered."""
    schema = schemathesis.openapi.from_url(f"{api}/openapi.json")
    seen: set[tuple[str, int]] = set()
    for found in schema.get_all_operations():
        operation: Any = found.ok()
        seen |= ask(operation, GenerationMode.POSITIVE)
        if operation.body:
            seen |= ask(operation, GenerationMode.NEGATIVE)
    return seen


def ask(operation: Any, mode: GenerationMode) -> set[tuple[str, int]]:
    """Requests of one operation, valid or not."""
    statuses: set[int] = set()

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES if operation.body else 1,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def send(case: Any) -> None:
        statuses.add(case.call_and_validate().status_code)

    send()
    return {(operation.definition.raw["operationId"], status) for status in statuses}
