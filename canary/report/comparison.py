"""What both models say to the prompts of conversations that failed, side by side.

Source: A10, the post-rollback workflow: the failing conversations, with the canary's and the
control's outputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from canary.quality.privacy.redaction import redact

__all__ = ["MOST_PROMPTS", "Said", "comparison", "failing_prompts"]

MOST_PROMPTS = 10
"""Each is asked of two models while somebody waits."""
_FAILED = ("error", "throttled", "slow")


@dataclass(frozen=True)
class Said:
    """A model's answer to one prompt, or why there is none."""

    text: str | None
    fault: str = ""


def failing_prompts(diagnosis: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The sampled turns of a diagnosis whose conversation has a turn that failed.

    Redacted as the diagnosis has them, the canary's first, each question once, `MOST_PROMPTS` at
    most.
    """
    turns = diagnosis["turns"]
    failing = {
        (turn["arm"], turn["conversation_id"])
        for turn in turns
        if any(turn[name] for name in _FAILED)
    }
    found: dict[str, dict[str, Any]] = {}
    for turn in sorted(turns, key=lambda each: str(each["arm"])):
        if turn["question"] and (turn["arm"], turn["conversation_id"]) in failing:
            found.setdefault(turn["question"], turn)
    return list(found.values())[:MOST_PROMPTS]


def comparison(
    diagnosis: Mapping[str, Any],
    turns: Sequence[Mapping[str, Any]],
    *,
    control: Sequence[Said],
    canary: Sequence[Said],
) -> dict[str, Any]:
    """Both models' answers to those turns, in their order, redacted, as plain values."""
    release = diagnosis["release"]
    rows = []
    for turn, old, new in zip(turns, control, canary, strict=True):
        named = {name: turn[name] for name in ("arm", "conversation_id", "turn", "intent")}
        answers = {"control": _plain(old), "canary": _plain(new)}
        rows.append(named | {"question": turn["question"], "said_then": turn["text"]} | answers)
    models = {"control": release["control"], "canary": release["candidate"]}
    return {"models": models, "prompts": rows}


def _plain(said: Said) -> dict[str, Any]:
    return {"text": redact(said.text) if said.text else None, "fault": said.fault}
