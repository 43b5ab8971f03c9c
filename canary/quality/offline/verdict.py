"""The offline gate's verdict on a candidate, and why, in sentences for a person.

A candidate must reach every score of the policy, know something of every intent, and not be proved
worse than the control. What was not measured is not reached.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from canary.policy.compiled import CompiledPolicy
from canary.quality.offline.scores import OfflineScores
from canary.quality.shadow_replay import ANY
from canary.release.admission import offline_result

__all__ = ["Verdict", "document", "judge", "shortcomings"]

_COMPARED = {"domain": "right answers", ANY: "answers without a fault"}
"""What a candidate must not be proved worse in, and its words."""


@dataclass(frozen=True)
class Verdict:
    """Whether the candidate may meet customers; `reasons` are empty where it may."""

    reasons: tuple[str, ...]
    lines: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Nothing speaks against it."""
        return not self.reasons

    @property
    def detail(self) -> str:
        """In one line what speaks against it, or what it reached."""
        return "; ".join(self.reasons or self.lines)


def judge(policy: CompiledPolicy, found: OfflineScores, scores: Mapping[str, float]) -> Verdict:
    """Hold a candidate's scores, intents and comparison against the policy.

    `scores` are by metric, those of `found` among them; a gate whose score is missing fails.
    """
    gates = offline_result(policy, scores)
    failed = tuple(line for line in gates.lines if line.endswith("FAIL"))
    return Verdict((*failed, *shortcomings(policy, found)), gates.lines)


def shortcomings(policy: CompiledPolicy, found: OfflineScores) -> tuple[str, ...]:
    """The intents of which it knows too little, and in what it is proved worse."""
    floor = policy.evaluation.intent_floor
    asked = {intent.name for intent in policy.intents}
    known = {name: found.by_intent.get(name, (0, 0)) for name in asked | set(found.by_intent)}
    weak = (
        f"intent {name}: {good} of {n} prompts answered right, at least {floor:.0%} wanted: FAIL"
        for name, (good, n) in sorted(known.items())
        if good < floor * n or not (good and n)
    )
    worse = (
        f"worse than the control in {words}: {difference.estimate:+.1%} "
        f"({difference.lower:+.1%} to {difference.upper:+.1%}), an upper end of 0 or more "
        "wanted: FAIL"
        for check, words in _COMPARED.items()
        if (difference := found.compared[check].difference).upper < 0
    )
    return (*weak, *worse)


def document(found: OfflineScores, scores: Mapping[str, float]) -> dict[str, Any]:
    """All that was measured, as JSON has it."""
    return {
        "scores": dict(scores),
        "unanswered": found.unanswered,
        "by_intent": {
            name: {"right": good, "prompts": n} for name, (good, n) in found.by_intent.items()
        },
        "right_answers": {
            "difference": found.difference.difference,
            "lower": found.difference.lower,
            "upper": found.difference.upper,
        },
        "compared": {
            name: {
                "difference": each.difference.estimate,
                "lower": each.difference.lower,
                "upper": each.difference.upper,
                "p": each.p_exact,
            }
            for name, each in found.compared.items()
        },
    }
