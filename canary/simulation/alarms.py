"""The guardrails' alarms over a stretch of counts: which is in ALARM in which five minutes.

What the templates say in metric math, said again for arrays; a test holds that both agree.
Windows of 60 seconds and of 5 minutes slide within the steps, but only where they could ring: the
events of such a step are then spread evenly over its ten-second slots. Windows of half an hour and
more slide by steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from canary.policy.compiled import CompiledPolicy, Trigger
from canary.simulation.rates import TURN_EVENTS
from canary.simulation.streams import STEP, Stream
from canary.simulation.telemetry import CANARY, CONTROL, Counts
from canary.statistics.detector import flagged_rate

__all__ = ["Counted", "Raised", "breaches", "counted", "raised", "shared_breaches"]

_SLOT = 10.0
_SLOTS = int(STEP / _SLOT)
_LONGEST = 6
"""Steps of the longest window: half an hour."""
_LUCK = 2.33
_SHARED_SECONDS = 300
_COLUMNS = {"Errors": 0, "SlowRequests": 1, "Throttles": 2, "Hallucinations": 3}
assert len(_COLUMNS) == len(TURN_EVENTS)
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Raised:
    """By alarm, whether it is in ALARM at the end of each step; and the first critical one."""

    states: Mapping[str, Flags]
    """Of the alarms that pause, those of shared incidents among them."""
    critical_at: float | None = None
    """Seconds since the stretch's start."""
    critical: str = ""


@dataclass(frozen=True)
class Counted:
    """Events and trials of both arms over windows."""

    e: Counts
    n: Counts
    ec: Counts
    nc: Counts


@dataclass
class _Steps:
    """One trigger's counts by step, with the steps before the stretch's start in front."""

    events: Counts
    trials: Counts
    before: int
    seed: tuple[int, ...]
    bins: dict[int, Counts] = field(default_factory=dict)

    def slots(self, step: int) -> Counts:
        """A step's events by ten-second slot: shape (2, slots); the same at each call."""
        if step not in self.bins:
            rng = np.random.default_rng((*self.seed, step))
            even = np.full(_SLOTS, 1 / _SLOTS)
            self.bins[step] = rng.multinomial(self.events[:, step].astype(np.int64), even)
        return self.bins[step]


def raised(
    policy: CompiledPolicy, stream: Stream, before: tuple[Counts, Counts], seed: tuple[int, ...]
) -> Raised:
    """What rings while `stream` lasts; `before` are the last steps' events and trials before it."""
    lead = before[0].shape[2]
    events = np.concatenate([before[0], stream.events], axis=2)
    trials = np.concatenate([before[1], stream.trials], axis=2)
    states: dict[str, Flags] = {}
    first: tuple[float, str] | None = None
    for trigger in policy.triggers:
        if trigger.statistic != "rate" or trigger.numerator not in _COLUMNS:
            continue
        column = _COLUMNS[trigger.numerator]
        steps = _Steps(events[column], trials[column], lead, (*seed, column))
        limit = trigger.threshold
        if policy.metric(trigger.metric).source == "detector":
            limit = flagged_rate(limit, policy.detector.sensitivity, policy.detector.specificity)
        for window in trigger.windows_seconds:
            name = f"canary-{trigger.name}-{window}s"
            until = None if first is None else first[0]
            if window > STEP:
                flags = breaches(trigger, limit, counted(steps.events, steps.trials, window, lead))
                at = None
                if flags.any():
                    at = (int(flags.argmax()) + 1) * STEP
            else:
                critical = trigger.on_breach == "rollback"
                flags, at = _sliding(trigger, limit, steps, window, first_only=critical)
            if trigger.on_breach == "pause":
                states[name] = flags
            elif at is not None and (until is None or at < until):
                first = (at, name)
        windows = sorted(trigger.windows_seconds)
        window = next((each for each in windows if each >= _SHARED_SECONDS), windows[-1])
        states[f"shared-{trigger.name}"] = shared_breaches(
            trigger, limit, counted(steps.events, steps.trials, window, lead)
        )
    return Raised(states) if first is None else Raised(states, *first)


def counted(events: Counts, trials: Counts, window: float, lead: int) -> Counted:
    """Counts over the windows that end with each step after the `lead` first."""
    width = max(1, round(window / STEP))
    sums = []
    for values in (events, trials):
        total = np.concatenate([np.zeros((2, 1)), np.cumsum(values, axis=1)], axis=1)
        ends = np.arange(lead + 1, values.shape[1] + 1)
        sums.append(total[:, ends] - total[:, np.maximum(0, ends - width)])
    (ec, e), (nc, n) = sums
    return Counted(e=e, n=n, ec=ec, nc=nc)


def breaches(trigger: Trigger, limit: float, found: Counted) -> Flags:
    """The canary's lower bound is above the limit, and it is worse than the control."""
    e, n, ec, nc = found.e, found.n, found.ec, found.nc
    matched = ec * np.divide(n, nc, out=np.zeros_like(n), where=nc > 0)
    at_most = matched + _LUCK * np.sqrt(matched)
    worse = (e > trigger.ratio_to_control * at_most) & _beyond_chance(trigger, found)
    bound = _lower_bound(e, n, trigger.z)
    return (e >= trigger.min_events) & ((nc <= 0) | worse) & (bound > limit)


def shared_breaches(trigger: Trigger, limit: float, found: Counted) -> Flags:
    """Both arms' lower bounds are above the limit, and the canary is not the worse one."""
    e, n, ec, nc = found.e, found.n, found.ec, found.nc
    matched = ec * np.divide(n, nc, out=np.zeros_like(n), where=nc > 0)
    at_most = trigger.ratio_to_control * (matched + _LUCK * np.sqrt(matched))
    alike = ((n > 0) & (e <= at_most)) | ~_beyond_chance(trigger, found)
    enough = np.minimum(e, ec) >= trigger.min_events
    both = np.minimum(_lower_bound(e, n, trigger.z), _lower_bound(ec, nc, trigger.z))
    return np.asarray(enough & alike & (both > limit))


def _sliding(
    trigger: Trigger, limit: float, steps: _Steps, window: float, *, first_only: bool
) -> tuple[Flags, float | None]:
    """Windows within the steps; `first_only` stops at the first that rings."""
    lead = steps.before
    e = steps.events[CANARY]
    near = e[lead:] + np.concatenate([[0.0], e])[lead : lead + e.size - lead]
    trials = steps.trials[CANARY, lead:] * (window / STEP)
    could = (near >= trigger.min_events) & (
        _lower_bound(np.minimum(near, trials), trials, trigger.z) > limit
    )
    flags = np.zeros(could.size, dtype=np.bool_)
    first = None
    for index in np.flatnonzero(could):
        step = int(index) + lead
        earlier = steps.slots(step - 1) if step > 0 else np.zeros((2, _SLOTS))
        both = np.concatenate([earlier, steps.slots(step)], axis=1)
        total = np.concatenate([np.zeros((2, 1)), np.cumsum(both, axis=1)], axis=1)
        width = round(window / _SLOT)
        # The rolling minute is looked at every ten seconds, five minutes every minute.
        ends = np.arange(_SLOTS + 1, 2 * _SLOTS + 1, 1 if window <= 60 else 6)  # noqa: PLR2004
        (ec, hits) = total[:, ends] - total[:, np.maximum(0, ends - width)]
        (nc, n) = steps.trials[:, step] * (window / STEP)
        rang = breaches(
            trigger, limit, Counted(hits, np.full(ends.size, n), ec, np.full(ends.size, nc))
        )
        if rang.any():
            flags[index] = True
            if first is None:
                first = (int(index)) * STEP + (ends[rang.argmax()] - _SLOTS) * _SLOT
                if first_only:
                    break
    return flags, first


def _lower_bound(events: Counts, trials: Counts, z: float) -> Counts:
    """Wilson's lower bound; more events than trials are read as all of them."""
    hits, square = np.minimum(events, trials), z * z
    spread = np.sqrt(hits * (trials - hits) / np.where(trials > 0, trials, 1) + square / 4)
    return np.asarray((hits + square / 2 - z * spread) / (trials + square))


def _beyond_chance(trigger: Trigger, found: Counted) -> Flags:
    e, n, ec, nc = found.e, found.n, found.ec, found.nc
    failed = np.minimum(e, n) + np.minimum(ec, nc)
    both = n + nc
    variance = failed * (both - failed) * n * nc / np.where(both > 0, both, 1)
    return np.asarray(e * nc - ec * n > trigger.z * np.sqrt(np.maximum(variance, 0.0)))


assert (CONTROL, CANARY) == (0, 1)
