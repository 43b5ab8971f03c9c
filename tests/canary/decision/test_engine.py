"""What a look decides, rule by rule."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from canary.decision.engine import evaluate
from canary.decision.outcome import Decision, look_taken
from canary.decision.verdicts import VerdictKind
from canary.policy.compiled import Gate
from canary.release import events
from canary.release.machine import decide
from canary.release.model import Cause, DecisionKind, Hold, Phase
from tests.canary.decision.looks import DAY, HOUR, Draws, at_stage, cells, facts, policy
from tests.canary.samples import VOLUMES


def kinds(decision: Decision) -> list[VerdictKind]:
    """The verdicts' kinds."""
    return [verdict.kind for verdict in decision.verdicts]


def test_a_healthy_canary_advances_at_its_blocks_end() -> None:
    """Every gate of the stage is proved."""
    found = evaluate(policy(), at_stage(1), facts(4 * HOUR, cells(20_000)))
    assert found.kind is DecisionKind.ADVANCE
    assert kinds(found) == [VerdictKind.PASS, VerdictKind.PASS]
    assert (found.wait_seconds, found.blocks_judged) == (0, 1)


def test_before_the_minimum_a_look_waits_for_the_blocks_end_at_most_a_poll() -> None:
    """Gates are not looked at early, however good."""
    early = evaluate(policy(), at_stage(1), facts(HOUR, cells(20_000)))
    assert (early.kind, early.wait_seconds) == (DecisionKind.EXTEND, 1800)
    assert not early.verdicts
    last = evaluate(policy(), at_stage(1), facts(4 * HOUR - 100, cells(20_000)))
    assert last.wait_seconds == 100


def test_no_data_is_never_a_pass() -> None:
    """Empty facts leave every gate open, and a late feed too."""
    for late in (False, True):
        found = evaluate(policy(), at_stage(1), facts(4 * HOUR, late=late))
        assert found.kind is DecisionKind.EXTEND
        assert set(kinds(found)) == {VerdictKind.INCONCLUSIVE}


def test_a_late_feed_is_not_judged_even_when_it_would_pass() -> None:
    """Old good data say nothing about now, and the block stays to be judged."""
    found = evaluate(policy(), at_stage(1), facts(4 * HOUR, cells(20_000), late=True))
    assert (found.kind, found.blocks_judged) == (DecisionKind.EXTEND, None)


def test_an_unresolved_gate_extends_to_the_next_block_and_then_waits_for_a_person() -> None:
    """A block is judged once; at the stage's maximum the release is held."""
    few = cells(60)
    first = evaluate(policy(), at_stage(1), facts(4 * HOUR, few))
    assert (first.kind, first.blocks_judged) == (DecisionKind.EXTEND, 1)
    again = evaluate(policy(), at_stage(1, blocks_judged=1), facts(4 * HOUR + 1800, cells(20_000)))
    assert (again.kind, again.verdicts) == (DecisionKind.EXTEND, ())
    second = evaluate(policy(), at_stage(1, blocks_judged=1), facts(8 * HOUR, cells(20_000)))
    assert second.kind is DecisionKind.ADVANCE
    over = evaluate(policy(), at_stage(1, blocks_judged=5), facts(24 * HOUR, few))
    assert (over.kind, over.cause) == (DecisionKind.HOLD, Cause.GATE)
    assert "INCONCLUSIVE" in over.reason


def test_a_broken_gate_holds_and_says_which() -> None:
    """Ten times the control's errors."""
    found = evaluate(policy(), at_stage(1), facts(4 * HOUR, cells(20_000, canary={"error": 0.02})))
    assert (found.kind, found.cause) == (DecisionKind.HOLD, Cause.GATE)
    assert "error, overall" in found.reason
    assert "FAIL" in found.reason


def test_a_must_not_fail_gate_may_stay_open() -> None:
    """Only its FAIL counts."""
    lax = policy(gates=(Gate("error", 1, "must_not_fail", "points", 0.0025),))
    found = evaluate(lax, at_stage(1, of=lax), facts(4 * HOUR, cells(60)))
    assert found.kind is DecisionKind.ADVANCE


def test_a_raised_critical_alarm_rolls_back_whatever_else_is_known() -> None:
    """Held or late, its transition may have been missed."""
    raised = {"canary-critical": 50.0, "canary-error-60s": 50.0}
    held = at_stage(1, phase=Phase.HELD, hold=Hold(Cause.OPERATOR, (), 0, Phase.BAKING))
    for state in (at_stage(1), held):
        found = evaluate(policy(), state, facts(60, late=True, raised=raised))
        assert (found.kind, found.cause) == (DecisionKind.ROLLBACK, Cause.CRITICAL_ALARM)
        assert found.alarms == ("canary-critical", "canary-error-60s")


@pytest.mark.parametrize(
    ("alarm", "cause"),
    [
        ("canary-hallucination-300s", Cause.WARNING),
        ("shared-error", Cause.SHARED),
        ("canary-silent", Cause.SILENCE),
    ],
)
def test_a_raised_warning_holds(alarm: str, cause: Cause) -> None:
    """Even when the pause function missed it."""
    found = evaluate(policy(), at_stage(1), facts(60, raised={alarm: 50.0}))
    assert (found.kind, found.cause, found.alarms) == (DecisionKind.HOLD, cause, (alarm,))


def test_a_warning_that_a_person_has_seen_does_not_hold_again() -> None:
    """Whoever resumes takes it over; what is raised afterwards, and a critical alarm, still act."""
    resumed = at_stage(1, resumed_at=60.0)
    seen = {"canary-hallucination-300s": 50.0, "canary-warning": 50.0}
    assert evaluate(policy(), resumed, facts(90, raised=seen)).kind is DecisionKind.EXTEND
    again = evaluate(policy(), resumed, facts(90, raised={**seen, "canary-hallucination-300s": 70}))
    assert (again.kind, again.cause) == (DecisionKind.HOLD, Cause.WARNING)
    critical = evaluate(policy(), resumed, facts(90, raised={"canary-critical": 50.0}))
    assert critical.kind is DecisionKind.ROLLBACK


def test_a_held_release_stays_held() -> None:
    """However good its data."""
    held = at_stage(1, phase=Phase.HELD, hold=Hold(Cause.OPERATOR, (), 0, Phase.BAKING))
    found = evaluate(policy(), held, facts(4 * HOUR, cells(20_000)), asked_stage=2)
    assert (found.kind, found.cause, found.shift_needed) == (
        DecisionKind.HOLD,
        Cause.OPERATOR,
        False,
    )


def test_a_stage_asked_for_and_not_in_force_needs_its_shift() -> None:
    """A hold that came before the shift leaves the progression ahead of the record."""
    found = evaluate(policy(), at_stage(1), facts(4 * HOUR, cells(20_000)), asked_stage=2)
    assert (found.kind, found.shift_needed) == (DecisionKind.EXTEND, True)


def test_overall_harm_rejects_at_any_time() -> None:
    """Six points lost, an hour in, held or not."""
    worse = facts(HOUR, cells(3000, canary={"completion": 0.72}))
    held = at_stage(1, phase=Phase.HELD, hold=Hold(Cause.WARNING, (), 0, Phase.BAKING))
    for state in (at_stage(1), held):
        found = evaluate(policy(), state, worse)
        assert (found.kind, found.cause) == (DecisionKind.REJECT, Cause.HARM_SEQUENCE)


def test_harm_in_a_revenue_critical_intent_rejects_and_elsewhere_holds() -> None:
    """The overall effect is mended by the other intents."""
    better = {name: {"completion": 0.80} for name in VOLUMES}
    for intent, kind in (("checkout_help", DecisionKind.REJECT), ("chitchat", DecisionKind.HOLD)):
        data = cells(8000, changed={**better, intent: {"completion": 0.68}})
        found = evaluate(policy(), at_stage(1), facts(HOUR, data))
        assert (found.kind, found.cause) == (kind, Cause.HARM_SEQUENCE)
        assert f"completion, {intent}" in found.reason


def test_harm_waits_for_its_first_outcomes() -> None:
    """From 100 outcomes an arm, however bad they are."""
    data = cells(60, canary={"completion": 0.0})
    assert evaluate(policy(), at_stage(1), facts(60, data)).kind is DecisionKind.EXTEND


def test_a_non_inferiority_test_rejects_only_beyond_its_margin() -> None:
    """Half a point worse is within a registered margin of one point."""
    of = policy()
    registered = replace(of, statistics=replace(of.statistics, hypothesis="non_inferiority"))
    data = cells(500_000, canary={"completion": 0.775})
    assert evaluate(of, at_stage(1), facts(HOUR, data)).kind is DecisionKind.REJECT
    found = evaluate(registered, at_stage(1, of=registered), facts(HOUR, data))
    assert found.kind is DecisionKind.EXTEND


def test_a_sample_ratio_mismatch_holds() -> None:
    """A canary that lost a fifth of its units is not compared."""
    draws = (Draws(1, 0.05, 19_200, 800),)
    found = evaluate(policy(), at_stage(1), facts(4 * HOUR, cells(20_000), draws=draws))
    assert (found.kind, found.cause) == (DecisionKind.HOLD, Cause.GATE)
    healthy = (Draws(1, 0.05, 19_000, 1_000),)
    found = evaluate(policy(), at_stage(1), facts(4 * HOUR, cells(20_000), draws=healthy))
    assert found.kind is DecisionKind.ADVANCE


LAST = at_stage(3, v_max=200_000.0, looks_done=3, look_information=(20_000.0, 50_000.0, 90_000.0))


def test_the_last_stage_waits_for_the_tests_duration() -> None:
    """Its own minimum is long over on day 13."""
    found = evaluate(policy(), LAST, facts(13 * DAY, cells(100_000, stage=3)))
    assert (found.kind, found.benefit) == (DecisionKind.EXTEND, None)


def test_a_better_candidate_is_promoted_at_the_last_look() -> None:
    """Two points more, proved at the boundary left."""
    data = cells(100_000, stage=3, canary={"completion": 0.80})
    found = evaluate(policy(), LAST, facts(14 * DAY, data))
    assert (found.kind, found.benefit, found.looks_done) == (DecisionKind.PROMOTE, True, 4)
    (test,) = [verdict for verdict in found.verdicts if verdict.gate == "test"]
    assert test.kind is VerdictKind.PASS
    assert test.estimate == pytest.approx(0.02)


@pytest.mark.parametrize("completion", [0.78, 0.786])
def test_without_enough_benefit_the_last_look_holds(completion: float) -> None:
    """Equal, or significantly better by less than the point that was registered."""
    data = cells(400_000, stage=3, canary={"completion": completion})
    found = evaluate(policy(), LAST, facts(14 * DAY, data))
    assert (found.kind, found.cause, found.benefit) == (DecisionKind.HOLD, Cause.GATE, False)


def test_an_equal_candidate_passes_a_registered_non_inferiority_test() -> None:
    """Not worse by a point."""
    of = policy()
    of = replace(of, statistics=replace(of.statistics, hypothesis="non_inferiority"))
    found = evaluate(of, LAST, facts(14 * DAY, cells(100_000, stage=3)))
    assert (found.kind, found.benefit) == (DecisionKind.PROMOTE, True)


def test_the_last_look_is_never_taken_again() -> None:
    """Extending for a gate may withdraw an advance, never add a test."""
    decided = replace(LAST, benefit=False, looks_done=4)
    data = cells(100_000, stage=3, canary={"completion": 0.80})
    found = evaluate(policy(), decided, facts(16 * DAY, data))
    assert (found.kind, found.benefit) == (DecisionKind.HOLD, None)


def test_v_max_is_projected_when_the_last_test_stage_starts() -> None:
    """Once: a frozen value is left alone."""
    start = facts(2 * DAY, cells(1000))
    first = evaluate(policy(), at_stage(3, looks_done=1), start)
    assert first.v_max is not None
    assert 120_000 < first.v_max < 200_000
    assert evaluate(policy(), LAST, start).v_max is None


def test_a_look_in_the_middle_spends_alpha_and_decides_nothing() -> None:
    """A clear benefit on day 4 is noted; the ramp goes on."""
    data = cells(50_000, stage=3, canary={"completion": 0.82})
    state = at_stage(3, v_max=200_000.0, looks_done=1, look_information=(20_000.0,))
    found = evaluate(policy(), state, facts(4 * DAY + 60, data))
    assert (found.kind, found.looks_done, found.benefit) == (DecisionKind.EXTEND, 2, None)
    assert found.information is not None
    assert found.information > 20_000


def test_a_decision_is_json_and_enters_the_record() -> None:
    """Nothing that JSON cannot carry, even without data; a HOLD holds the release."""
    alarm = {"canary-silent": 1.0}
    situations: list[dict[str, Any]] = [{}, {"late": True}, {"raised": alarm}]
    for changes in situations:
        found = evaluate(policy(), at_stage(1), facts(4 * HOUR, **changes))
        assert json.loads(json.dumps(found.to_dict(), allow_nan=False)) == found.to_dict()
        state, _ = decide(at_stage(1), look_taken(found))
        assert (state.phase is Phase.HELD) == (found.kind is DecisionKind.HOLD)
        assert state.decisions[-1] == found.to_dict()


def test_a_finished_release_and_one_between_stages_have_nothing_to_decide() -> None:
    """Neither advances."""
    over = at_stage(1, phase=Phase.ROLLED_BACK, revoked=True)
    data = facts(4 * HOUR, cells(20_000))
    assert evaluate(policy(), over, data).kind is DecisionKind.HOLD
    shifting = at_stage(1, phase=Phase.SHIFTING)
    assert evaluate(policy(), shifting, data).kind is DecisionKind.EXTEND
    ordered = decide(at_stage(1), events.StageOrdered(1, 2))[0]
    assert evaluate(policy(), ordered, data, asked_stage=2).shift_needed
