"""What would resolve a gate sooner: a longer stage, a higher rate, a wider margin, each computed.

Every change is the least that suffices by itself, with everything else as the policy has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from canary.planning.confirmatory import ConfirmatoryPlan, plan_test
from canary.planning.gates import POWER, gate_pass, resolve
from canary.planning.ramp import Span, joint_pass
from canary.planning.solve import least_enough
from canary.policy.compiled import CompiledPolicy, Gate
from canary.policy.duration import duration_text
from canary.policy.planning import baseline_moments
from canary.policy.words import limit_words

__all__ = [
    "GateChange",
    "IntentChange",
    "StageChange",
    "gate_changes",
    "intent_change",
    "stage_changes",
]

_HOUR = 3_600
_YEAR = 366 * 24 * _HOUR
_LARGEST_SHARE = 0.5
"""Above it the control is the smaller arm, and a difference is resolved no better."""
_WIDEST = 1_000.0


@dataclass(frozen=True)
class StageChange:
    """A stage whose first look an identical candidate fails too often: how long a block must be."""

    stage: int
    passes: float
    seconds: int | None
    sentence: str


@dataclass(frozen=True)
class GateChange:
    """A must_pass gate below power .8 at its stage's minimum, and what would lift it to .8.

    `part` resolves least. `seconds` is the stage's minimum, `rate` the share of every intent at
    that stage, `limit` the gate's limit; None where that change alone never suffices.
    """

    metric: str
    stage: int
    scope: str
    part: str
    passes: float
    seconds: int | None
    rate: float | None
    limit: float | None
    sentence: str


@dataclass(frozen=True)
class IntentChange:
    """The intent that needs longest for the target effect, and what it would take to be next.

    `rate` is its share at every test stage with which it is as quick as `following`, `effect`
    what it finds in the time that `following` needs.
    """

    intent: str
    days: float | None
    following: str
    following_days: float | None
    rate: float | None
    effect: float | None
    sentence: str


def stage_changes(policy: CompiledPolicy, *, design_effect: float = 1.0) -> Iterator[StageChange]:
    """A change for each stage that is not left at its first look with probability .8."""
    for stage in policy.stages[1:-1]:

        def enough(seconds: float, index: int = stage.index) -> bool:
            return joint_pass(policy, index, seconds, design_effect=design_effect) >= POWER

        passes = joint_pass(policy, stage.index, stage.min_seconds, design_effect=design_effect)
        if passes >= POWER:
            continue
        seconds = _hours(least_enough(enough, 0.0, _YEAR, within=60.0))
        first = (
            f"stage {stage.index}: an identical candidate passes all planned gates at the first "
            f"look, after {duration_text(stage.min_seconds)}, with probability {passes:.2f}"
        )
        told = "no length of the stage brings it to" if seconds is None else "a minimum of"
        length = "" if seconds is None else f" {duration_text(seconds)} makes it"
        yield StageChange(stage.index, passes, seconds, f"{first}; {told}{length} {POWER:g}")


def gate_changes(policy: CompiledPolicy, *, design_effect: float = 1.0) -> Iterator[GateChange]:
    """A change for each must_pass gate that is not passed at the minimum with probability .8."""
    for gate in policy.gates:
        minimum = policy.stages[gate.stage].min_seconds
        parts = resolve(policy, gate, minimum, design_effect=design_effect)
        if gate.kind != "must_pass" or parts is None:
            continue
        passes = _chance(policy, gate, minimum, design_effect)
        if passes >= POWER:
            continue
        part = min(parts, key=lambda each: each.passes)
        seconds = _hours(
            least_enough(
                lambda s, g=gate: _chance(policy, g, s, design_effect) >= POWER,  # type: ignore[misc]
                0.0,
                _YEAR,
                within=60.0,
            )
        )
        rate = least_enough(
            lambda r, g=gate, m=minimum: (  # type: ignore[misc]
                _chance(_at_rate(policy, g, r), g, m, design_effect) >= POWER
            ),
            policy.stages[gate.stage].rate,
            _LARGEST_SHARE,
            within=0.0005,
        )
        factor = least_enough(
            lambda f, g=gate, m=minimum: (  # type: ignore[misc]
                _chance(policy, _widened(policy, g, f), m, design_effect) >= POWER
            ),
            1.0,
            _WIDEST,
            within=0.0005,
        )
        limit = None if factor is None else _widened(policy, gate, factor).limit
        yield GateChange(
            gate.metric,
            gate.stage,
            gate.scope,
            part.part,
            passes,
            seconds,
            rate,
            limit,
            _gate_sentence(policy, gate, passes, seconds=seconds, rate=rate, limit=limit),
        )


def intent_change(
    policy: CompiledPolicy,
    ramp: tuple[Span, ...],
    plan: ConfirmatoryPlan,
    *,
    design_effect: float = 1.0,
) -> IntentChange | None:
    """What the slowest intent would need; None where there is only one."""
    slowest = plan.bottleneck
    others = [each for each in plan.intents if each.intent != slowest.intent]
    if not others:
        return None
    following = replace(plan, intents=tuple(others)).bottleneck
    rate = effect = None
    if following.days is not None:
        goal = following.days

        def as_quick(share: float) -> bool:
            intents = tuple(
                replace(each, rate=max(share, each.rate)) if each.name == slowest.intent else each
                for each in policy.intents
            )
            changed = replace(policy, intents=intents)
            mine = plan_test(changed, ramp, plan.target, design_effect=design_effect).intents
            days = next(each.days for each in mine if each.intent == slowest.intent)
            return days is not None and days <= goal

        def found(wanted: float) -> bool:
            mine = plan_test(policy, ramp, wanted, design_effect=design_effect).intents
            days = next(each.days for each in mine if each.intent == slowest.intent)
            return days is not None and days <= goal

        lowest = policy.intent(slowest.intent).rate
        if policy.routing == "application":
            rate = least_enough(as_quick, lowest, _LARGEST_SHARE, within=0.0005)
        effect = least_enough(found, plan.target, 100 * plan.target, within=plan.target / 200)
    return IntentChange(
        slowest.intent,
        slowest.days,
        following.intent,
        following.days,
        rate,
        effect,
        _intent_sentence(plan, following.intent, following.days, rate, effect),
    )


def _chance(policy: CompiledPolicy, gate: Gate, seconds: float, design_effect: float) -> float:
    return gate_pass(policy, gate, seconds, design_effect=design_effect) or 0.0


def _at_rate(policy: CompiledPolicy, gate: Gate, share: float) -> CompiledPolicy:
    """The policy with every intent drawn at least at this share in the gate's stage."""
    stages = tuple(
        replace(each, rate=max(each.rate, share)) if each.index == gate.stage else each
        for each in policy.stages
    )
    return replace(policy, stages=stages)


def _widened(policy: CompiledPolicy, gate: Gate, factor: float) -> Gate:
    """The gate with its distance from an identical candidate multiplied."""
    if gate.unit != "level":
        return replace(gate, limit=gate.limit * factor)
    metric = policy.metric(gate.metric)
    moments = baseline_moments(policy, metric, gate)
    mean = moments[0] if moments else policy.baseline.p99_ms
    return replace(gate, limit=mean + (gate.limit - mean) * factor)


def _hours(seconds: float | None) -> int | None:
    """Rounded up to whole hours, as a policy would write it."""
    return None if seconds is None else -int(-seconds // _HOUR) * _HOUR


def _gate_sentence(
    policy: CompiledPolicy,
    gate: Gate,
    passes: float,
    *,
    seconds: int | None,
    rate: float | None,
    limit: float | None,
) -> str:
    minimum = duration_text(policy.stages[gate.stage].min_seconds)
    metric = policy.metric(gate.metric)
    ways = []
    if seconds is not None:
        ways.append(f"a stage of {duration_text(seconds)}")
    if rate is not None:
        ways.append(f"a rate of {rate:.3g}")
    if limit is not None:
        ways.append(f"a limit of {limit_words(float(f'{limit:.3g}'), gate.unit, metric.measure)}")
    first = (
        f"{gate.metric} {gate.scope.replace('_', ' ')}, stage {gate.stage}: an identical candidate "
        f"passes after {minimum} with probability {passes:.2f}"
    )
    unhelped = "" if rate is not None or limit is not None else " (nothing else by then)"
    told = f"{' or '.join(ways)} brings {POWER:g}{unhelped}" if ways else "nothing here mends that"
    return f"{first}; {told}"


def _intent_sentence(
    plan: ConfirmatoryPlan,
    following: str,
    goal: float | None,
    rate: float | None,
    effect: float | None,
) -> str:
    slowest = plan.bottleneck
    if slowest.days is None or goal is None:
        return f"{slowest.intent} never finds {plan.target:+.3g} by itself with power {POWER:g}"
    first = (
        f"{slowest.intent} is the bottleneck: by itself it needs {slowest.days:.1f} days to find "
        f"{plan.target:+.3g} with power {POWER:g}; {following} needs {goal:.1f}"
    )
    ways = []
    if rate is not None:
        ways.append(f"a rate of {rate:.3g}")
    if effect is not None:
        ways.append(f"an effect of {effect:+.3g}")
    return f"{first}; {' or '.join(ways)} makes it as quick" if ways else first
