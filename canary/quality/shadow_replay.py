"""Two models' answers to the same prompts, compared check by check before any customer meets one.

The answers come from a replay; nothing of it is shown to anybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from canary.quality.detector import CHECKS, Detector
from canary.quality.turn import Expected, Turn
from canary.statistics.mcnemar import McNemar, mcnemar, paired_counts

__all__ = ["ANY", "Replayed", "compare_answers"]

ANY = "any"
"""The comparison of answers that are right in everything."""


@dataclass(frozen=True)
class Replayed:
    """A prompt and both answers to it; an answer is None where the model gave none."""

    question: str
    control: str | None
    canary: str | None
    expected: Expected


def compare_answers(
    replayed: Sequence[Replayed], detector: Detector, confidence: float = 0.95
) -> Mapping[str, McNemar]:
    """McNemar's test for each of `CHECKS`, and for answers right in everything (`ANY`).

    A difference above 0 says that more of the canary's answers are right. A missing answer is
    wrong in everything: a model that does not answer must not look faultless. Raises `ValueError`
    without prompts.
    """
    if not replayed:
        raise ValueError("replayed: there is no prompt to compare on")
    control = [_faults(item, item.control, detector) for item in replayed]
    canary = [_faults(item, item.canary, detector) for item in replayed]
    compared = {
        check: mcnemar(
            paired_counts([check not in f for f in control], [check not in f for f in canary]),
            confidence,
        )
        for check in CHECKS
    }
    right = paired_counts([not faults for faults in control], [not faults for faults in canary])
    return {**compared, ANY: mcnemar(right, confidence)}


def _faults(item: Replayed, answer: str | None, detector: Detector) -> frozenset[str]:
    if answer is None or not answer.strip():
        return frozenset(CHECKS)
    return detector.inspect(Turn(item.question, answer, item.expected)).faults()
