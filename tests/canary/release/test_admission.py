"""Who may start a release."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from canary.policy.compiled import Closure, CompiledPolicy
from canary.release.admission import Request, admit, brought_result, offline_result, refusals
from canary.release.model import Phase
from tests.canary.samples import policy

GOOD = Request("r1", "t1", "model-b", "non_inferiority", {"bert_score": 0.9, "hallucination": 0.01})


def reasons(request: Request = GOOD, **changes: Any) -> tuple[str, ...]:
    """What speaks against a request."""
    given: dict[str, Any] = {
        "models": ("model-a", "model-b"),
        "control": "model-a",
        "alarms": {"canary-critical": "OK"},
        "closure": None,
        "lock_holder": None,
    }
    return refusals(request, **{**given, **changes})


def test_a_good_request_is_admitted_with_its_own_policy() -> None:
    """The registered hypothesis stands in the copy, and the digest is the copy's."""
    assert reasons() == ()
    state = admit(GOOD, policy(), control="model-a", at=5.0)
    own = CompiledPolicy.from_json(state.policy)
    assert state.phase is Phase.ADMITTED
    assert own.statistics.hypothesis == "non_inferiority"
    assert (state.policy_digest, state.control) == (own.digest, "model-a")


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"control": "model-b"}, "control model already"),
        ({"models": ("model-a", "model-c")}, "not a model of the policy: model-a, model-c"),
        ({"alarms": {"canary-silent": "ALARM"}}, "canary-silent raised"),
        ({"closure": Closure("Obon", "2027-08-13", "2027-08-16")}, "Obon, from 2027-08-13 to"),
        ({"lock_holder": "r0"}, "r0 is active"),
    ],
)
def test_each_obstacle_is_named(changes: dict[str, Any], word: str) -> None:
    """A refusal says why."""
    (reason,) = reasons(**changes)
    assert word in reason


def test_all_reasons_are_given_at_once() -> None:
    """An empty input, a raised alarm and a taken lock are five reasons."""
    found = reasons(Request.from_dict({}), alarms={"x": "ALARM"}, lock_holder="r0")
    assert [reason.split(":")[0] for reason in found] == [
        "release_id",
        "test_id",
        "candidate",
        "hypothesis",
        "alarms",
        "lock",
    ]


def test_a_retry_by_the_locks_holder_is_no_obstacle() -> None:
    """Admission is idempotent."""
    assert reasons(lock_holder="r1") == ()


@pytest.mark.parametrize("score", [None, math.nan, "0.9", True, 0.7])
def test_an_offline_score_that_is_missing_unreadable_or_low_fails(score: Any) -> None:
    """No score is no pass."""
    scores = {"hallucination": 0.01, **({} if score is None else {"bert_score": score})}
    assert offline_result(policy(), scores).verdict == "FAIL"


def test_offline_scores_pass_in_their_metrics_direction() -> None:
    """Higher similarity and fewer hallucinations."""
    assert offline_result(policy(), GOOD.offline_evaluation).verdict == "PASS"
    assert offline_result(policy(), {"bert_score": 0.9, "hallucination": 0.04}).verdict == "FAIL"
    assert offline_result(replace(policy(), offline_gates=()), {}).detail == "no offline gates"


@pytest.mark.parametrize(
    ("brought", "verdict"),
    [
        ({}, "PASS"),
        ({"bert_score": 0.9}, "PASS"),
        ({"unknown": 0.0}, "PASS"),
        ({"bert_score": 0.7}, "FAIL"),
        ({"bert_score": math.nan}, "FAIL"),
    ],
)
def test_a_score_that_is_brought_can_only_stop(brought: dict[str, float], verdict: str) -> None:
    """What is missing is measured later; what is below its gate ends the release at once."""
    assert brought_result(policy(), brought).verdict == verdict
