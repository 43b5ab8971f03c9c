"""Sampled turns in, counts by arm out; the gates that the counts are for."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from canary.aws.looks import Looks
from canary.policy.compile import compile_policy, load_policy
from canary.quality.counters import COUNTERS
from tests.lambdas.crowds import behind_athena, crowd

DAY = 86_400
POLICY = Path(__file__).parents[2] / "policy" / "mangaassist.toml"


def logs(*lines: object) -> dict[str, Any]:
    """A subscription event of these log lines."""
    batch = {
        "logEvents": [
            {"message": line if isinstance(line, str) else json.dumps(line)} for line in lines
        ]
    }
    data = base64.b64encode(gzip.compress(json.dumps(batch).encode())).decode()
    return {"awslogs": {"data": data}}


def turn(
    text: str, arm: str | None = "canary", *, question: str = "Hi", sampled: bool = True
) -> dict[str, Any]:
    """A turn's line, as far as the detector reads it."""
    return {
        "event": "turn",
        "arm": arm,
        "p_canary": 0.25,
        "sampled": sampled,
        "question": question,
        "text": text,
    }


@pytest.mark.parametrize(
    ("text", "invented"),
    [
        ('Try "One Piece" or “Vinland Saga”.', 0),
        ("「\uff2e\uff21\uff32\uff35\uff34\uff2f」", 0),  # full width
        ('Read "The Glass Samurai of Nowhere", a new series', 1),
        ("『存在しない漫画』はいかがですか", 1),
        ("Shipping is $3.17.", 1),
        ("No title at all", 0),
    ],
)
def test_what_does_not_exist_is_a_hallucination(region: Any, text: str, invented: int) -> None:
    """A title that no catalogue has, a price that the store does not charge."""
    counts = region.load("detect").handler(logs(turn(text)), None)
    assert counts["Hallucinations"]["canary"] == invented
    assert counts["TurnsChecked"]["canary"] == 1


def test_counts_are_published_by_arm(region: Any) -> None:
    """Two arms in one batch keep their own counts, of all that the policy's metrics name."""
    counts = region.load("detect").handler(
        logs(turn('"Akira" is here', "control"), turn('Read "Nope One"'), turn('Read "Nope Two"')),
        None,
    )
    assert set(counts) == set(COUNTERS.values())
    assert region.metric("TurnsChecked", "control") == [1.0]
    assert region.metric("Hallucinations", "control") == [0.0]
    assert region.metric("TurnsChecked", "control-matched") == [pytest.approx(1 / 3)]
    assert region.metric("Hallucinations", "control-matched") == [0.0]
    assert region.metric("TurnsChecked", "canary") == [2.0]
    assert region.metric("Hallucinations", "canary") == [2.0]
    assert region.metric("NamesQuoted", "canary") == [2.0]
    assert region.metric("NamesCorrect", "canary") == [0.0]
    assert region.metric("LanguageCorrect", "canary") == [2.0]


def test_lines_without_a_checked_answer_are_passed_over(region: Any) -> None:
    """Metrics, outcomes, unsampled turns, turns without an arm and plain text count nothing."""
    lines = ("plain text", {"_aws": {}}, [1], turn('"Nope"', None), turn('"Nope"', sampled=False))
    assert region.load("detect").handler(logs(*lines), None) == {}


def test_a_region_whose_store_states_no_facts_is_judged_without_them(
    region: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A third region of the policy: titles and language as ever, prices go unchecked."""
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    detect = region.load("detect").handler
    counts = detect(logs(turn('"Akira" costs $3.17.'), turn('Read "Nope One", a new series')), None)
    assert counts["Hallucinations"]["canary"] == 1


JAPANESE = "『進撃の巨人』と『鬼滅の刃』はありますか?"
GOOD = "はい、お客様。『進撃の巨人』と『鬼滅の刃』は在庫がございます。"
LOST = "はい、あんた。『Shingeki no Kyojin』と『Kimetsu no Yaiba』はあるよ。"
REGIONAL = ("product_names", "name_preservation", "honorifics", "language")


@pytest.mark.parametrize(
    ("answer", "verdicts"),
    [
        (GOOD, dict.fromkeys(REGIONAL, "PASS")),
        (LOST, {"product_names": "PASS", "name_preservation": "FAIL", "honorifics": "FAIL"}),
    ],
)
def test_a_regions_gates_have_the_data_that_a_promotion_needs(
    region: Any, monkeypatch: pytest.MonkeyPatch, answer: str, verdicts: dict[str, str]
) -> None:
    """From lines of the log through both functions: at 50% every regional gate has its verdict."""
    japan = compile_policy(load_policy(POLICY), "ap-northeast-1")
    monkeypatch.setenv("AWS_REGION", japan.region)
    events, now = behind_athena(monkeypatch), region.clock.time
    region.release(
        stage=3,
        policy=japan.to_json(),
        policy_digest=japan.digest,
        admitted_at=now - 15 * DAY,
        first_exposure_at=now - 15 * DAY,
        block_started_at=now - 13 * DAY,
        look_information=(300.0, 500.0),
        looks_done=3,
        v_max=4000.0,
    )
    crowd(events, now - 60, "control", completed=78, count=1, stage=3)
    said = [turn(answer, question=JAPANESE)] * 600 + [turn(GOOD, "control", question=JAPANESE)] * 40
    region.clock.time = now - 600
    region.load("detect").handler(logs(*said), None)
    region.clock.time = now
    region.load("decide").handler({"release_id": "r-1", "stage": 3}, None)
    (look,) = Looks(region.client("s3"), "reports").read("r-1")
    found = {each["metric"]: each for each in look.decision["verdicts"]}
    for metric in REGIONAL:
        assert found[metric]["gate"] == "must_pass"
    assert {name: found[name]["verdict"] for name in verdicts} == verdicts
