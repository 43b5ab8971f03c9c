"""The detector as a whole: its counts are those that the policy's metrics divide."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.policy.compile import load_policy
from canary.quality.detector import CHECKS
from tests.canary.quality.made import inspect

POLICY = Path(__file__).parents[3] / "policy" / "mangaassist.toml"


def test_counts_are_the_columns_of_the_policys_detector_metrics() -> None:
    """Every numerator and denominator of a metric of source `detector` is counted."""
    counts = inspect("us-east-1", "Hi", "Hello, how can I help you?").counts()
    for metric in load_policy(POLICY).metrics:
        if metric.source == "detector":
            assert {metric.numerator, metric.denominator} <= set(counts)


@given(
    region=st.sampled_from(["us-east-1", "ap-northeast-1"]),
    question=st.text(max_size=60),
    answer=st.text(max_size=120),
)
def test_no_count_exceeds_its_denominator(region: str, question: str, answer: str) -> None:
    """On any text each rate is between 0 and 1, one turn is checked, faults are known checks."""
    findings = inspect(region, question, answer)
    counts = findings.counts()
    assert counts["checked"] == 1
    for part, whole in (
        ("hallucinated", "checked"),
        ("language_correct", "checked"),
        ("name_correct", "names"),
        ("name_preserved", "japanese_names"),
        ("honorific_correct", "honorifics"),
    ):
        assert 0 <= counts[part] <= counts[whole]
    assert findings.faults() <= set(CHECKS)


def test_one_answer_can_be_wrong_in_every_way() -> None:
    """The checks do not hide each other's findings."""
    findings = inspect(
        "ap-northeast-1",
        "進撃の巨人はいくらですか? 返品もできますか?",
        "Attack on Titanは999円だよ。『進撃の巨入』と『月夜の騎士団物語』もおすすめの作品。"
        "请放心购买。返品は90日以内だよ。",
    )
    assert findings.faults() == frozenset(CHECKS)


@pytest.mark.parametrize(
    ("answer", "hallucinated"),
    [
        ('"One Piece" vol. 107 is $11.99.', 0),
        ('"One Piece" vol. 999 is $11.99.', 1),
        ('"One Piece" vol. 107 is $1.00.', 1),
        ('"Fullmetal Alchemyst" is here.', 0),
    ],
)
def test_hallucinations_are_titles_volumes_prices_and_promises(
    answer: str, hallucinated: int
) -> None:
    """A misspelt name is counted among the names only."""
    assert inspect("us-east-1", "Do you have it?", answer).counts()["hallucinated"] == hallucinated
