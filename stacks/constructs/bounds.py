"""The guardrails' statistics as CloudWatch metric math.

Ids: `e` and `n` are the canary's events and trials in a window, `ec` and `nc` the control's. A raw
ratio on little traffic is noise; what is compared with a threshold is Wilson's lower bound of the
canary's rate, and it counts only with enough events and against the control of the same window: the
rate must be a multiple of the control's, and the difference significant (pooled score test). The
multiple alone is noise too: when an incident that both arms suffer begins, five of the canary's few
requests fail while the control's share is still small (`benchmarks/shared_incident.py`).

`n = 0` divides by nothing, and `e > n` (two metrics, two clocks) is read as `e = n`: either would
otherwise drop the point, and a dropped point looks healthy. The canary's own counts are never
filled in, since a filled numerator can hold an alarm; the control's are, since its error count
may not exist at all.
"""

from __future__ import annotations

from canary.policy.compiled import CompiledPolicy, Trigger

__all__ = ["breach", "lower_bound", "observed_threshold", "shared"]

_ALWAYS = "FILL({}, 0)"


def lower_bound(events: str, trials: str, z: float) -> str:
    """Wilson's lower bound of `events / trials`; 0 without trials. `x ^ 0.5` is the square root."""
    hits = _hits(events, trials)
    square = _number(z * z)
    spread = f"({hits} * ({trials} - {hits}) / IF({trials} > 0, {trials}, 1) + {square} / 4) ^ 0.5"
    return f"({hits} + {square} / 2 - {_number(z)} * {spread}) / ({trials} + {square})"


def breach(trigger: Trigger) -> str:
    """The canary's bound when it has enough events and is worse than the control, else 0."""
    enough = f"e >= {trigger.min_events}"
    control, trials = _ALWAYS.format("ec"), _ALWAYS.format("nc")
    multiple, spread = _worse(trigger, control, trials)
    worse = f"(e * {trials} > {multiple} AND e * {trials} - {control} * n > {spread})"
    bound = lower_bound("e", "n", trigger.z)
    return f"IF({enough} AND ({trials} <= 0 OR {worse}), {bound}, 0)"


def shared(trigger: Trigger) -> str:
    """The smaller of both arms' bounds when the canary is not the worse one, else 0."""
    enough = f"e >= {trigger.min_events} AND ec >= {trigger.min_events}"
    multiple, spread = _worse(trigger, "ec", "nc")
    alike = f"(e * nc <= {multiple} OR e * nc - ec * n <= {spread})"
    canary, control = lower_bound("e", "n", trigger.z), lower_bound("ec", "nc", trigger.z)
    return f"IF({enough} AND {alike}, IF({canary} < {control}, {canary}, {control}), 0)"


def observed_threshold(policy: CompiledPolicy, trigger: Trigger) -> float:
    """The trigger's level as its counter shows it: a detector misses some and invents some."""
    if policy.metric(trigger.metric).source != "detector":
        return trigger.threshold
    detector, level = policy.detector, trigger.threshold
    return round(level * detector.sensitivity + (1 - level) * (1 - detector.specificity), 6)


def _worse(trigger: Trigger, control: str, trials: str) -> tuple[str, str]:
    """What e * nc must exceed, and what e * nc - ec * n must: both sides are times n * nc.

    The second is z standard errors of the difference under equal rates.
    """
    failed = f"({_hits('e', 'n')} + {_hits(control, trials)})"
    both = f"(n + {trials})"
    variance = f"{failed} * ({both} - {failed}) * n * {trials} / IF({both} > 0, {both}, 1)"
    ratio = _number(trigger.ratio_to_control)
    return f"{ratio} * {control} * n", f"{_number(trigger.z)} * ({variance}) ^ 0.5"


def _hits(events: str, trials: str) -> str:
    return f"IF({events} < {trials}, {events}, {trials})"


def _number(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")
