"""What points to a person does not survive redaction; what a customer talks about does."""
# ruff: noqa: RUF001 (wide digits are what people type)

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.quality.evaluation.labelled import load_labelled
from canary.quality.privacy.redaction import redact, redact_turn
from canary.quality.turn import Turn
from tests.canary.quality.made import detector


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("Mail me at jo.d+1@example.co.jp!", "Mail me at [e-mail]!"),
        ("call (206) 555-0143 today", "call [number] today"),
        ("call +1 206 555 0143 today", "call [number] today"),
        ("電話は０９０－１２３４－５６７８です", "電話は[number]です"),
        ("電話は03-1234-5678です", "電話は[number]です"),
        ("my card is 4111 1111 1111 1111.", "my card is [card]."),
        (
            "ship to 1600 Amber Hill Road, Apt 4B, Springfield, IL 62704 please",
            "ship to [address] please",
        ),
        ("I live at 12 oak st", "I live at [address]"),
        ("PO Box 991", "[address]"),
        ("〒150-0001 東京都渋谷区神宮前1-2-3に送って", "[postcode] [address]に送って"),
        ("大阪府大阪市北区梅田2丁目4番9号です", "[address]です"),
        ("郵便番号は150-0001です", "郵便番号は[postcode]です"),
        ("zip code is 98101", "[postcode]"),
        ("It is 114-2233445-9988776.", "It is [order]."),
        ("Order #55512345 please", "[order] please"),
        ("My name is Mary Smith and", "[name] and"),
        ("田中と申します。", "[name]と申します。"),
        ("see https://example.com/x?y=1 now", "see [link] now"),
    ],
)
def test_what_points_to_a_person_is_replaced_by_its_kind(text: str, redacted: str) -> None:
    """Addresses, numbers and names, American and Japanese, in either width."""
    assert redact(text) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "One Piece volume 107 costs $11.99, 3 to 5 days.",
        "『ワンピース』107巻は528円です。30日以内に返品できます。",
        "20th Century Boys vol. 22, published 1999-2006",
        "発売は2025年3月4日です。",
        "Volumes 1-34 are 34 books.",
        "2,500円以上で送料無料です。",
    ],
)
def test_what_customers_talk_about_stays(text: str) -> None:
    """Titles, volumes, prices and dates are no personal data."""
    assert redact(text) == text


@given(st.text(max_size=120))
def test_redacting_twice_is_redacting_once(text: str) -> None:
    """A redacted text holds nothing more to redact."""
    once = redact(text)
    assert redact(once) == once


@given(st.from_regex(r"[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}", fullmatch=True))
def test_no_card_number_survives(number: str) -> None:
    """However sixteen digits are grouped, none is left in the text."""
    assert not any(character.isdigit() for character in redact(f"Card: {number}, thanks"))


@given(st.emails(), st.sampled_from(["please write to {} now", "メールは{}です"]))
def test_no_mail_address_of_the_usual_kind_survives(mail: str, sentence: str) -> None:
    """An address that people use, in letters, digits, dots and hyphens, is gone."""
    if not all(c.isascii() and (c.isalnum() or c in ".-_@+") for c in mail):
        return
    assert "@" not in redact(sentence.format(mail))


@pytest.mark.parametrize(
    ("question", "answer", "redacted"),
    [
        (
            "田中と申します。本が来ません。",
            "田中様、本日発送いたします。",
            "[name]様、本日発送いたします。",
        ),
        ("My name is Mary Smith.", "Thank you, Mary!", "Thank you, [name]!"),
        (
            "I'm Mary Smith",
            "Dear Ms. Smith, Smithson ships it.",
            "Dear Ms. [name], Smithson ships it.",
        ),
    ],
)
def test_a_name_that_the_question_gives_is_gone_from_the_answer(
    question: str, answer: str, redacted: str
) -> None:
    """Whole or in part, and not where it is a part of another word."""
    assert redact_turn(question, answer)[1] == redacted


def test_redaction_hides_no_fault_from_the_detector() -> None:
    """The checks find the same in a labelled turn after its redaction, the customer's name too."""
    changed = 0
    for labelled in load_labelled():
        turn = labelled.turn
        read = Turn(*redact_turn(turn.question, turn.answer), turn.expected)
        if "[" in read.question + read.answer:
            changed += 1
            inspect = detector(labelled.region).inspect
            assert inspect(read).faults() == inspect(turn).faults(), turn
    assert changed > 10
