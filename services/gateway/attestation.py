"""The proof that this task runs the model it says: one model call, then one item in the table.

No traffic moves to a task set before all its tasks have attested the wanted model. A task serves
without: a model brown-out is the error rate's business, and the release waits.
"""

from __future__ import annotations

import logging
from typing import Any

import aiohttp
from botocore.exceptions import BotoCoreError, ClientError

from canary.aws import clock
from services.gateway.model import ModelCallError, converse
from services.gateway.settings import Settings

__all__ = ["attest"]

KEPT_SECONDS = 14 * 86_400
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0

_FAILURES = (
    ModelCallError,
    aiohttp.ClientError,
    BotoCoreError,
    ClientError,
    OSError,
    TimeoutError,
    ValueError,
    KeyError,
)
_log = logging.getLogger("canary.gateway")


async def attest(settings: Settings, model: Any, table: Any, started_at: float) -> None:
    """Call the model with one token and write the item; try again, ever slower, until it is done.

    `model` is a Bedrock runtime client, `table` a DynamoDB client, `started_at` the task's start
    (epoch seconds): the scale cycle accepts no attestation of a task older than itself.
    """
    wait = FIRST_PAUSE_SECONDS
    while True:
        try:
            await _attest_once(settings, model, table, started_at)
        except _FAILURES:
            _log.exception("attestation failed; trying again in %.0f s", wait)
        else:
            return
        await clock.pause(wait)
        wait = min(2 * wait, LONGEST_PAUSE_SECONDS)


async def _attest_once(settings: Settings, model: Any, table: Any, started_at: float) -> None:
    task_arn = await _task_arn(settings.ecs_container_metadata_uri_v4)
    await converse(
        model,
        settings.model_id,
        settings.guardrail,
        [{"role": "user", "text": "ping"}],
        {"purpose": "attestation", "arm": settings.arm},
        max_tokens=1,
    )
    await table.put_item(
        TableName=settings.releases_table,
        Item={
            "pk": {"S": f"ATTEST#{settings.task_set}"},
            "sk": {"S": task_arn},
            "arm": {"S": settings.arm},
            "model_id": {"S": settings.model_id},
            "started_at": {"N": repr(started_at)},
            "expires_at": {"N": str(int(started_at + KEPT_SECONDS))},
        },
    )


async def _task_arn(metadata_uri: str) -> str:
    """The task's own ARN, from the metadata endpoint that ECS gives each container."""
    timeout = aiohttp.ClientTimeout(total=2)
    async with (
        aiohttp.ClientSession(timeout=timeout, raise_for_status=True) as session,
        session.get(f"{metadata_uri}/task") as response,
    ):
        document: dict[str, Any] = await response.json(content_type=None)
        return str(document["TaskARN"])
