"""The scores of the offline gate, from both models' answers to the same prompts.

Fails closed: a prompt without answer is wrong in everything, and a score that nothing was measured
for is absent, which the gate of a policy takes for a failure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from canary.quality.detector import Detector, Findings
from canary.quality.offline.golden import GoldenPrompt, right
from canary.quality.shadow_replay import Replayed, compare_answers
from canary.quality.turn import Expected, Turn
from canary.statistics.mcnemar import McNemar, mcnemar, paired_counts
from canary.statistics.paired_bootstrap import PairedBootstrap, paired_bootstrap

__all__ = ["Answers", "OfflineScores", "offline_scores"]


@dataclass(frozen=True)
class Answers:
    """A prompt and both models' answers; None where a model gave none."""

    prompt: GoldenPrompt
    control: str | None
    canary: str | None


@dataclass(frozen=True)
class OfflineScores:
    """The canary's scores by the policy's metrics, and the comparison with the control.

    `compared` has McNemar's test by check, `any`, and `domain`: right and without any fault.
    `difference` is the bootstrapped difference of the share of right answers. `by_intent` is the
    canary's right answers and prompts of each intent; `unanswered` counts the canary's missing
    answers.
    """

    scores: Mapping[str, float]
    compared: Mapping[str, McNemar]
    difference: PairedBootstrap
    by_intent: Mapping[str, tuple[int, int]]
    unanswered: int


def offline_scores(
    answers: Sequence[Answers], detector: Detector, expected: Expected, *, seed: int
) -> OfflineScores:
    """Score the canary's answers and compare them with the control's, pair by pair.

    Raises `ValueError` without answers.
    """
    if not answers:
        raise ValueError("answers: there is no prompt to score")
    control = [right(each.prompt, each.control) for each in answers]
    canary = [right(each.prompt, each.canary) for each in answers]
    replayed = [Replayed(a.prompt.prompt, a.control, a.canary, expected) for a in answers]
    compared = dict(compare_answers(replayed, detector))
    compared["domain"] = mcnemar(paired_counts(control, canary))
    difference = paired_bootstrap(
        np.asarray(control, dtype=float),
        np.asarray(canary, dtype=float),
        np.random.default_rng(seed),
        resamples=2000,
    )
    findings = [
        detector.inspect(Turn(each.prompt.prompt, each.canary, expected))
        for each in answers
        if each.canary and each.canary.strip()
    ]
    unanswered = len(answers) - len(findings)
    return OfflineScores(
        scores=_scores(findings, unanswered, sum(canary) / len(answers)),
        compared=compared,
        difference=difference,
        by_intent=_by_intent(answers, canary),
        unanswered=unanswered,
    )


def _scores(findings: Sequence[Findings], unanswered: int, domain: float) -> dict[str, float]:
    """By the names of the policy's metrics; a missing answer is a fault in each of them."""
    total: dict[str, int] = {}
    for found in findings:
        for column, count in found.counts().items():
            total[column] = total.get(column, 0) + count
    scores = {"domain_accuracy": domain}
    asked = len(findings) + unanswered
    scores["hallucination"] = (total.get("hallucinated", 0) + unanswered) / asked
    scores["language"] = total.get("language_correct", 0) / asked
    for metric, correct, checked in (
        ("product_names", "name_correct", "names"),
        ("name_preservation", "name_preserved", "japanese_names"),
        ("honorifics", "honorific_correct", "honorifics"),
    ):
        if total.get(checked):
            scores[metric] = total[correct] / (total[checked] + unanswered)
    return scores


def _by_intent(answers: Sequence[Answers], canary: Sequence[bool]) -> Mapping[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for each, good in zip(answers, canary, strict=True):
        done, asked = found.get(each.prompt.intent, (0, 0))
        found[each.prompt.intent] = (done + good, asked + 1)
    return found
