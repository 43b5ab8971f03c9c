"""What a proved benefit must stand up to before a person is asked for all traffic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from canary.decision.facts import Facts
from canary.decision.outcome import Rule
from canary.decision.temporal import Interaction, Novelty, interactions, novelty
from canary.policy.compiled import CompiledPolicy
from canary.release.calendar import closure_at, closure_end
from canary.release.model import ReleaseState

__all__ = ["Robustness", "robustness"]

_UNSTABLE = {
    "day of week": ("weekday", "the effect turns round between the days of the week"),
    "promotion": ("calendar", "the effect turns round inside a promotion"),
}
NOVELTY = "novelty"


@dataclass(frozen=True)
class Robustness:
    """What the rules say together: nothing in the way, wait until, or ask a person."""

    rules: tuple[Rule, ...]
    reason: str = ""
    wait_until: float | None = None
    extension: str = ""
    """The rule that extends the test, which it does once; empty while only the calendar waits."""
    hold_rule: str = ""
    """The rule that still objects after its extension: a person decides."""


def robustness(policy: CompiledPolicy, state: ReleaseState, facts: Facts) -> Robustness:
    """Day of week, promotions and novelty extend once; after that instability asks a person.

    Novelty after its extension only changes what is reported: the late effect. A test ends on no
    day of the calendar.
    """
    rules: list[Rule] = []
    for name, (group, text) in _UNSTABLE.items():
        found = interactions(policy, facts.groups.get(group, {}))
        turned = [each for each in found if each.p < policy.checks.weekday_alpha]
        rules.append(_interaction_rule(name, found, turned, policy.checks.weekday_alpha))
        if turned:
            scopes = ", ".join(each.scope for each in turned)
            reason = f"{text[0].upper()}{text[1:]} ({scopes})."
            if name not in state.extensions:
                return _extended(policy, facts, rules, name, reason)
            if f"{name}@{state.stage}" not in state.accepted:
                return Robustness(tuple(rules), reason=reason, hold_rule=name)
    new = novelty(policy, facts.groups.get("exposure", {}))
    rules.append(_novelty_rule(new))
    if new is not None and new.found and NOVELTY not in state.extensions:
        reason = (
            f"Most of the effect wears off: {100 * new.early:+.2f} points on a customer's first "
            f"two days, {100 * new.late:+.2f} from the fifth on."
        )
        return _extended(policy, facts, rules, NOVELTY, reason)
    closure = closure_at(policy.calendar, policy.timezone, facts.as_of)
    rules.append(Rule("calendar", {}, closure.name if closure else "open"))
    if closure is not None:
        return Robustness(
            tuple(rules),
            reason=f"No test ends during {closure.name} ({closure.first} to {closure.last}).",
            wait_until=closure_end(closure, policy.timezone),
        )
    return Robustness(tuple(rules))


def _extended(
    policy: CompiledPolicy, facts: Facts, rules: list[Rule], name: str, reason: str
) -> Robustness:
    until = facts.as_of + policy.checks.extension_seconds
    return Robustness(tuple(rules), reason=reason, wait_until=until, extension=name)


def _interaction_rule(
    name: str, found: tuple[Interaction, ...], turned: list[Interaction], alpha: float
) -> Rule:
    inputs = {each.scope: each.p for each in found}
    outcome = ", ".join(each.scope for each in turned) or ("stable" if found else "too few data")
    return Rule(name, {"alpha": alpha, **inputs, **dict(_effects(found))}, outcome)


def _effects(found: tuple[Interaction, ...]) -> Iterator[tuple[str, float]]:
    for each in found:
        if each.scope == "overall":
            yield from ((f"effect {group}", value) for group, value in each.effects.items())


def _novelty_rule(found: Novelty | None) -> Rule:
    if found is None:
        return Rule(NOVELTY, {}, "too few data")
    inputs = {
        "early": found.early,
        "late": found.late,
        "z_early": found.z_early,
        "z_decay": found.z_decay,
    }
    return Rule(NOVELTY, inputs, "wears off" if found.found else "lasts")
