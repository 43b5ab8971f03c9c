"""Where an answer names a title, and what it says of it."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.quality.mentions import Spelling
from tests.canary.quality.made import catalogue, mentions


@pytest.mark.parametrize(
    ("answer", "name", "highest"),
    [
        ('"One Piece" vol. 107 is here.', "One Piece", 107),
        ("「ワンピース 107巻」です。", "One Piece", 107),
        ("『ワンピース』第１０７巻です。", "One Piece", 107),
        ("Volume 107 of One Piece is here.", "One Piece", 107),
        ("**Naruto** (Vol. 3)", "Naruto", 3),
        ("Bleach, volumes 1-74", "Bleach", 74),
        ("Shingeki no Kyojin #4", "Attack on Titan", 4),
        ("『進撃の巨人』の最終巻は34巻です。", "Attack on Titan", 34),
        ("ONE PIECE107巻", "One Piece", 107),
        ("It is Akira. It has 6 volumes. Akira vol. 6", "Akira", 6),
    ],
)
def test_a_volume_is_read_with_its_title(answer: str, name: str, highest: int) -> None:
    """The forms in which shops write a volume, before and after a title, are understood."""
    found = [m for m in mentions(answer) if m.volumes]
    assert [(m.title.name if m.title else None, m.volumes.highest) for m in found if m.volumes] == [
        (name, highest)
    ]


@given(st.sampled_from(catalogue().titles), st.integers(1, 400))
def test_a_volume_is_wrong_beyond_the_last_and_only_there(title: object, volume: int) -> None:
    """For every series, volumes up to the last one pass and the next one does not."""
    (found,) = mentions(f"『{title.japanese[0]}』{volume}巻")  # type: ignore[attr-defined]
    assert found.title == title
    assert found.wrong_volume == (volume > title.volumes)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        ("鬼滅の刃は全23巻です。", False),
        ("鬼滅の刃は全22巻です。", True),
        ("Demon Slayer is complete in 26 volumes.", True),
        ("『ドラゴンボール』です。全45巻ございます。", True),
        ("ナルトの73巻はまだ発売されていません。", False),
        ("There is no volume 35 of Attack on Titan.", False),
    ],
)
def test_totals_must_be_right_and_denials_are_none(answer: str, wrong: bool) -> None:
    """A finished series has so many volumes, no fewer; what is said not to exist is not claimed."""
    assert any(mention.wrong_volume for mention in mentions(answer)) is wrong


@pytest.mark.parametrize(
    "answer",
    [
        'You might like "Sword of Dawn", a fantasy series.',
        "『星降る夜の図書館』がおすすめです。",
        "Try the manga Crimson Ronin Diaries.",
        "Start with Starfall Academy volume 1.",
        "1. **Court of Thunder** - a tennis series",
    ],
)
def test_an_invented_title_is_seen(answer: str) -> None:
    """In quotes, in bold of a list about books, and in capitals beside a volume."""
    assert any(mention.invented for mention in mentions(answer))


@pytest.mark.parametrize(
    "answer",
    [
        'Open My Orders and choose "Return Items".',
        "「注文履歴」からお手続きください。",
        '"Ready to Ship" means your parcel waits for the courier.',
        'We could not find "Moon Harbor Chronicles".',
        "「パスワードをお忘れの方」から進んでください。",
        "**Shipping:** 3 to 7 days",
        "彼は「また明日」と言います。",
        "It's what fans' letters say: it's 'very good'.",
    ],
)
def test_buttons_speech_headings_and_denials_are_no_titles(answer: str) -> None:
    """What a shop's assistant quotes beside titles is not taken for invented ones."""
    assert not any(mention.invented for mention in mentions(answer))


@pytest.mark.parametrize(
    ("answer", "spelling"),
    [
        ("「進撃の巨入」", Spelling.MISSPELT),
        ("进击的巨人", Spelling.SIMPLIFIED),
        ("『鬼灭の刃』", Spelling.SIMPLIFIED),
        ('"Fullmetal Alchemyst"', Spelling.MISSPELT),
        ("『進撃の巨人』", Spelling.EXACT),
    ],
)
def test_a_wrong_spelling_is_tied_to_its_title(answer: str, spelling: Spelling) -> None:
    """One wrong kanji and Chinese characters are told apart from titles that do not exist."""
    (found,) = mentions(answer)
    assert found.spelling is spelling
    assert found.title is not None


@pytest.mark.parametrize("answer", ["That is a major change.", "Touch the screen.", "日常です。"])
def test_everyday_words_are_no_titles(answer: str) -> None:
    """A name that is an ordinary word counts only in marks or with a volume."""
    assert mentions(answer) == []


@given(st.text(max_size=120), st.text(max_size=40))
def test_any_text_can_be_read(answer: str, question: str) -> None:
    """No text makes the finder fail, and mentions never overlap."""
    found = mentions(answer, question)
    for left, right in itertools.pairwise(found):
        assert left.end <= right.start
