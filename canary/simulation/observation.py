"""What any tool would see of a release that nobody stops: the nominal ramp, minute by minute.

The draws are those of our own release of the same number, as long as that one keeps to the shortest
ramp of its policy; a tool that stops earlier is judged on the same customers and the same faults.
"""

from __future__ import annotations

import numpy as np

from canary.routing.rates import asked_share
from canary.simulation.draws import Purpose, generator
from canary.simulation.setting import Setting
from canary.simulation.streams import HOUR, PER_HOUR, Stream, draw, stretch_hours
from canary.simulation.telemetry import Counts, Telemetry

__all__ = ["observe"]

_MINUTES_A_STEP = 5
_TURNS = ("errors", "slow", "throttled", "hallucinated")


def observe(setting: Setting, number: int) -> Telemetry:
    """Release `number` on the policy's shortest ramp until the test's end."""
    policy, world = setting.effective, setting.world
    seed = (setting.seed, number)
    hour = int(generator(seed, Purpose.START).choice(sorted(setting.weeks)))
    rates = setting.rates[hour]
    end = policy.statistics.test_seconds
    streams: list[Stream] = []
    start, last = 0.0, len(policy.stages) - 2
    for place, stage in enumerate(range(1, last + 1)):
        until = end if stage == last else min(end, start + policy.stages[stage].min_seconds)
        if until <= start:
            break
        hours = stretch_hours(policy, stage, start)
        drawn = draw(generator(seed, Purpose.STREAM, place), rates, stage, start, hours)
        streams.append(drawn.until(until))
        start = until
    rng = generator(seed, Purpose.MINUTES)
    minutes = {"requests": _split(streams, 0), "checked": _split(streams, 3)}
    for column, name in enumerate(_TURNS):
        counts = np.concatenate([each.events[column] for each in streams], axis=1)
        even = np.full(_MINUTES_A_STEP, 1 / _MINUTES_A_STEP)
        spread = rng.multinomial(counts.astype(np.int64), even)
        minutes[name] = spread.reshape(2, -1).astype(np.float64)
    share = np.concatenate(
        [np.full(each.hours * 60, asked_share(policy, each.stage)) for each in streams]
    )
    onset = world.onset
    return Telemetry(
        minutes=minutes,
        hours=_hours(setting, streams),
        share=share,
        fault_minute=None if onset is None else onset / 60,
    )


def _split(streams: list[Stream], column: int) -> Counts:
    """Turns by minute: a step's, evenly."""
    steps = np.concatenate([each.trials[column] for each in streams], axis=1)
    return np.repeat(steps / _MINUTES_A_STEP, _MINUTES_A_STEP, axis=1)


def _hours(setting: Setting, streams: list[Stream]) -> dict[str, Counts]:
    """Outcomes in the hour in which they have matured, and not those that have not by the end."""
    completed = _summed(streams, ("completed", "outcomes"))
    surveys = _summed(streams, ("csat", "surveys"))
    wait = {
        metric.numerator: int(metric.outcome_window_seconds // HOUR)
        for metric in setting.policy.metrics
    }
    late = wait.get("completed", 0)
    later = wait.get("csat", 0)
    return {
        "outcomes": _delayed(completed[0], late),
        "completed": _delayed(completed[1], late),
        "surveys": _delayed(surveys[0], later),
        "csat": _delayed(surveys[1], later),
        "csat_squared": _delayed(surveys[2], later),
    }


def _summed(streams: list[Stream], name: tuple[str, str]) -> Counts:
    parts = [each.sums[name].outcomes(each.hours).sum(axis=3) for each in streams]
    return np.concatenate(parts, axis=2)


def _delayed(hourly: Counts, hours: int) -> Counts:
    size = hourly.shape[1]
    return np.concatenate([np.zeros((2, min(hours, size))), hourly[:, : size - hours]], axis=1)


assert PER_HOUR * _MINUTES_A_STEP == 60  # noqa: PLR2004
