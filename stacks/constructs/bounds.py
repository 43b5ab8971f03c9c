"""The guardrails' statistics as CloudWatch metric math.

Ids: `e` and `n` are the canary's events and trials in a window, `ec` and `nc` the control's, `em`
and `nm` the control's matched to the canary's mix of times and intents.

A raw ratio on little traffic is noise; what is compared with a threshold is Wilson's lower bound of
the canary's rate, and it counts only with enough events and against the control of the same window:
the rate must be a multiple of the matched control's, and the difference significant (pooled score
test). The multiple alone is noise too: when an incident that both arms suffer begins, five of the
canary's few requests fail while the control's share is still small
(`benchmarks/shared_incident.py`). And unmatched it is wrong: rates that rose within the window, or
differ by intent, make a fault of both arms look like the canary's. The matched control is as small
as the canary, so its events are a draw too: they are read as the most they may stand for.

`n = 0` divides by nothing, and `e > n` (two metrics, two clocks) is read as `e = n`: either would
otherwise drop the point, and a dropped point looks healthy. The canary's own counts are never
filled in, since a filled numerator can hold an alarm; the control's are, since its error count
may not exist at all.
"""

from __future__ import annotations

from canary.policy.compiled import CompiledPolicy, Trigger

__all__ = ["backstop", "breach", "lower_bound", "observed_threshold", "shared"]

_ALWAYS = "FILL({}, 0)"
_LUCK = 2.33
"""Standard errors (99%) that the matched control's events may be below their mean."""


def lower_bound(events: str, trials: str, z: float) -> str:
    """Wilson's lower bound of `events / trials`; 0 without trials. `x ^ 0.5` is the square root."""
    hits = _hits(events, trials)
    square = _number(z * z)
    spread = f"({hits} * ({trials} - {hits}) / IF({trials} > 0, {trials}, 1) + {square} / 4) ^ 0.5"
    return f"({hits} + {square} / 2 - {_number(z)} * {spread}) / ({trials} + {square})"


def breach(trigger: Trigger) -> str:
    """The canary's bound when it has enough events and is worse than the control, else 0."""
    counts = [_ALWAYS.format(each) for each in ("ec", "nc", "em", "nm")]
    control, trials = counts[:2]
    multiple = _multiple(trigger, _at_most(counts[2]), counts[3])
    worse = f"({multiple} AND {_beyond_chance(trigger, control, trials)})"
    return _bound_if(trigger, f"({trials} <= 0 OR {worse})")


def backstop(trigger: Trigger) -> str:
    """The same from counts that cannot be matched: the control must not be ill itself."""
    control, trials = _ALWAYS.format("ec"), _ALWAYS.format("nc")
    well = f"{lower_bound(control, trials, trigger.z)} <= {_number(trigger.threshold)}"
    worse = (
        f"({_multiple(trigger, control, trials)} AND {_beyond_chance(trigger, control, trials)}"
        f" AND {well})"
    )
    return _bound_if(trigger, f"({trials} <= 0 OR {worse})")


def shared(trigger: Trigger) -> str:
    """The smaller of both arms' bounds when the canary is not the worse one, else 0."""
    enough = f"e >= {trigger.min_events} AND ec >= {trigger.min_events}"
    matched = [_ALWAYS.format(each) for each in ("em", "nm")]
    canary, control = lower_bound("e", "n", trigger.z), lower_bound("ec", "nc", trigger.z)
    # Written out: metric math has no NOT.
    alike = (
        f"(({matched[1]} > 0 AND e * {matched[1]} <= {_times(trigger, _at_most(matched[0]))})"
        f" OR e * nc - ec * n <= {_spread(trigger, 'ec', 'nc')})"
    )
    return f"IF({enough} AND {alike}, IF({canary} < {control}, {canary}, {control}), 0)"


def observed_threshold(policy: CompiledPolicy, trigger: Trigger) -> float:
    """The trigger's level as its counter shows it: a detector misses some and invents some."""
    if policy.metric(trigger.metric).source != "detector":
        return trigger.threshold
    detector, level = policy.detector, trigger.threshold
    return round(level * detector.sensitivity + (1 - level) * (1 - detector.specificity), 6)


def _bound_if(trigger: Trigger, worse: str) -> str:
    enough = f"e >= {trigger.min_events}"
    return f"IF({enough} AND {worse}, {lower_bound('e', 'n', trigger.z)}, 0)"


def _multiple(trigger: Trigger, events: str, trials: str) -> str:
    """The canary's rate is more than a multiple of the control's, or there is none to compare."""
    return f"({trials} <= 0 OR e * {trials} > {_times(trigger, events)})"


def _at_most(events: str) -> str:
    """What a count may stand for: itself and its own uncertainty (weights below one have less)."""
    return f"({events} + {_number(_LUCK)} * {events} ^ 0.5)"


def _times(trigger: Trigger, events: str) -> str:
    return f"{_number(trigger.ratio_to_control)} * {events} * n"


def _beyond_chance(trigger: Trigger, events: str, trials: str) -> str:
    """The rates differ by more than so many standard errors under equal rates; times n * nc."""
    return f"e * {trials} - {events} * n > {_spread(trigger, events, trials)}"


def _spread(trigger: Trigger, events: str, trials: str) -> str:
    failed = f"({_hits('e', 'n')} + {_hits(events, trials)})"
    both = f"(n + {trials})"
    variance = f"{failed} * ({both} - {failed}) * n * {trials} / IF({both} > 0, {both}, 1)"
    return f"{_number(trigger.z_to_control)} * ({variance}) ^ 0.5"


def _hits(events: str, trials: str) -> str:
    return f"IF({events} < {trials}, {events}, {trials})"


def _number(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")
