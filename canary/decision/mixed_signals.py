"""Mixed signals (A5): some intents gain while others lose, or one loses much.

Either way a person looks for the root cause before more customers meet the candidate.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from canary.decision.effects import Effect, effect_of
from canary.decision.pairs import PairsByMetric
from canary.policy.compiled import CompiledPolicy
from canary.statistics.multiplicity import holm, rejected

__all__ = ["MixedSignals", "mixed_signals"]

_LEAST_OUTCOMES = 100


@dataclass(frozen=True)
class MixedSignals:
    """The intents that are harmed and helped, and those that lose much."""

    harmed: tuple[str, ...]
    helped: tuple[str, ...]
    much_harmed: tuple[str, ...]

    @property
    def found(self) -> bool:
        """Whether the root cause must be sought."""
        return bool((self.harmed and self.helped) or self.much_harmed)

    @property
    def sentence(self) -> str:
        """What is wrong, and what is asked of a person."""
        parts = []
        if self.harmed and self.helped:
            parts.append(f"{_list(self.helped)} gained while {_list(self.harmed)} lost")
        if self.much_harmed:
            parts.append(f"{_list(self.much_harmed)} lost much")
        return f"{'; '.join(parts)}: find the root cause before going on."


def mixed_signals(policy: CompiledPolicy, block: PairsByMetric) -> MixedSignals:
    """Judge the primary metric by intent.

    Harmed and helped: one-sided, Holm-adjusted over intents and both directions. Much harmed: at
    least `checks.mixed_harm` (points) worse, at the plain one-sided level.
    """
    checks, metric = policy.checks, policy.metric(policy.statistics.primary_metric)
    everyone = block.of(metric.name)
    effects: dict[str, Effect] = {}
    for intent in policy.intents:
        found = effect_of(everyone.within(frozenset({intent.name})), metric)
        if found.known and min(found.n_control, found.n_canary) >= _LEAST_OUTCOMES:
            effects[intent.name] = found
    directions = {
        **{(name, "harmed"): each.p_harmed for name, each in effects.items()},
        **{(name, "helped"): each.p_helped for name, each in effects.items()},
    }
    proved: set[tuple[str, str]] = set()
    if directions:
        adjusted = holm(list(directions.values()))
        proved = {
            key
            for key, sure in zip(directions, rejected(adjusted, checks.mixed_alpha), strict=True)
            if sure
        }
    return MixedSignals(
        harmed=tuple(name for name in effects if (name, "harmed") in proved),
        helped=tuple(name for name in effects if (name, "helped") in proved),
        much_harmed=tuple(
            name
            for name, each in effects.items()
            if each.estimate <= -checks.mixed_harm and each.p_harmed < checks.mixed_alpha
        ),
    )


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)
