"""One release over several regions: a wave starts when every region before it was promoted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from canary.simulation.setting import Ending
from canary.simulation.summary import OUTCOMES, share, summary
from canary.simulation.world import World

__all__ = ["together"]

_DAY = 86_400.0


def together(world: World, waves: Sequence[Mapping[str, Sequence[Ending]]]) -> dict[str, Any]:
    """The outcome of release i is `promote` if it is promoted everywhere, else its first other one.

    `waves` holds, wave after wave, each region's endings by number. Regions of one wave run side
    by side, so a wave lasts as long as its slowest region.
    """
    (first, *_) = waves[0].values()
    count = len(first)
    outcomes: Counter[str] = Counter()
    days: list[float] = []
    reached: Counter[str] = Counter()
    for number in range(count):
        spent, outcome = 0.0, "promote"
        for wave in waves:
            endings = [found[number] for found in wave.values()]
            reached.update(wave.keys())
            spent += max(ending.at for ending in endings) / _DAY
            others = [ending.outcome for ending in endings if ending.outcome != "promote"]
            if others:
                outcome = others[0]
                break
        outcomes[outcome] += 1
        days.append(spent)
    return {
        **{name: share(outcomes[name], count) for name in OUTCOMES},
        "days_to_decision": {"median": round(float(np.median(days)), 4)},
        "regions": {
            name: {"wave": wave, "reached": share(reached[name], count), **summary(world, found)}
            for wave, regions in enumerate(waves, start=1)
            for name, found in regions.items()
        },
    }
