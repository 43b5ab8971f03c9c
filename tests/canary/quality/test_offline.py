"""The golden set and the scores made of it: complete, right about itself, closed to silence."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from canary.policy.compile import compile_policy, load_policy
from canary.quality.facts import load_facts
from canary.quality.offline.golden import GoldenPrompt, load_golden, right, store_of
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
    """At least three of each intent; the detector finds nothing in a reference."""
    policy = compile_policy(load_policy(POLICY), region)
    prompts = load_golden(region)
    assert len(prompts) >= 60
    by_intent = Counter(each.intent for each in prompts)
    assert set(by_intent) == {intent.name for intent in policy.intents}
    assert min(by_intent.values()) >= 3
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
    assert found.scores["domain_accuracy"] == pytest.approx(60 / 65)
    assert found.scores["hallucination"] == pytest.approx(5 / 65)
    for metric in ("product_names", "honorifics", "language", "name_preservation"):
        assert found.scores[metric] < 1
    assert found.compared["domain"].difference.estimate == pytest.approx(-5 / 65)
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
    assert found.by_intent["return_request"] == (0, 8)
    assert found.by_intent["faq"] == (7, 7)
    assert found.compared["title"].difference.estimate == pytest.approx(-15 / 65)
    assert found.compared["claim"].difference.estimate == 0
    assert found.scores["product_names"] < 0.95


def test_a_model_is_told_of_the_store_before_it_is_asked() -> None:
    """A job has no system prompt: without the store's facts a good model would fail."""
    for region, fact in (("us-east-1", "$4.99"), ("ap-northeast-1", "410円")):
        for each in load_golden(region):
            assert fact in each.asked
            assert each.asked.endswith(each.prompt)


def test_the_japanese_set_mixes_languages_and_asks_for_titles() -> None:
    """Mixed questions, titles in marks that must stay, and romanised ones that are wrong."""
    prompts = load_golden("ap-northeast-1")
    mixed = [p for p in prompts if re.search(r"[A-Za-z]{3}", p.prompt.replace("NARUTO", ""))]
    assert len(mixed) >= 6
    assert sum("『" in each.prompt for each in prompts) >= 10
    (titan,) = (each for each in prompts if "進撃の巨人』は全部" in each.prompt)
    assert right(titan, "『進撃の巨人』は全34巻です")
    assert not right(titan, "Shingeki no Kyojin(進撃の巨人)は全34巻です")


def test_a_region_without_a_set_is_asked_the_first_store_s() -> None:
    """A third region of the policy needs no file to be released in."""
    assert store_of("eu-west-1") == "us-east-1"
    assert store_of("ap-northeast-1") == "ap-northeast-1"


LINE = {"category": "faq", "prompt": "a", "referenceResponse": "b", "wants": [["b"]]}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([LINE | {"referenceResponse": "c"}], "its own reference"),
        ([LINE | {"never": ["B"]}], "its own reference"),
        ([LINE, LINE], "is there twice"),
        ([LINE | {"wants": []}], "line 1: no prompt: 'a' wants nothing"),
        ([LINE | {"expects": "b"}], "unknown keys expects"),
        ([{"prompt": "a"}], "line 1: no prompt"),
        ([], "has no prompt"),
    ],
)
def test_a_set_that_contradicts_itself_is_refused(
    tmp_path: Path, lines: list[dict[str, object]], said: str
) -> None:
    """The file and what is wrong in it are named."""
    text = "\n".join(json.dumps(line) for line in lines)
    (tmp_path / "here.jsonl").write_text(text, "utf-8")
    with pytest.raises(ValueError, match=f"here.jsonl.*{said}"):
        load_golden("here", tmp_path)


def test_nothing_to_score_is_refused(tmp_path: Path) -> None:
    """A region without a file, and no answers."""
    with pytest.raises(ValueError, match="no prompts for there"):
        load_golden("there", tmp_path)
    with pytest.raises(ValueError, match="no prompt to score"):
        offline_scores([], detector("us-east-1"), load_facts("us-east-1").expected, seed=1)


def test_an_answer_is_right_whatever_its_width_and_case() -> None:
    """Full-width digits are digits."""
    prompt = GoldenPrompt("faq", "?", (("34",), ("進撃の巨人", "Titan")), "34 Titan")
    assert right(prompt, "『進撃の巨人』は全\uff13\uff14巻です")
    assert right(prompt, "TITAN ends with 34")
    assert not right(prompt, "34")
