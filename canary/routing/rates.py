"""Which share of each intent's new units the canary is asked to take at a stage."""

from __future__ import annotations

from canary.policy.compiled import CompiledPolicy

__all__ = ["asked_share", "rate", "rates_by_intent"]


def rate(policy: CompiledPolicy, stage: int, intent: str) -> float:
    """The probability with which a unit whose first message is of `intent` is drawn canary.

    Nobody at the first stage, everybody at the last; between them the higher of the stage's rate
    and the intent's tier rate. Under `alb` routing the listener cannot see intents: the stage's
    rate alone. Raises `ValueError` for a stage and `KeyError` for an intent the policy lacks.
    """
    step = _stage_rate(policy, stage)
    known = policy.intent(intent)
    if stage == 0:
        return 0.0
    if stage == len(policy.stages) - 1:
        return 1.0
    return step if policy.routing == "alb" else max(step, known.rate)


def rates_by_intent(policy: CompiledPolicy, stage: int) -> dict[str, float]:
    """Every intent's rate at `stage`, as the assignment parameter publishes them."""
    return {intent.name: rate(policy, stage, intent.name) for intent in policy.intents}


def asked_share(policy: CompiledPolicy, stage: int) -> float:
    """The canary's share of all new units that `stage` asks for: rates weighted by volume."""
    total = sum(intent.daily_volume for intent in policy.intents)
    if total <= 0:
        return _stage_rate(policy, stage)
    rates = rates_by_intent(policy, stage)
    return sum(intent.daily_volume * rates[intent.name] for intent in policy.intents) / total


def _stage_rate(policy: CompiledPolicy, stage: int) -> float:
    if not 0 <= stage < len(policy.stages):
        raise ValueError(f"stage: {stage} is not one of 0 to {len(policy.stages) - 1}")
    return policy.stages[stage].rate
