"""Asks a model of Bedrock prompts that no customer waits for."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

__all__ = ["ask_all"]

AT_ONCE = 4
LONGEST_ANSWER_TOKENS = 512
_log = logging.getLogger("canary.replay")


def ask_all(runtime: Any, model_id: str, prompts: Sequence[str]) -> list[str | None]:
    """The model's answer to each prompt, in order; None where it refused or failed.

    `runtime` is a client of `bedrock-runtime`. A failure is logged without the prompt.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda prompt: _ask(runtime, model_id, prompt), prompts))


def _ask(runtime: Any, model_id: str, prompt: str) -> str | None:
    try:
        answer = runtime.converse(
            modelId=model_id,
            messages=[{"role": "user", "content": [{"text": prompt}]}],
            inferenceConfig={"maxTokens": LONGEST_ANSWER_TOKENS, "temperature": 0.0},
            requestMetadata={"purpose": "offline"},
        )
        blocks = answer["output"]["message"]["content"]
    except (BotoCoreError, ClientError, KeyError) as error:
        _log.warning("%s did not answer: %s", model_id, error)
        return None
    return "".join(str(block.get("text", "")) for block in blocks) or None
