"""What a proved benefit must stand up to: weekdays, promotions, newness, the calendar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from canary.decision.engine import evaluate
from canary.decision.facts import Cell, Facts
from canary.decision.outcome import Decision, look_taken
from canary.decision.temporal import interactions, novelty
from canary.policy.compiled import Closure, CompiledPolicy, Gate
from canary.release.events import Resumed
from canary.release.machine import decide
from canary.release.model import Cause, DecisionKind, ReleaseState
from tests.canary.decision.looks import DAY, HOUR, at_stage, cells, facts, policy

END = 14 * DAY
OWN = policy(gates=(Gate("error", 3, "must_pass", "points", 0.0025),))


def part(completion: float, n: float = 20_000) -> tuple[Cell, ...]:
    """A part of the last test stage in which the canary completes that share, control .78."""
    return cells(n, stage=3, canary={"completion": completion})


def ending(of: CompiledPolicy = OWN, **groups: Mapping[str, tuple[Cell, ...]]) -> Facts:
    """Facts at the planned end of a test that is won."""
    return replace(facts(END, cells(200_000, stage=3, canary={"completion": 0.81})), groups=groups)


def look(found: Facts, state: ReleaseState | None = None, of: CompiledPolicy = OWN) -> Decision:
    return evaluate(of, state or at_stage(3, of=of), found)


def outcomes(decision: Decision) -> dict[str, Any]:
    return {rule.name: rule.outcome for rule in decision.rules}


def test_a_steady_benefit_is_promoted() -> None:
    """Better every day, in and out of promotions, early and late."""
    steady = {str(day): part(0.81) for day in range(7)}
    found = look(ending(weekday=steady, exposure={"early": part(0.81), "late": part(0.81)}))
    assert found.kind is DecisionKind.PROMOTE
    assert outcomes(found)["day of week"] == "stable"
    assert outcomes(found)["novelty"] == "lasts"


def test_without_parts_nothing_is_claimed() -> None:
    """Too few data is said, not taken for unstable."""
    found = look(ending())
    assert found.kind is DecisionKind.PROMOTE
    assert outcomes(found)["day of week"] == outcomes(found)["novelty"] == "too few data"


def test_one_bad_day_by_chance_is_no_interaction() -> None:
    """A8's "any day below zero" would fire in nearly every null test."""
    days = {str(day): part(0.81) for day in range(6)} | {"6": part(0.779)}
    (overall, *_) = interactions(OWN, days)
    assert overall.effects["6"] < 0
    assert overall.p > 0.01
    assert look(ending(weekday=days)).kind is DecisionKind.PROMOTE


TURNED = {str(day): part(0.82) for day in range(5)} | {str(day): part(0.74) for day in (5, 6)}


def test_an_effect_that_turns_round_on_weekends_extends_once_and_then_asks_a_person() -> None:
    """Seven days more; still so, a person decides, and their resume settles it."""
    state = at_stage(3, of=OWN)
    first = look(ending(weekday=TURNED), state)
    assert (first.kind, first.extension) == (DecisionKind.EXTEND, "day of week")
    assert first.extended_until == END + 7 * DAY
    extended, _ = decide(state, look_taken(first))
    assert extended.extensions == ("day of week",)
    assert extended.benefit is True
    waiting = look(replace(ending(weekday=TURNED), as_of=END + 3 * DAY), extended)
    assert (waiting.kind, waiting.verdicts) == (DecisionKind.EXTEND, ())
    again = look(replace(ending(weekday=TURNED), as_of=END + 8 * DAY), extended)
    assert (again.kind, again.cause, again.rule) == (
        DecisionKind.HOLD,
        Cause.SIGNALS,
        "day of week",
    )
    held, _ = decide(extended, look_taken(again))
    resumed, _ = decide(held, Resumed(END + 9 * DAY, by="ann"))
    last = look(replace(ending(weekday=TURNED), as_of=END + 12 * DAY), resumed)
    assert last.kind is DecisionKind.PROMOTE


def test_an_effect_that_turns_round_inside_a_promotion_extends() -> None:
    """Both halves must not conflict."""
    found = look(ending(calendar={"inside": part(0.72), "outside": part(0.82)}))
    assert (found.kind, found.extension) == (DecisionKind.EXTEND, "promotion")


@pytest.mark.parametrize(
    ("early", "late", "wears_off"),
    [(0.86, 0.79, True), (0.86, 0.84, False), (0.78, 0.78, False), (0.785, 0.78, False)],
)
def test_an_effect_that_wears_off_extends_once(early: float, late: float, wears_off: bool) -> None:
    """More than half is gone, and there was an effect to begin with."""
    groups = {"early": part(early), "late": part(late)}
    found = novelty(OWN, groups)
    assert found is not None
    assert found.found is wears_off
    state = at_stage(3, of=OWN)
    first = look(ending(exposure=groups), state)
    assert first.extension == ("novelty" if wears_off else "")
    if wears_off:
        extended, _ = decide(state, look_taken(first))
        after = look(replace(ending(exposure=groups), as_of=END + 8 * DAY), extended)
        assert after.kind is DecisionKind.PROMOTE


def test_no_test_ends_on_a_closed_day() -> None:
    """It waits for the first second after, in the region's own time."""
    closed = replace(OWN, calendar=(Closure("New Year", "1970-01-14", "1970-01-16"),))
    found = look(ending(), at_stage(3, of=closed), closed)
    assert (found.kind, found.extension) == (DecisionKind.EXTEND, "")
    assert "New Year" in found.reason
    assert found.extended_until == 16 * DAY + 5 * HOUR
    waiting, _ = decide(at_stage(3, of=closed), look_taken(found))
    still = look(replace(ending(), as_of=16 * DAY + 4 * HOUR), waiting, closed)
    assert still.kind is DecisionKind.EXTEND
    after = look(replace(ending(), as_of=16 * DAY + 6 * HOUR), waiting, closed)
    assert after.kind is DecisionKind.PROMOTE
