"""What is observed and never decides: tokens, cache hits, and what customers ask for (A2)."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator

from canary.decision.facts import Facts
from canary.decision.intent_mix import Shift, intent_shift
from canary.decision.measures import compare
from canary.decision.verdicts import Verdict, VerdictKind
from canary.decision.wording import effect_words, subject_words
from canary.policy.compiled import CompiledPolicy, Metric, Unit
from canary.statistics.intervals import Interval, one_sided_z

__all__ = ["observed_verdicts"]

_CONFIDENCE = 0.975
"""One side of a two-sided 95% interval."""
_SHIFT = "intent_changed"
_SHIFTED = 0.01
"""The p-value below which the sentence calls the mix shifted; no rule reads it."""


def observed_verdicts(policy: CompiledPolicy, facts: Facts) -> Iterator[Verdict]:
    """One verdict for each observational metric, from the present block's data.

    None has a limit, so none passes or fails: each stays INCONCLUSIVE, and no rule reads it.
    """
    for metric in policy.metrics:
        if metric.role != "observational":
            continue
        if metric.numerator == _SHIFT:
            yield _shift(policy, metric, facts)
        else:
            yield _difference(policy, metric, facts)


def _difference(policy: CompiledPolicy, metric: Metric, facts: Facts) -> Verdict:
    unit: Unit = "points" if metric.measure == "rate" else "relative"
    pairs = facts.block.of(metric.name)
    found = compare(policy, metric, unit, pairs, one_sided_z(_CONFIDENCE))
    say = functools.partial(_effect, metric, unit, found.interval)
    return _verdict(metric, unit, found.interval, (found.n_control, found.n_canary), say)


def _effect(metric: Metric, unit: Unit, interval: Interval | None) -> str:
    said = effect_words(interval, unit, metric) if interval else "no data to compare"
    return _said(metric, said)


def _said(metric: Metric, said: str) -> str:
    return f"{subject_words(metric.name, 'overall')}, only observed: {said}"


def _shift(policy: CompiledPolicy, metric: Metric, facts: Facts) -> Verdict:
    """The intent whose share has moved most, with an interval that holds for all at once."""
    names = [intent.name for intent in policy.intents]
    found = intent_shift(facts.later_intents, len(names))
    if found is None:
        return _verdict(
            metric, "points", None, (0, 0), functools.partial(_effect, metric, "points", None)
        )
    most, interval = _largest(found)
    test = found.test
    verdict = "the mix has shifted" if test.p_value < _SHIFTED else "no shift of the mix is proved"
    said = (
        f"after their first message customers of the new model asked for {names[most]}: "
        f"{effect_words(interval, 'points', metric)}, the largest change of {len(names)} intents; "
        f"chi-square {test.statistic:.1f} on {test.df}, p = {test.p_value:.2g}: {verdict}"
    )
    say = functools.partial(_said, metric, said)
    return _verdict(metric, "points", interval, (found.n_control, found.n_canary), say)


def _largest(found: Shift) -> tuple[int, Interval]:
    count = len(found.differences)
    most = max(range(count), key=lambda j: abs(found.differences[j]))
    effect = found.differences[most]
    z = one_sided_z(1 - (1 - _CONFIDENCE) / count)
    radius = z * math.sqrt(found.variances[most])
    return most, Interval(effect, effect - radius, effect + radius)


def _verdict(
    metric: Metric,
    unit: Unit,
    interval: Interval | None,
    sizes: tuple[float, float],
    say: Callable[[], str],
) -> Verdict:
    numbers = (math.nan, -math.inf, math.inf)
    if interval is not None:
        numbers = (interval.estimate, interval.lower, interval.upper)
    return Verdict(
        metric=metric.name,
        scope="overall",
        kind=VerdictKind.INCONCLUSIVE,
        gate="observed",
        unit=unit,
        limit=math.nan,
        estimate=numbers[0],
        lower=numbers[1],
        upper=numbers[2],
        n_control=sizes[0],
        n_canary=sizes[1],
        say=say,
    )
