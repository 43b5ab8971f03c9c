"""Both models of a release, asked again what failing conversations had asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from canary.aws.model_replay import ask_each
from canary.report.comparison import Said, comparison, failing_prompts

__all__ = ["ModelUnreachableError", "NothingToCompareError", "compare"]


class NothingToCompareError(Exception):
    """No conversation that failed has a prompt that was sampled."""


@dataclass
class ModelUnreachableError(Exception):
    """A model answered none of the prompts; `fault` is what it answered to the first."""

    model_id: str
    prompts: int
    fault: str

    def __str__(self) -> str:
        return f"{self.model_id} answered none of {self.prompts} prompts: {self.fault}"


def compare(runtime: Any, diagnosis: Mapping[str, Any]) -> dict[str, Any]:
    """Ask control and canary the prompts of a diagnosis; `runtime` is of `bedrock-runtime`.

    Each prompt is asked alone, at temperature 0, without the turns before it. Raises
    `NothingToCompareError` and `ModelUnreachableError`.
    """
    turns = failing_prompts(diagnosis)
    if not turns:
        raise NothingToCompareError
    prompts = [str(turn["question"]) for turn in turns]
    release = diagnosis["release"]
    return comparison(
        diagnosis,
        turns,
        control=_asked(runtime, release["control"], prompts),
        canary=_asked(runtime, release["candidate"], prompts),
    )


def _asked(runtime: Any, model_id: str, prompts: Sequence[str]) -> list[Said]:
    """One after all; a fault here and there is part of the comparison."""
    said = [Said(each.text, each.fault) for each in ask_each(runtime, model_id, prompts)]
    if all(each.fault for each in said):
        raise ModelUnreachableError(model_id, len(prompts), said[0].fault)
    return said
