"""What the embedded models say to the golden set: what they know, less what a scenario takes away.

The set holds what today's model answers right, so a model gets wrong only what its rates of a
scenario are above today's.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from canary.local.behaviour import TurnDraw, World, draw_turn
from canary.local.talk import Language, answer
from canary.quality.offline.golden import load_golden

__all__ = ["golden_answer"]

_REGIONS = ("us-east-1", "ap-northeast-1")


def golden_answer(
    world: World, model_id: str, prompt: str, language: Language, attempt: int = 1
) -> tuple[TurnDraw, str]:
    """What one call comes to, and its text; a prompt of no set has no answer."""
    seed = world.scenario.seed
    draw = draw_turn(world.added(model_id), seed, prompt, 1, attempt)
    if draw.hallucinated:
        return draw, answer(seed, prompt, 1, hallucinated=True, language=language)
    return draw, "" if draw.kind == "refused" else _known_answers().get(prompt, "")


@cache
def _known_answers() -> Mapping[str, str]:
    return {each.asked: each.reference for name in _REGIONS for each in load_golden(name)}
