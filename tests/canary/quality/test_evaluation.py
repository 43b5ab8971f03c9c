"""The detector on the labelled turns: the figures it is known by may rise, not fall."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from canary.quality.detector import CHECKS
from canary.quality.evaluation.labelled import load_labelled, parse_labelled
from canary.quality.evaluation.measure import CLASSES, confusions, measure, mistakes
from tests.canary.quality.made import detector

POLICY = Path(__file__).parents[3] / "policy" / "mangaassist.toml"
REGIONS = ("us-east-1", "ap-northeast-1")
TURNS = load_labelled()
DETECTORS = {region: detector(region) for region in REGIONS}

HELD_OUT = {  # recall and specificity on turns that no rule was made for
    "title": (1.0, 0.982),
    "claim": (1.0, 1.0),
    "name": (1.0, 1.0),
    "preservation": (1.0, 1.0),
    "honorific": (0.75, 1.0),
    "language": (1.0, 1.0),
    "hallucination": (1.0, 0.98),
}
ALL = {  # the same on all turns, most of which rules were made for
    "title": (1.0, 0.998),
    "claim": (1.0, 1.0),
    "name": (1.0, 1.0),
    "preservation": (0.98, 1.0),
    "honorific": (0.97, 1.0),
    "language": (1.0, 1.0),
    "hallucination": (1.0, 0.998),
}


def test_the_set_is_large_and_of_both_languages() -> None:
    """At least 200 turns a region, twenty faults of each kind, and more good answers than bad."""
    for region in REGIONS:
        assert sum(turn.region == region for turn in TURNS) >= 200
    for check in CHECKS:
        assert sum(check in turn.faults for turn in TURNS) >= 20
    assert sum(not turn.faults for turn in TURNS) > len(TURNS) / 2
    assert len({(turn.turn.question, turn.turn.answer) for turn in TURNS}) == len(TURNS)


@pytest.mark.parametrize("name", CLASSES)
def test_figures_on_held_out_turns_hold(name: str) -> None:
    """Recall and specificity on turns that no rule was made for are at least what was reached."""
    held_out = [turn for turn in TURNS if turn.part == "held_out"]
    measured = measure(held_out, DETECTORS)[name]
    recall, specificity = HELD_OUT[name]
    assert measured.recall.estimate >= recall
    assert measured.specificity.estimate >= specificity


@pytest.mark.parametrize("name", CLASSES)
def test_figures_on_all_turns_hold(name: str) -> None:
    """Recall, precision and specificity on the whole set are at least what was reached."""
    measured = measure(TURNS, DETECTORS)[name]
    recall, specificity = ALL[name]
    assert measured.recall.estimate >= recall
    assert measured.precision.estimate >= 0.98
    assert measured.specificity.estimate >= specificity


def test_the_policys_sensitivity_is_reached_on_the_whole_set() -> None:
    """Even the interval's lower bound is above the sensitivity that the correction assumes."""
    assumed = tomllib.loads(POLICY.read_text("utf-8"))["detector"]
    measured = measure(TURNS, DETECTORS)["hallucination"]
    assert measured.sensitivity.lower >= assumed["sensitivity"]


def test_held_out_turns_leave_the_policys_specificity_possible() -> None:
    """On turns that no rule was made for .995 is inside the interval, which is far from proof."""
    assumed = tomllib.loads(POLICY.read_text("utf-8"))["detector"]
    held_out = [turn for turn in TURNS if turn.part == "held_out"]
    specificity = measure(held_out, DETECTORS)["hallucination"].specificity
    assert assumed["specificity"] <= specificity.upper


def test_each_turn_is_counted_once_in_each_class() -> None:
    """The four cells of each class add up to the set, and mistakes are its off-diagonal cells."""
    counted = confusions(TURNS, DETECTORS)
    for name in CLASSES:
        c = counted[name]
        cells = (c.true_positive, c.false_positive, c.false_negative, c.true_negative)
        assert sum(cells) == len(TURNS)
    wrong = mistakes(TURNS, DETECTORS)
    for check in CHECKS:
        cried = sum(name == check and alarm for _, name, alarm in wrong)
        still = sum(name == check and not alarm for _, name, alarm in wrong)
        assert (cried, still) == (counted[check].false_positive, counted[check].false_negative)


@pytest.mark.parametrize(
    ("change", "named"),
    [({"faults": ["spelling"]}, "spelling"), ({"region": "mars"}, "mars"), ({"part": "x"}, "part")],
)
def test_a_record_with_an_unknown_word_is_refused(change: dict[str, object], named: str) -> None:
    """A slip in the set must not turn into a figure."""
    good = {"region": "us-east-1", "part": "tuned", "question": "a", "answer": "b", "faults": []}
    with pytest.raises(ValueError, match=named):
        parse_labelled({**good, **change})


def test_a_broken_line_of_the_set_is_named(tmp_path: Path) -> None:
    """The message says which line of which file is wrong."""
    path = tmp_path / "turns.jsonl"
    path.write_text(json.dumps({"region": "us-east-1"}) + "\n", "utf-8")
    with pytest.raises(ValueError, match=r"turns\.jsonl:1"):
        load_labelled(path)
