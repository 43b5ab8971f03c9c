"""The golden set and the scores made of it: complete, right about itself, closed to silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from canary.policy.compile import compile_policy, load_policy
from canary.quality.facts import load_facts
from canary.quality.offline.golden import GoldenPrompt, load_golden, right
from canary.quality.offline.scores import Answers, OfflineScores, offline_scores
from canary.quality.turn import Turn
from canary.release.admission import offline_result
from tests.canary.quality.made import detector

POLICY = Path(__file__).parents[3] / "policy" / "mangaassist.toml"
REGIONS = ("us-east-1", "ap-northeast-1")


def scored(region: str, canary: dict[str, str | None]) -> OfflineScores:
    """A control that answers with the references, and a canary that does but for some prompts."""
    answers = [
        Answers(each, each.reference, canary.get(each.prompt, each.reference))
        for each in load_golden(region)
    ]
    return offline_scores(answers, detector(region), load_facts(region).expected, seed=1)


@pytest.mark.parametrize("region", REGIONS)
def test_every_intent_has_prompts_and_each_reference_is_faultless(region: str) -> None:
    """The detector finds nothing in a reference; return_request is among the intents."""
    policy = compile_policy(load_policy(POLICY), region)
    prompts = load_golden(region)
    assert {each.intent for each in prompts} == {intent.name for intent in policy.intents}
    expected = load_facts(region).expected
    for each in prompts:
        found = detector(region).inspect(Turn(each.prompt, each.reference, expected))
        assert not found.faults(), (each.prompt, found.reasons)
        assert not right(each, "Sorry?")
        assert not right(each, None)


@pytest.mark.parametrize("region", REGIONS)
def test_a_model_that_knows_everything_lacks_only_the_job_s_score(region: str) -> None:
    """Every offline gate of the region but the BERTScore's has its score here, and passes."""
    policy = compile_policy(load_policy(POLICY), region)
    found = scored(region, {})
    assert offline_result(policy, found.scores).verdict == "FAIL"
    with_job = {**found.scores, "bert_score": 0.9}
    assert offline_result(policy, with_job).verdict == "PASS"
    assert (found.difference.difference, found.unanswered) == (0, 0)


def test_a_prompt_without_answer_counts_against_every_score() -> None:
    """A model that keeps silent does not look faultless."""
    region = "ap-northeast-1"
    silent = [each.prompt for each in load_golden(region)][:5]
    found = scored(region, dict.fromkeys(silent))
    assert found.unanswered == 5
    assert found.scores["domain_accuracy"] == pytest.approx(10 / 15)
    assert found.scores["hallucination"] == pytest.approx(5 / 15)
    for metric in ("product_names", "honorifics", "language", "name_preservation"):
        assert found.scores[metric] < 0.9
    assert found.compared["domain"].difference.estimate == pytest.approx(-5 / 15)
    assert found.difference.upper < 0


def test_a_canary_is_compared_pair_by_pair() -> None:
    """What it loses and what it wins is told by check and by intent."""
    region = "us-east-1"
    wrong = {
        each.prompt: 'Read "Crimson Abacus", a new series.'
        for each in load_golden(region)
        if each.intent in {"return_request", "recommendation"}
    }
    found = scored(region, wrong)
    assert found.by_intent["return_request"] == (0, 2)
    assert found.by_intent["faq"] == (2, 2)
    assert found.compared["title"].difference.estimate == pytest.approx(-4 / 15)
    assert found.compared["claim"].difference.estimate == 0
    assert found.scores["product_names"] < 0.95


def test_a_set_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    """A reference that lacks what is wanted, a region that is not there, nothing to score."""
    path = tmp_path / "golden.toml"
    path.write_text('[[here.faq]]\nprompt = "a"\nwants = [["b"]]\nreference = "c"\n', "utf-8")
    with pytest.raises(ValueError, match="its own reference"):
        load_golden("here", path)
    with pytest.raises(ValueError, match="no prompts for there"):
        load_golden("there", path)
    with pytest.raises(ValueError, match="no prompt to score"):
        offline_scores([], detector("us-east-1"), load_facts("us-east-1").expected, seed=1)


def test_an_answer_is_right_whatever_its_width_and_case() -> None:
    """Full-width digits are digits."""
    prompt = GoldenPrompt("faq", "?", (("34",), ("進撃の巨人", "Titan")), "34 Titan")
    assert right(prompt, "『進撃の巨人』は全\uff13\uff14巻です")
    assert right(prompt, "TITAN ends with 34")
    assert not right(prompt, "34")
