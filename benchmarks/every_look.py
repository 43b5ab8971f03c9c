# ruff: noqa: INP001 - a script, run by its path
"""Do releases that leave out looks end as those that take each: benchmarks/every_look.py [EACH].

The simulator asks the decision code only when a look may say something. Here it is also asked every
half hour, as the handlers ask it, for the same releases; they must end alike, at the same second,
with the same gates judged. Exit status 1 when one does not.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

from canary.policy.compile import compile_policy, load_policy
from canary.simulation.release import simulate
from canary.simulation.setting import Setting
from canary.simulation.world import load_world

POLICY = Path(__file__).parents[1] / "policy" / "mangaassist.toml"
WORLDS = (
    "null",
    "same",
    "better",
    "worse",
    "weekend",
    "novelty",
    "simpson",
    "small_region",
    "shared_incident",
    "bursty",
    "angry_silent",
    "at_margin_csat",
    "at_margin_error",
    "fault_errors",
    "fault_leak",
    "fault_hallucination",
    "fault_csat",
    "fault_completion",
    "trough_start",
    "at_margin_completion",
)
SEED = 17


def differs(job: tuple[str, int]) -> str:
    """What is unlike in one release of a world; empty when nothing is."""
    world, number = job
    loaded = load_policy(POLICY)
    policy = compile_policy(loaded, loaded.regions[0].name)
    setting = Setting(policy, load_world(world, policy), SEED)
    few = replace(simulate(setting, number), looks=0, detail="")
    every = replace(simulate(setting, number, every_poll=True), looks=0, detail="")
    return "" if few == every else f"{world} {number}: {few} is not {every}"


def main() -> int:
    """As many releases of each world as asked for, ten unless said otherwise."""
    each = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    jobs = [(world, number) for number in range(each) for world in WORLDS]
    started = time.perf_counter()
    with ProcessPoolExecutor() as pool:
        found = [said for said in pool.map(differs, jobs) if said]
    for said in found:
        print(said)  # noqa: T201
    seconds = time.perf_counter() - started
    print(f"{len(jobs)} releases, {len(found)} differ, {seconds:.0f} s")  # noqa: T201
    return int(bool(found))


if __name__ == "__main__":
    raise SystemExit(main())
