"""What becomes of a bandit when the policy names other arms, or another kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from canary.bandits.context import DIMENSION
from canary.bandits.linear import LinearSums
from canary.bandits.state import Arm, BanditState, Kind

__all__ = ["RewordedError", "check_prompts", "with_arms"]


class RewordedError(ValueError):
    """An arm has another prompt under its old name; what was learned belongs to the old one."""


def check_prompts(intent: str, before: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Raises `RewordedError` when an arm that is in both has another prompt."""
    changed = sorted(name for name in before.keys() & now.keys() if before[name] != now[name])
    if changed:
        raise RewordedError(
            f"bandits.intents of {intent}: the prompt of {', '.join(changed)} changed; give a new "
            "wording a new name, its rewards are not the old one's"
        )


def with_arms(state: BanditState, kind: Kind, names: Sequence[str], *, at: float) -> BanditState:
    """The state with these arms: known ones as they were, new ones fresh, others gone.

    The same state when nothing changed. An arm that was removed for its quality stays removed.
    Learning counts from `at` on; allocation follows with the next revision. Raises `ValueError`
    when no arm would be left to serve.
    """
    if kind == state.kind and [arm.name for arm in state.arms] == list(names):
        return state
    known = {arm.name: arm for arm in state.arms}
    linear = LinearSums.empty(DIMENSION) if kind == "linucb" else None
    if kind != state.kind:
        known = {
            name: Arm(name, linear=linear, removed_at=arm.removed_at) for name, arm in known.items()
        }
    arms = tuple(known.get(name, Arm(name, linear=linear)) for name in names)
    if not any(arm.served for arm in arms):
        raise ValueError(
            f"bandits.intents of {state.intent}: each of {', '.join(names)} was removed for its "
            "quality; name another arm"
        )
    return replace(state, kind=kind, arms=arms, learning_since=at, revision=state.revision + 1)
