"""A replay is compared prompt by prompt, and silence is no merit."""

from __future__ import annotations

import pytest

from canary.quality.detector import CHECKS
from canary.quality.shadow_replay import ANY, Replayed, compare_answers
from canary.quality.turn import Expected
from tests.canary.quality.made import detector

GOOD, BAD = "『進撃の巨人』がございます。", "Shingeki no Kyojinがございます。"


def replayed(control: str | None, canary: str | None) -> Replayed:
    """One prompt that names a title in kanji."""
    return Replayed("進撃の巨人はありますか?", control, canary, Expected.QUESTION)


def test_a_model_that_loses_japanese_names_is_found() -> None:
    """Ten prompts of which the canary romanises eight are a difference beyond chance."""
    prompts = [replayed(GOOD, BAD)] * 8 + [replayed(GOOD, GOOD)] * 2
    compared = compare_answers(prompts, detector("ap-northeast-1"))
    assert compared["preservation"].difference.estimate == pytest.approx(-0.8)
    assert compared["preservation"].p_exact < 0.01
    assert compared[ANY].p_exact == compared["preservation"].p_exact
    assert not compared["language"].informative


@pytest.mark.parametrize("silence", [None, "", "  "])
def test_a_missing_answer_is_wrong_in_everything(silence: str | None) -> None:
    """The gate fails closed: no answer counts against the model in each check."""
    compared = compare_answers([replayed(GOOD, silence)] * 6, detector("ap-northeast-1"))
    assert set(compared) == {*CHECKS, ANY}
    assert all(result.difference.estimate == -1 for result in compared.values())


def test_no_prompts_are_refused() -> None:
    """Nothing replayed is no evidence of equality."""
    with pytest.raises(ValueError, match="no prompt"):
        compare_answers([], detector("us-east-1"))
