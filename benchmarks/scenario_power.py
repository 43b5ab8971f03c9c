# ruff: noqa: INP001 - a script, run by its path
"""What a scenario's seed comes to: harm sequence, completion alarm, and how lucky its draws are.

Replays a scenario's customers, draws and outcomes through the domain's own statistics, without
services or time: `python benchmarks/scenario_power.py worse 100-139` prints a line for each seed:
when the harm sequence rejects, when the completion alarm would fire, and the largest deviation of a
stage's observed share from the asked one, in standard errors. Each stage is taken to last its
minimum, and all outcomes to be in.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from canary.decision.facts import Cell, Facts, Moments
from canary.decision.harm import harm_bound, harm_lines
from canary.local.behaviour import World, draw_outcome
from canary.local.scenario import SCENARIOS, Scenario, named_scenario
from canary.local.visits import Visits
from canary.policy.compile import compile_policy, load_policy
from canary.policy.compiled import CompiledPolicy
from canary.routing.assignment import draw
from canary.routing.rates import rates_by_intent

POLICY = Path(__file__).parents[1] / "policy" / "mangaassist.toml"
TEST_ID = "ab-test-001"
CANDIDATE = "candidate"
FIRST_LOOK, BETWEEN_LOOKS = 5.0, 2.5
"""Virtual minutes."""


@dataclass(frozen=True)
class Unit:
    """How one customer was drawn."""

    stratum: str
    p_canary: float
    stage: int
    arm: str


def replay(scenario: Scenario, policy: CompiledPolicy) -> list[tuple[str, Unit, bool]]:
    """Every conversation of the ramp, in order: customer, draw, whether it was completed."""
    visits = Visits(scenario.load, scenario.seed, policy.intents)
    world = World(scenario, policy.baseline, candidate=CANDIDATE)
    drawn: dict[str, Unit] = {}
    told: list[tuple[str, Unit, bool]] = []
    for stage in policy.stages[1:-1]:
        world.update({"stage_percent": round(100 * stage.rate), "minute": 0.0})
        rates = rates_by_intent(policy, stage.index)
        # A minute of the region lasts a second.
        length = int(stage.min_seconds / 60 * scenario.load.conversations_per_second)
        for number in range(len(told), len(told) + length):
            visit = visits.visit(number)
            name = visit.who.get("customer_id", visit.who["session_id"])
            intent = visit.intents[0]
            rate = rates[intent]
            new = Unit(intent, rate, stage.index, draw(name, TEST_ID, rate))
            unit = drawn.setdefault(name, new)
            how = world.behaviour(CANDIDATE if unit.arm == "canary" else "current", intent)
            done = draw_outcome(how, scenario.seed, visit.conversation_id).completed
            told.append((name, unit, done))
    return told


def cells(told: Sequence[tuple[str, Unit, bool]]) -> tuple[Cell, ...]:
    """The moments of completion by cell."""
    customers: dict[tuple[str, Unit], list[int]] = defaultdict(lambda: [0, 0])
    for name, unit, done in told:
        customers[name, unit][0] += 1
        customers[name, unit][1] += done
    sums: dict[Unit, list[int]] = defaultdict(lambda: [0] * 6)
    for (_, unit), (n, y) in customers.items():
        for index, value in enumerate((1, n, y, n * n, n * y, y * y)):
            sums[unit][index] += value
    return tuple(
        Cell(unit.stratum, unit.p_canary, unit.stage, unit.arm, {"completion": Moments(*each)})
        for unit, each in sums.items()
    )


def first_events(
    told: Sequence[tuple[str, Unit, bool]], scenario: Scenario, policy: CompiledPolicy
) -> tuple[float | None, float | None]:
    """When the sequence rejects, and when the completion alarm would fire, in virtual minutes."""
    rate = scenario.load.conversations_per_second
    trigger = next(each for each in policy.triggers if each.name == "completion")
    window = trigger.windows_seconds[0] / 60
    alarm: float | None = None
    minute = FIRST_LOOK
    while minute * rate <= len(told):
        recent = cells(told[int(max(0.0, minute - window) * rate) : int(minute * rate)])
        bound = harm_bound(policy, trigger, recent)
        if alarm is None and bound is not None and bound > trigger.threshold:
            alarm = minute
        facts = Facts(as_of=0.0, cells=cells(told[: int(minute * rate)]))
        if any(line.harmed and line.rejects for line in harm_lines(policy, facts)):
            return minute, alarm
        minute += BETWEEN_LOOKS
    return None, alarm


def luck(told: Sequence[tuple[str, Unit, bool]]) -> float:
    """The largest |z| of a stage's share of canary draws, against the rates asked for."""
    first = {name: unit for name, unit, _ in reversed(told)}
    worst = 0.0
    for stage in {unit.stage for unit in first.values()}:
        drawn = [unit for unit in first.values() if unit.stage == stage]
        asked = sum(unit.p_canary for unit in drawn)
        observed = sum(unit.arm == "canary" for unit in drawn)
        worst = max(worst, abs(observed - asked) / (asked * (1 - asked / len(drawn))) ** 0.5)
    return worst


def main() -> None:
    """Print the first events of each seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario")
    parser.add_argument("seeds", help="as 17 or 100-139")
    options = parser.parse_args()
    first, _, last = options.seeds.partition("-")
    scenario = named_scenario(options.scenario, SCENARIOS)
    policy = compile_policy(load_policy(POLICY), "us-east-1", pace=scenario.pace)
    found = []
    for seed in range(int(first), int(last or first) + 1):
        told = replay(scenario.model_copy(update={"seed": seed}), policy)
        rejected, alarm = first_events(told, scenario, policy)
        found.append((rejected, alarm))
        print(  # noqa: T201
            f"seed {seed}: rejected at {rejected}, completion alarm at {alarm}, "
            f"shares within {luck(told):.1f} standard errors"
        )
    times = sorted(rejected for rejected, _ in found if rejected is not None)
    alarms = sum(alarm is not None for _, alarm in found)
    middle = times[len(times) // 2] if times else None
    print(f"{len(times)} of {len(found)} rejected, median minute {middle}; {alarms} alarms")  # noqa: T201


if __name__ == "__main__":
    main()
