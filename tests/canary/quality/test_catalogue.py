"""The catalogue and the ways to name a title in it."""
# ruff: noqa: RUF001 (the widths and signs that customers type are what is tested)

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.quality.catalogue.catalogue import Catalogue, Title, load_catalogue, parse_title
from canary.quality.romanise import romanised
from canary.quality.text import hiragana, is_kana, name_key, reading_key, surface
from tests.canary.quality.made import catalogue

TITLES = st.sampled_from(catalogue().titles)


def test_the_catalogue_holds_two_hundred_titles_in_both_languages() -> None:
    """At least 200 series are shipped, each with an English and a Japanese name and volumes."""
    assert len(catalogue().titles) >= 200
    assert all(title.english and title.japanese for title in catalogue().titles)
    assert all(1 <= title.volumes <= 250 for title in catalogue().titles)


def test_readings_are_hiragana() -> None:
    """A reading is what furigana is held against, so it is kana and nothing else."""
    for title in catalogue().titles:
        for reading in title.readings:
            assert all((is_kana(c) and c == hiragana(c)) or c == "ー" for c in reading), title.name


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("one piece", "One Piece"),
        ("ＯＮＥ　ＰＩＥＣＥ", "One Piece"),
        ("ﾜﾝﾋﾟｰｽ", "One Piece"),
        ("Spy × Family", "Spy x Family"),
        ("promised neverland", "The Promised Neverland"),
        ("Nausicaa of the Valley of the Wind", "Nausicaä of the Valley of the Wind"),
        ("Shingeki-no-Kyojin", "Attack on Titan"),
        ("Sōsō no Furīren", "Frieren: Beyond Journey's End"),
        ("Natsume Yuujinchou", "Natsume's Book of Friends"),
        ("Natsume Yujincho", "Natsume's Book of Friends"),
        ("ハイキュー！！", "Haikyu!!"),
        ("Shigatsu wa Kimi no Uso", "Your Lie in April"),
    ],
)
def test_a_title_is_found_however_it_is_typed(written: str, name: str) -> None:
    """Width, case, punctuation, accents, a leading article and romanisation make no difference."""
    found = catalogue().find(written)
    assert found is not None
    assert found.title.name == name


@pytest.mark.parametrize("written", ["進撃の巨入", "Sword of Dawn", "ワンピ", "Attack", "声の形"])
def test_what_is_no_title_is_not_found(written: str) -> None:
    """A wrong kanji, an invention and a part of a name are not the title."""
    assert catalogue().find(written) is None


@given(title=TITLES, data=st.data())
def test_names_survive_case_and_spacing(title: Title, data: st.DataObject) -> None:
    """Every shipped name is found in upper and lower case, spaced out, and in quotes."""
    name = data.draw(st.sampled_from(title.english + title.japanese))
    for written in (name.upper(), name.lower(), f" {name}  ", f"「{name}」"):
        found = catalogue().find(written)
        assert found is not None
        assert found.title == title


@given(title=TITLES, data=st.data())
def test_one_wrong_character_is_told_from_an_invention(title: Title, data: st.DataObject) -> None:
    """A long Japanese name with one character replaced is not found, but is known as near it."""
    name = title.japanese[0]
    key = name_key(name)
    if len(key) < 5 or key.isascii():
        return
    at = data.draw(st.integers(0, len(key) - 1))
    wrong = f"{key[:at]}鬱{key[at + 1 :]}"
    assert catalogue().find(wrong) is None
    assert catalogue().similar(wrong) is not None


@given(st.text(max_size=40))
def test_bringing_a_text_into_one_form_is_done_once(text: str) -> None:
    """A surface form is its own surface form, and so is a name's key."""
    assert surface(surface(text)) == surface(text)
    assert name_key(name_key(text)) == name_key(text)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("とーきょー", "とうきょう"),
        ("トウキョウ", "とうきょう"),
        ("じゅじゅつ・かいせん", "じゅじゅつかいせん"),
    ],
)
def test_readings_differ_in_sound_only(left: str, right: str) -> None:
    """Katakana and long vowel marks make no other reading."""
    assert reading_key(left) == reading_key(right)


def test_readings_that_sound_different_stay_different() -> None:
    """A voiced syllable is another reading."""
    assert reading_key("じゅじゅつかいぜん") != reading_key("じゅじゅつかいせん")


@pytest.mark.parametrize(
    ("kana", "latin"),
    [
        ("しんげきのきょじん", "shingekinokyojin"),
        ("はっしゃ", "hassha"),
        ("ちゃ", "cha"),
        ("ゔぁ", "va"),
    ],
)
def test_kana_are_romanised_by_hepburn(kana: str, latin: str) -> None:
    """Contracted and doubled sounds follow the Hepburn table."""
    assert romanised(kana) == latin


def test_two_titles_of_one_name_are_refused() -> None:
    """A name that leads to two series would make every count arbitrary."""
    one = Title(english=("Twin",), japanese=("双子",), volumes=1, complete=True)
    other = Title(english=("twin!",), japanese=("双生児",), volumes=2, complete=True)
    with pytest.raises(ValueError, match="Twin"):
        Catalogue([one, other])


@pytest.mark.parametrize("change", [{"volumes": 0}, {"english": []}, {"pages": 3}])
def test_a_record_that_is_no_title_is_refused(change: dict[str, object]) -> None:
    """No name, no volume and unknown keys are errors, not titles."""
    good = {"english": ["A"], "japanese": ["亜"], "volumes": 3, "complete": True}
    with pytest.raises(ValueError, match=r"title|unknown"):
        parse_title({**good, **change})


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    """The message says which line of which file is wrong."""
    path = tmp_path / "mine.jsonl"
    good = {"english": ["A"], "japanese": ["亜"], "volumes": 3, "complete": True}
    path.write_text(json.dumps(good) + "\n{\n", "utf-8")
    with pytest.raises(ValueError, match=r"mine\.jsonl:2"):
        load_catalogue(path)
