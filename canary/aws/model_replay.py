"""Asks a model of Bedrock prompts that no customer waits for."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

__all__ = ["Reply", "ask_all", "ask_each"]

AT_ONCE = 4
LONGEST_ANSWER_TOKENS = 512
_log = logging.getLogger("canary.replay")


@dataclass(frozen=True)
class Reply:
    """What a model said; None where it said nothing, with the fault when there was one."""

    text: str | None
    fault: str = ""


def ask_all(runtime: Any, model_id: str, prompts: Sequence[str]) -> list[str | None]:
    """The model's answer to each prompt, in order; None where it refused or failed.

    `runtime` is a client of `bedrock-runtime`. A failure is logged without the prompt.
    """
    return [reply.text for reply in ask_each(runtime, model_id, prompts)]


def ask_each(runtime: Any, model_id: str, prompts: Sequence[str]) -> list[Reply]:
    """The model's reply to each prompt, in order; as `ask_all`, with the fault."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda prompt: _ask(runtime, model_id, prompt), prompts))


def _ask(runtime: Any, model_id: str, prompt: str) -> Reply:
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
        return Reply(None, str(error) or type(error).__name__)
    return Reply("".join(str(block.get("text", "")) for block in blocks) or None)
