# ruff: noqa: INP001 - a script, run by its path
"""What a more certain alarm costs: `python benchmarks/alarm_certainty.py [RELEASES]`.

The alarms that roll back look every ten seconds for 14 days. By how many standard errors the canary
must be worse than the control says how often bursts that both arms suffer are taken for the
candidate's fault, and how late a true fault is found. One line for each value of `z_to_control`:
the share of harmless releases stopped, by world, and the minutes from a fault's onset to the
rollback (median and 95%).
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from canary.policy.compile import compile_policy, load_policy
from canary.policy.compiled import CompiledPolicy
from canary.simulation.setting import Setting
from canary.simulation.study import run, workers_for
from canary.simulation.summary import stopped_for_own_sake
from canary.simulation.world import load_world

POLICY = Path(__file__).parents[1] / "policy" / "mangaassist.toml"
HARMLESS = ("null", "bursty", "very_bursty")
HARMFUL = ("fault_errors_early", "fault_errors", "fault_leak")
QUANTILES = (3.09, 4.0, 4.5, 5.0, 6.0)
SEED = 11


def with_quantile(policy: CompiledPolicy, z: float) -> CompiledPolicy:
    """The policy with another distance to the control for every alarm that rolls back."""
    triggers = tuple(
        replace(each, z_to_control=z) if each.on_breach == "rollback" else each
        for each in policy.triggers
    )
    return replace(policy, triggers=triggers)


def main() -> None:
    """One line for each quantile."""
    releases = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    region = load_policy(POLICY).regions[0].name
    policy = compile_policy(load_policy(POLICY), region)
    print(f"{releases} releases a cell, {region}, seed {SEED}")  # noqa: T201
    print("   z " + "".join(f"{name:>20}" for name in (*HARMLESS, *HARMFUL)))  # noqa: T201
    for z in QUANTILES:
        own = with_quantile(policy, z)
        cells = []
        for name in (*HARMLESS, *HARMFUL):
            world = load_world(name, own)
            found = run(Setting(own, world, SEED), releases, workers=workers_for(releases))
            ended = [each for each in found if stopped_for_own_sake(each)]
            if world.onset is None:
                cells.append(f"{len(ended) / releases:.4f}")
                continue
            minutes = [(each.at - world.onset) / 60 for each in ended if each.at >= world.onset]
            middle, late = np.quantile(minutes, (0.5, 0.95))
            cells.append(f"{middle:.1f} ({late:.1f}) min")
        print(f"{z:4.2f} " + "".join(f"{cell:>20}" for cell in cells), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
