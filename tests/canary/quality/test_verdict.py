"""The offline gate's verdict: what fails a candidate, and in which words."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import pytest

from canary.policy.compile import compile_policy, load_policy
from canary.policy.compiled import CompiledPolicy
from canary.quality.facts import load_facts
from canary.quality.offline.golden import load_golden
from canary.quality.offline.scores import Answers, OfflineScores, offline_scores
from canary.quality.offline.verdict import Verdict, document, judge
from tests.canary.quality.made import detector

POLICY = Path(__file__).parents[3] / "policy" / "mangaassist.toml"


@lru_cache
def policy(region: str) -> CompiledPolicy:
    """What the region runs."""
    return compile_policy(load_policy(POLICY), region)


def scored(region: str, wrong: dict[str, str]) -> OfflineScores:
    """References, but of the canary for the intents in `wrong`, each answered alike."""
    answers = [
        Answers(each, each.reference, wrong.get(each.intent, each.reference))
        for each in load_golden(region)
    ]
    return offline_scores(answers, detector(region), load_facts(region).expected, seed=1)


def judged(region: str, wrong: dict[str, str], bert_score: float = 0.9) -> Verdict:
    found = scored(region, wrong)
    return judge(policy(region), found, {**found.scores, "bert_score": bert_score})


@pytest.mark.parametrize("region", ["us-east-1", "ap-northeast-1"])
def test_a_candidate_that_knows_everything_passes_and_says_what_it_reached(region: str) -> None:
    """Each gate of the region is in the sentence."""
    verdict = judged(region, {})
    assert verdict.passed
    for gate in policy(region).offline_gates:
        assert gate.metric in verdict.detail


def test_a_score_below_its_limit_is_named_with_both() -> None:
    """The gates that pass are not in the way."""
    verdict = judged("us-east-1", {}, bert_score=0.71)
    assert not verdict.passed
    assert verdict.detail == "bert_score 0.71 >= 0.8: FAIL"


def test_a_score_that_is_missing_fails() -> None:
    """Nothing measured is nothing reached."""
    found = scored("us-east-1", {})
    verdict = judge(policy("us-east-1"), found, found.scores)
    assert "bert_score has no score" in verdict.detail


def test_an_intent_of_which_too_little_is_known_is_named_with_its_score_and_floor() -> None:
    """A5's case: returns go wrong while the rest is as good as ever."""
    verdict = judged("us-east-1", {"return_request": "Please ask somebody."})
    assert (
        "intent return_request: 0 of 8 prompts answered right, at least 50% wanted: FAIL"
        in verdict.reasons
    )


def test_a_candidate_proved_worse_than_the_control_is_named_with_the_interval() -> None:
    """McNemar's interval over the pairs lies below zero."""
    verdict = judged("us-east-1", {"return_request": "No.", "faq": "No."})
    (worse,) = (each for each in verdict.reasons if "worse than the control" in each)
    assert worse.startswith("worse than the control in right answers: -")


def test_an_intent_of_the_policy_that_no_prompt_asks_about_fails() -> None:
    """A set of one's own that forgot an intent measures nothing of it."""
    found = scored("us-east-1", {})
    known = {name: count for name, count in found.by_intent.items() if name != "promotion"}
    thinner = OfflineScores(found.scores, found.compared, found.difference, known, found.unanswered)
    verdict = judge(policy("us-east-1"), thinner, {**found.scores, "bert_score": 0.9})
    assert verdict.detail.startswith("intent promotion: 0 of 0 prompts")


def test_japan_s_own_gates_stop_japan_alone() -> None:
    """Romanised titles fail in Tokyo what has no gate in Virginia."""
    wrong = {"product_question": "Shingeki no Kyojin has 34 volumes."}
    verdict = judged("ap-northeast-1", wrong)
    assert any(each.startswith("domain_accuracy") for each in verdict.reasons)


def test_all_that_was_measured_is_a_document() -> None:
    """It goes through JSON unchanged."""
    found = scored("us-east-1", {})
    kept = document(found, found.scores)
    assert json.loads(json.dumps(kept)) == kept
    assert kept["by_intent"]["return_request"] == {"right": 8, "prompts": 8}
