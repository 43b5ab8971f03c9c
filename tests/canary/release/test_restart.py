"""What a rollback leaves behind, and who may start after it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.policy.compiled import AntiFlapping
from canary.release.admission import Request
from canary.release.memory import (
    CandidateMemory,
    LastStrike,
    Override,
    Past,
    Rollback,
    RootCause,
    remembered,
    striking_out,
)
from canary.release.restart import Verdict, after_rollback, judge_restart
from tests.canary.samples import DAY, HOUR, policy

RULE = AntiFlapping()
START = 1_796_000_000.0
"""2026-11-30 00:53:20 UTC: when r-1 was rolled back."""
STRIKE = Rollback("r-1", START, "critical_alarm", strike=True)
FILED = RootCause("r-1", 1, "arn:ana", START + HOUR, "d")
REVIEWED = replace(FILED, reviewed_by="arn:ben", reviewed_at=START + 2 * HOUR, approved=True)
LAST = LastStrike("r-1", "model-b", START)
STRUCK = Past(CandidateMemory((STRIKE,), version=1), LAST)
ANSWERED = replace(STRUCK, root_causes=(REVIEWED,))
GIVEN = Override("o-1", "arn:ben", START + HOUR, "a wrong alarm")


def request(at: float | None = START + HOUR, **changes: Any) -> Request:
    """A request with scores of that time."""
    scores = {"bert_score": 0.9, **({} if at is None else {"evaluated_at": at})}
    made = Request("r-2", "t-2", "model-b", "superiority", scores)
    return replace(made, **changes)


def judged(past: Past, at: float = START + DAY, **changes: Any) -> Verdict:
    return judge_restart(request(**changes), past, RULE, at)


def kinds(verdict: Verdict) -> list[str]:
    return [reason.split(":")[0] for reason in verdict.reasons]


def test_a_candidate_without_a_past_starts() -> None:
    """Nothing is asked, not even when its scores were made."""
    assert judge_restart(request(None), Past(), RULE, START) == Verdict()


def test_after_a_strike_a_day_a_reviewed_cause_and_newer_scores_are_enough() -> None:
    """The day ends to the second."""
    assert judged(ANSWERED) == Verdict()
    assert kinds(judged(ANSWERED, START + DAY - 1)) == ["cooldown"]


def test_the_cooldown_says_until_when_and_after_what() -> None:
    """In UTC, with the release and its candidate."""
    (reason,) = judged(ANSWERED, START + HOUR).reasons
    assert reason.startswith("cooldown: until 2026-12-01 00:53 UTC: r-1 (model-b) was rolled back")
    assert "for 24 hours after that" in reason


def test_the_cooldown_holds_for_every_candidate_of_the_region() -> None:
    """A10 says: no new canary deployment. Root cause and scores are the candidate's own."""
    other = Past(last=LAST)
    assert kinds(judged(other, START + HOUR)) == ["cooldown"]
    assert judged(other) == Verdict()


@pytest.mark.parametrize(
    ("filed", "words"),
    [
        ((), "none is filed: `canary rca file r-1 --document FILE`"),
        ((FILED,), "filed by arn:ana and is not reviewed: someone else"),
        (
            (replace(REVIEWED, approved=False, note="says nothing"),),
            "declined by arn:ben (says nothing)",
        ),
        ((REVIEWED, replace(FILED, number=2)), "is not reviewed"),
        ((replace(REVIEWED, release_id="r-0"),), "none is filed"),
    ],
)
def test_a_root_cause_is_filed_and_approved(filed: tuple[RootCause, ...], words: str) -> None:
    """The reason says which document is missing, and what to do."""
    (reason,) = judged(replace(STRUCK, root_causes=filed)).reasons
    assert reason.startswith("root cause: ")
    assert words in reason


@pytest.mark.parametrize("at", [None, START, START - HOUR, True, float("nan")])
def test_scores_are_newer_than_the_last_strike(at: Any) -> None:
    """Older ones say nothing of the fix, and scores without a time neither."""
    assert kinds(judge_restart(request(at), ANSWERED, RULE, START + DAY)) == ["offline evaluation"]


@pytest.mark.parametrize("cause", ["shared", "operator", "machinery", "gate"])
def test_what_was_not_the_candidates_fault_asks_nothing(cause: str) -> None:
    """Three of them within an hour are remembered, and count for nothing."""
    known = CandidateMemory()
    for number in range(3):
        rollback = Rollback(f"r-{number}", START + number, cause, strike=False)
        known = remembered(known, rollback, RULE)
    assert (len(known.rollbacks), known.strikes, known.rejected) == (3, (), False)
    past = Past(known)
    assert judge_restart(request(None), past, RULE, START + 3) == Verdict()
    assert after_rollback(policy(), past) == policy()


def test_the_third_strike_in_a_week_rejects_for_good() -> None:
    """It is in the memory at once, and neither time nor an override lifts it."""
    known = CandidateMemory()
    for number, days in enumerate((0, 3, 7)):
        assert not known.rejected
        rollback = Rollback(f"r-{number}", START + days * DAY, "critical_alarm", strike=True)
        known = remembered(known, rollback, RULE)
    assert (known.rejected, known.version) == (True, 3)
    overrides = (replace(GIVEN, at=START + 8 * DAY),)
    verdict = judged(
        Past(known, overrides=overrides),
        START + 400 * DAY,
        override_by="arn:ana",
        override_reason="please",
    )
    (reason,) = verdict.reasons
    assert "rejected for good: r-0, r-1, r-2 were rolled back within 7 days" in reason


def test_three_strikes_in_more_than_a_week_do_not_reject() -> None:
    """A second longer, and the candidate goes on."""
    times = (0, 3 * DAY, 7 * DAY + 1)
    strikes = tuple(Rollback(f"r-{at}", START + at, "x", strike=True) for at in times)
    assert striking_out(CandidateMemory(strikes), RULE) == ()


def test_a_lost_test_rejects_at_once() -> None:
    """The flag comes with the rollback."""
    known = remembered(CandidateMemory(), STRIKE, RULE, rejected=True)
    assert "rejected and is not tried again" in judged(Past(known)).reasons[0]


def test_a_release_is_remembered_once() -> None:
    """A retry changes nothing, not even the version."""
    known = remembered(CandidateMemory(), STRIKE, RULE)
    assert remembered(known, replace(STRIKE, at=START + 9), RULE) is known


ASKED = {"override_by": "arn:ana", "override_reason": "the alarm was wrong"}


def test_an_override_of_someone_else_lifts_what_is_asked() -> None:
    """And the verdict says what was lifted, for the record."""
    past = replace(STRUCK, overrides=(GIVEN,))
    verdict = judged(past, START + HOUR, **ASKED)
    assert (verdict.reasons, verdict.override, len(verdict.waived)) == ((), GIVEN, 2)
    record = verdict.record(request(**ASKED))
    assert record is not None
    assert (record["by"], record["second"]) == ("arn:ana", "arn:ben")
    assert record["waived"][0].startswith("cooldown: until")


@pytest.mark.parametrize(
    "override",
    [
        replace(GIVEN, by="arn:ana"),
        replace(GIVEN, used_by="r-9"),
        replace(GIVEN, at=START - 1),
    ],
    ids=["one's own", "used", "from before the rollback"],
)
def test_an_override_counts_once_for_this_rollback_by_another_person(override: Override) -> None:
    """The refusal keeps every reason, and adds who has to do what."""
    verdict = judged(replace(STRUCK, overrides=(override,)), START + HOUR, **ASKED)
    assert kinds(verdict) == ["cooldown", "root cause", "override"]
    assert "nobody but arn:ana" in verdict.reasons[-1]


def test_leave_without_a_reason_of_who_starts_is_none() -> None:
    """Two people say why; an override that nobody asks for is not used up."""
    past = replace(STRUCK, overrides=(GIVEN,))
    assert kinds(judged(past, START + HOUR)) == ["cooldown", "root cause"]
    assert judged(replace(ANSWERED, overrides=(GIVEN,)), **ASKED).override is None


def test_after_a_rollback_the_first_stage_lasts_eight_hours() -> None:
    """Of whichever candidate comes next; the copy of the policy says why."""
    longer = after_rollback(policy(), Past(last=LAST))
    assert [stage.min_seconds for stage in longer.stages[:3]] == [0, 8 * HOUR, DAY]
    assert longer.changes == (
        "Stage 1 (5%) lasts at least 8 hours instead of 4 hours, after the rollback of r-1.",
    )


def test_once_a_release_got_past_the_first_stage_others_hold_it_as_always() -> None:
    """The candidate that struck stays longer all the same."""
    assert after_rollback(policy(), Past(last=LAST, followed_well=True)) == policy()
    assert after_rollback(policy(), replace(STRUCK, followed_well=True)) != policy()


@given(st.lists(st.tuples(st.integers(0, 20 * DAY), st.booleans()), max_size=8))
def test_rejection_never_goes_away(entries: list[tuple[int, bool]]) -> None:
    """Whatever is remembered later, and the version counts each change."""
    known = CandidateMemory()
    for number, (at, strike) in enumerate(entries):
        after = remembered(known, Rollback(f"r-{number}", float(at), "x", strike), RULE)
        assert after.rejected >= known.rejected
        assert after.version == known.version + 1
        known = after
