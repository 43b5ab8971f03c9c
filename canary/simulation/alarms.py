"""The guardrails' alarms over a stretch of counts: which is in ALARM in which five minutes.

What the templates say in metric math, said again for arrays; a test holds that both agree.
Windows of 60 seconds and of 5 minutes slide within the steps, but only where they could ring: the
events of such a step are then spread evenly over its ten-second slots. Windows of half an hour and
more slide by steps.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from canary.policy.compiled import CompiledPolicy, Trigger
from canary.simulation.draws import Purpose, generator
from canary.simulation.rates import TURN_EVENTS
from canary.simulation.streams import STEP, Stream
from canary.simulation.telemetry import CANARY, CONTROL, Counts
from canary.statistics.detector import flagged_rate

__all__ = ["Counted", "Raised", "breaches", "counted", "raised", "shared_breaches"]

_SLOT = 10.0
_SLOTS = int(STEP / _SLOT)
_EVEN = np.full(_SLOTS, 1 / _SLOTS)
_NONE = np.zeros((2, _SLOTS))
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

    def at(self, places: NDArray[np.intp]) -> Counted:
        """Some of the windows."""
        return Counted(self.e[places], self.n[places], self.ec[places], self.nc[places])


@dataclass
class _Steps:
    """One trigger's counts by step, with the steps before the stretch's start in front."""

    events: Counts
    trials: Counts
    before: int
    chance: Callable[[], np.random.Generator]
    bins: dict[int, Counts] = field(default_factory=dict)

    @functools.cached_property
    def rng(self) -> np.random.Generator:
        """Where a step's events fall; in most stretches nobody asks."""
        return self.chance()

    def slots(self, places: Counts) -> Counts:
        """Events by ten-second slot of each step and the one before it: (2, places, 2 slots).

        A step's events fall into its slots once: every window sees them in the same place.
        """
        wanted = np.unique(np.concatenate([places, places - 1])).tolist()
        new = [place for place in wanted if place >= 0 and place not in self.bins]
        if new:
            drawn = self.rng.multinomial(self.events[:, new].astype(np.int64), _EVEN)
            self.bins |= {place: drawn[:, index] for index, place in enumerate(new)}
        pairs = [
            np.concatenate([self.bins.get(place - 1, _NONE), self.bins[place]], axis=1)
            for place in places.tolist()
        ]
        return np.stack(pairs, axis=1)


def raised(
    policy: CompiledPolicy,
    stream: Stream,
    before: tuple[Counts, Counts],
    seed: tuple[int, int],
    place: int,
) -> Raised:
    """What rings while `stream` lasts; `before` are the last steps' events and trials before it.

    `seed` and `place` (the stretch's number) say where the events fall within a step.
    """
    lead = before[0].shape[2]
    events = np.concatenate([before[0], stream.events], axis=2)
    trials = np.concatenate([before[1], stream.trials], axis=2)
    states: dict[str, Flags] = {}
    first: tuple[float, str] | None = None
    for trigger in policy.triggers:
        if trigger.statistic != "rate" or trigger.numerator not in _COLUMNS:
            continue
        column = _COLUMNS[trigger.numerator]
        chance = functools.partial(generator, seed, Purpose.SLOTS, place, column)
        steps = _Steps(events[column], trials[column], lead, chance)
        limit = trigger.threshold
        if policy.metric(trigger.metric).source == "detector":
            limit = flagged_rate(limit, policy.detector.sensitivity, policy.detector.specificity)
        for window in trigger.windows_seconds:
            name = f"canary-{trigger.name}-{window}s"
            if window > STEP:
                flags = breaches(trigger, limit, counted(steps.events, steps.trials, window, lead))
                at = None
                if flags.any():
                    at = (int(flags.argmax()) + 1) * STEP
            else:
                flags, at = _sliding(trigger, limit, steps, window)
            if trigger.on_breach == "pause":
                states[name] = flags
            elif at is not None and (first is None or at < first[0]):
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
    if width == 1:
        (ec, e), (nc, n) = events[:, lead:], trials[:, lead:]
        return Counted(e=e, n=n, ec=ec, nc=nc)
    # Nothing happened before the first step: windows that reach back farther start there.
    sums = []
    for values in (events, trials):
        padded = np.concatenate([np.zeros((2, width)), values], axis=1)
        total = np.cumsum(padded, axis=1)[:, lead:]
        sums.append(total[:, width:] - total[:, :-width])
    (ec, e), (nc, n) = sums
    return Counted(e=e, n=n, ec=ec, nc=nc)


def breaches(trigger: Trigger, limit: float, found: Counted) -> Flags:
    """The canary's lower bound is above the limit, and it is worse than the control."""
    # A bound above the limit needs a rate above it; almost no window has one.
    flags = (found.e >= trigger.min_events) & (found.e > limit * found.n)
    some = np.flatnonzero(flags)
    if some.size:
        flags[some] = _breaches(trigger, limit, found.at(some))
    return flags


def _breaches(trigger: Trigger, limit: float, found: Counted) -> Flags:
    e, n, ec, nc = found.e, found.n, found.ec, found.nc
    matched = ec * np.divide(n, nc, out=np.zeros_like(n), where=nc > 0)
    at_most = matched + _LUCK * np.sqrt(matched)
    worse = (e > trigger.ratio_to_control * at_most) & _beyond_chance(trigger, found)
    bound = _lower_bound(e, n, trigger.z)
    return np.asarray(((nc <= 0) | worse) & (bound > limit))


def shared_breaches(trigger: Trigger, limit: float, found: Counted) -> Flags:
    """Both arms' lower bounds are above the limit, and the canary is not the worse one."""
    flags = np.minimum(found.e, found.ec) >= trigger.min_events
    flags &= (found.e > limit * found.n) & (found.ec > limit * found.nc)
    some = np.flatnonzero(flags)
    if some.size:
        flags[some] = _shared_breaches(trigger, limit, found.at(some))
    return flags


def _shared_breaches(trigger: Trigger, limit: float, found: Counted) -> Flags:
    e, n, ec, nc = found.e, found.n, found.ec, found.nc
    matched = ec * np.divide(n, nc, out=np.zeros_like(n), where=nc > 0)
    at_most = trigger.ratio_to_control * (matched + _LUCK * np.sqrt(matched))
    alike = ((n > 0) & (e <= at_most)) | ~_beyond_chance(trigger, found)
    both = np.minimum(_lower_bound(e, n, trigger.z), _lower_bound(ec, nc, trigger.z))
    return np.asarray(alike & (both > limit))


def _sliding(
    trigger: Trigger, limit: float, steps: _Steps, window: float
) -> tuple[Flags, float | None]:
    """Windows within the steps, and when the first of them rings (seconds)."""
    lead, size = steps.before, steps.events.shape[1] - steps.before
    e = steps.events[CANARY]
    near = e[lead:] + np.concatenate([[0.0], e])[lead : lead + size]
    trials = steps.trials[CANARY, lead:] * (window / STEP)
    flags = (near >= trigger.min_events) & (near > limit * trials)
    some = np.flatnonzero(flags)
    hits = np.minimum(near[some], trials[some])
    some = some[_lower_bound(hits, trials[some], trigger.z) > limit]
    flags[:] = False
    if not some.size:
        return flags, None
    total = np.cumsum(steps.slots(some + lead), axis=2)
    # The rolling minute is looked at every ten seconds, five minutes every minute.
    ends = np.arange(_SLOTS, 2 * _SLOTS, 1 if window <= 60 else 6)  # noqa: PLR2004
    begins = ends - round(window / _SLOT)
    (ec, hits) = total[:, :, ends] - np.where(begins < 0, 0.0, total[:, :, begins])
    (nc, n) = steps.trials[:, some + lead] * (window / STEP)
    shape = hits.shape
    every = Counted(
        e=hits.ravel(),
        n=np.repeat(n, shape[1]),
        ec=ec.ravel(),
        nc=np.repeat(nc, shape[1]),
    )
    rang = breaches(trigger, limit, every).reshape(shape)
    flags[some] = rang.any(axis=1)
    if not flags.any():
        return flags, None
    first = int(rang.any(axis=1).argmax())
    end = ends[rang[first].argmax()] + 1 - _SLOTS
    return flags, float(some[first] * STEP + end * _SLOT)


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
    return np.asarray(e * nc - ec * n > trigger.z_to_control * np.sqrt(np.maximum(variance, 0.0)))


assert (CONTROL, CANARY) == (0, 1)
