"""Many releases of one policy in one world, on every core, always the same for the same seed."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed

from canary.simulation.release import simulate
from canary.simulation.setting import Ending, Setting

__all__ = ["run", "workers_for"]

_LOT = 20
"""Releases that a worker does before it tells of them."""
_SETTING: list[Setting] = []


def workers_for(releases: int, wanted: int | None = None) -> int:
    """How many processes: as asked, else one a core; never more than there are lots."""
    lots = -(-releases // _LOT)
    return max(1, min(wanted or os.cpu_count() or 1, lots))


def run(
    setting: Setting,
    releases: int,
    *,
    workers: int,
    progress: Callable[[int], None] = lambda _: None,
) -> tuple[Ending, ...]:
    """Simulate releases 0 to `releases` - 1; `progress` hears of each lot that is done.

    The result depends on the setting's seed and not on the number of workers.
    """
    lots = list(_lots(releases))
    if workers <= 1:
        found = []
        for lot in lots:
            found += [simulate(setting, number) for number in lot]
            progress(len(lot))
        return tuple(found)
    endings: list[Ending] = []
    context = multiprocessing.get_context("fork" if hasattr(os, "fork") else "spawn")
    with ProcessPoolExecutor(
        workers, mp_context=context, initializer=_prepare, initargs=(setting,)
    ) as pool:
        jobs = [pool.submit(_simulate, lot) for lot in lots]
        try:
            for job in as_completed(jobs):
                done = job.result()
                endings += done
                progress(len(done))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return tuple(sorted(endings, key=lambda ending: ending.number))


def _lots(releases: int) -> Iterator[range]:
    for start in range(0, releases, _LOT):
        yield range(start, min(start + _LOT, releases))


def _prepare(setting: Setting) -> None:
    _SETTING[:] = [setting]


def _simulate(lot: range) -> list[Ending]:
    return [simulate(_SETTING[0], number) for number in lot]
