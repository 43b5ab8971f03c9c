"""Every call of every scene broken in every way: `make fault-matrix`.

The last line is `{"cases": N, "unsafe": 0, "lost": 0}`; every case that is one of them is named.
"""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from canary.release.model import Cause, Phase
from canary.release.traffic import allowed_forms
from canary.routing.weights import ALL_ON_PRIMARY, safe_form
from tests.lambdas.faults import ends, scenes
from tests.lambdas.faults.aws import World
from tests.lambdas.faults.harness import Fault, Harness, Kind, region
from tests.lambdas.faults.scenes import SCENES, Scene


@dataclass(frozen=True)
class Case:
    """One call of one scene, broken in one way."""

    scene: Scene
    fault: Fault
    call: str

    def __str__(self) -> str:
        function, name = self.scene.function, self.scene.name
        return f"{function} ({name}), call {self.fault.k} {self.call}: {self.fault.kind}"


@dataclass(frozen=True)
class Finding:
    """What is wrong in a case."""

    case: Case
    unsafe: str = ""
    lost: str = ""


def calls_of(scene: Scene) -> tuple[str, ...]:
    """The calls of an undisturbed run. Raises `AssertionError` when that is not as it should."""
    with region(scene.world()) as harness:
        assert harness.run(scene.function, scene.event, tries=1), f"{scene.name} does not run"
        calls = tuple(harness.calls)
        assert scene.reached(harness.world), f"{scene.name} does not reach its end"
    return calls


def cases(chosen: Iterable[Scene] = SCENES) -> Iterator[Case]:
    """Every call of the scenes with every fault; a function can also die after its last call."""
    for scene in chosen:
        calls = calls_of(scene)
        for k, call in enumerate(calls):
            for kind in Kind:
                if not (kind is Kind.OVERTAKEN and scene.function == "admit"):
                    yield Case(scene, Fault(k, kind), call)


def judge(case: Case, world: World) -> Finding:
    """Run a case to its rest, and say what is wrong there."""
    scene = case.scene
    with region(world) as harness:
        done = harness.broken(case.fault, scene.function, scene.event)
        if not done and scene.machine and scene.function != "admit":
            done = caught(harness, scene)
        harness.deliver()
        harness.tick()
        unsafe = unsafe_now(harness, case)
        lost = "" if settled(harness, case) else f"{ends.record(harness.world)}"
        # What failed for good, and waits for a person or in the queue of dead letters, may go on
        # when it is called again: that is progress.
        rests = final(harness.world, scene) and not harness.dead_letters
        once = picture(harness.world) if rests else None
        harness.run(scene.function, scene.event)
        harness.deliver()
        harness.tick()
        unsafe = unsafe or unsafe_now(harness, case)
        if not lost and not unsafe and once and picture(harness.world) != once:
            lost = f"a second time it changed {differences(once, picture(harness.world))}"
    return Finding(case, unsafe, lost)


def caught(harness: Harness, scene: Scene) -> bool:
    """What the machine does about a task that failed for good: hold, else roll back."""
    harness.dead_letters.clear()  # a state's call is no asynchronous one: its Catch has it
    if scene.function not in ("pause", "rollback"):
        if harness.run("pause", scenes.FAULT):
            return True
        harness.dead_letters.clear()
    again = {"source": "execution", "release_id": "r-1", "cause": "machinery"}
    return harness.run("rollback", again)


def unsafe_now(harness: Harness, case: Case) -> str:
    """Why traffic is not where it belongs at rest; empty when it is."""
    world, state = harness.world, ends.record(harness.world)
    live = ends.form(world)
    if harness.stranded:
        return "all traffic was on an arm without healthy targets"
    active = state is not None and not state.terminal
    if state is not None and ends.locked(world) is not active:
        return f"the lock and {state.phase} are apart"
    rolling_back = case.scene.function == "rollback" or case.fault.kind is Kind.OVERTAKEN
    if rolling_back and state is not None and harness.accepted_writes:
        wanted = safe_form(state.safe_arm)
        return "" if live == wanted else f"rules have {live}, the safe arm is {state.safe_arm}"
    allowed = allowed_forms(state) if active and state is not None else (ALL_ON_PRIMARY,)
    return "" if live in allowed else f"rules have {live}, the record allows {allowed}"


def settled(harness: Harness, case: Case) -> bool:
    """Whether each step is done, or waits for a person where an alarm says so."""
    world, scene = harness.world, case.scene
    if harness.dead_letters:
        return True
    state = ends.record(world)
    if state is not None and state.phase in (Phase.ROLLED_BACK, Phase.REJECTED):
        return ends.ended(world)
    if case.fault.kind in (Kind.DENIED, Kind.DOWN) and scene.machine:
        fault = ends.held(Cause.MACHINERY)
        return scene.reached(world) or fault(world) or ends.paged(world)
    return scene.reached(world)


def final(world: World, scene: Scene) -> bool:
    """Whether nothing is left to do here: the scene's own end, or a release that is over."""
    state = ends.record(world)
    return scene.reached(world) or (state is not None and state.terminal)


def picture(world: World) -> dict[str, Any]:
    """All that a second call must leave as it is; versions may grow, and a moment is the later."""
    kept: dict[str, Any] = {"weights": dict(world.weights), "executions": dict(world.executions)}
    kept |= {f"table {name}": copy.deepcopy(items) for name, items in world.tables.items()}
    for items in (kept[name] for name in kept if name.startswith("table ")):
        items.get(("LOCK#release", "LAST_STRIKE"), {}).pop("version", None)
        items.get(("TOKEN#r-1", "TOKEN"), {}).pop("asked_at", None)
    for name, value in world.parameters.items():
        published = name.endswith("assignment")
        kept[name] = json.loads(value) | {"version": 0} if published else value
    return kept


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    return sorted(key for key in one | other if one.get(key) != other.get(key))


def run(chosen: Iterable[Case]) -> Iterator[Finding]:
    """Judge the cases one after the other; a scene's world is built once."""
    worlds: dict[str, World] = {}
    for case in chosen:
        key = f"{case.scene.function} {case.scene.name}"
        if key not in worlds:
            worlds[key] = case.scene.world()
        yield judge(case, worlds[key].copy())


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(names: list[str]) -> int:
    """Run all, or the scenes of the functions named; 1 when something is unsafe or lost."""
    unsafe = lost = count = 0
    for scene in SCENES:
        if names and scene.function not in names:
            continue
        findings = list(run(cases([scene])))
        count += len(findings)
        for each in findings:
            if each.unsafe or each.lost:
                say(f"{'UNSAFE' if each.unsafe else 'LOST'} {each.case}")
                say(f"    {each.unsafe or each.lost}"[:400])
        unsafe += sum(bool(each.unsafe) for each in findings)
        lost += sum(bool(each.lost) for each in findings)
        say(f"{scene.function} ({scene.name}): {len(findings)} cases")
    say(json.dumps({"cases": count, "unsafe": unsafe, "lost": lost}))
    return int(bool(unsafe or lost))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
