"""Effects, limits and scopes as a manager says them: who is better, by how much, how surely."""

from __future__ import annotations

import math

from canary.policy.compiled import Metric, Unit
from canary.statistics.intervals import Interval

__all__ = ["confirmatory_words", "effect_words", "harm_words", "limit_words", "subject_words"]

_UNKNOWN = "unknown"


def subject_words(metric: str, scope: str) -> str:
    """What a verdict is about: "survey response, overall", "completion, low-traffic intents"."""
    kind, _, name = scope.partition(":")
    part = f"{name}-traffic intents" if kind == "tier" else name or scope
    return f"{metric.replace('_', ' ')}, {part}"


def effect_words(interval: Interval, unit: Unit, metric: Metric) -> str:
    """An estimate with its interval: "1.20 points better than the old model (0.40 to 2.00)".

    An interval with none in it names both sides: "(0.29 worse to 0.05 better)". A level is the new
    model's own.
    """
    if unit == "level":
        own, lowest, highest = (
            _amount(each, unit, metric)
            for each in (interval.estimate, interval.lower, interval.upper)
        )
        return f"{own} in the new model ({lowest} to {highest})"
    better, worse = _sides(metric)
    lower_is_better = metric.better == "lower" and metric.role != "observational"
    sign = -1.0 if lower_is_better else 1.0
    estimate = sign * interval.estimate
    low, high = sorted((sign * interval.lower, sign * interval.upper))
    size = _amount(abs(estimate), unit, metric)
    if _bare(abs(estimate), unit) == _bare(0.0, unit):
        said = "like the old model"
    else:
        said = f"{size} {better if estimate > 0 else worse} than the old model"
    if low >= 0 or high <= 0:
        near, far = sorted((abs(low), abs(high)))
        return f"{said} ({_bare(near, unit)} to {_bare(far, unit)})"
    return f"{said} ({_bare(-low, unit)} {worse} to {_bare(high, unit)} {better})"


def limit_words(limit: float, unit: Unit, metric: Metric) -> str:
    """What is asked: "at most 0.5%", "at most 5.00 points worse", "at least 1.00 points better"."""
    if unit == "level":
        side = "at least" if metric.better == "higher" else "at most"
        return f"{side} {_amount(limit, unit, metric)}"
    allowed = limit if metric.better == "higher" else -limit
    if allowed == 0:
        return "not worse"
    size = _amount(abs(limit), unit, metric)
    return f"at least {size} better" if allowed > 0 else f"at most {size} worse"


def harm_words(upper: float, metric: Metric) -> str:
    """What a proved harm is: "at least 3.10 points worse than the old model".

    `upper` bounds the effect from above, turned so that more is better; it is below 0.
    """
    unit: Unit = "points" if metric.measure == "rate" else "score"
    return f"at least {_amount(-upper, unit, metric)} worse than the old model"


def confirmatory_words(
    metric: Metric,
    hypothesis: str,
    unit: Unit,
    kind: str,
    *,
    look: tuple[int, int],
    z: tuple[float, float],
    effect: Interval | None,
    too_small: float | None,
    usual_mix: float | None,
) -> str:
    """What a look of the test found: which look of how many, the effect, z against its bound.

    `too_small` is the least effect when a sure one stays below it; `usual_mix` the effect in the
    intents' usual shares when it is far from the test's own. Both are turned, as `metric` is.
    """
    said = "no data to compare" if effect is None else effect_words(effect, unit, metric)
    bound = f"{z[1]:.2f}" if math.isfinite(z[1]) else "more data"
    parts = [f"{said}, z {z[0]:.2f} where {bound} decides"]
    if too_small is not None:
        parts.append(f"sure, but less than {_amount(too_small, unit, metric)}")
    if usual_mix is not None:
        side = "better" if usual_mix > 0 else "worse"
        parts.append(
            f"in the intents' usual shares {_amount(abs(usual_mix), unit, metric)} {side}, more "
            "than a standard error apart: the effect depends on the mix of intents"
        )
    title = f"{subject_words(metric.name, 'overall')}, {hypothesis.replace('_', '-')} test"
    return f"{title}, look {look[0]} of {look[1]}: {'; '.join(parts)}: {kind}"


def _sides(metric: Metric) -> tuple[str, str]:
    """The words for a positive and for a negative effect; what is only observed is not judged."""
    return ("more", "less") if metric.role == "observational" else ("better", "worse")


def _amount(value: float, unit: Unit, metric: Metric) -> str:
    """A number with its unit."""
    if not math.isfinite(value):
        return _UNKNOWN
    if unit == "points":
        return f"{_bare(value, unit)} points"
    if unit == "relative":
        return f"{_bare(value, unit)}%"
    if unit == "level" and metric.measure == "rate":
        return f"{100 * value:.3g}%"
    if unit == "level" and metric.measure == "quantile":
        return f"{value:,.0f} ms"
    return f"{value:.3g}"


def _bare(value: float, unit: Unit) -> str:
    """The number alone, as the interval's bounds have it."""
    if not math.isfinite(value):
        return _UNKNOWN
    if unit == "points":
        return f"{100 * value:.2f}"
    return f"{100 * value:.1f}" if unit == "relative" else f"{value:.3g}"
