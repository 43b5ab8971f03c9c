"""The checks on prices and promises, language, courtesy, and Japanese names."""
# ruff: noqa: RUF001 (the widths and signs that models write are what is tested)

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.quality.claims import false_claims
from canary.quality.facts import load_facts, parse_facts
from canary.quality.honorifics import check_honorifics
from canary.quality.language import Language, check_language, language_of
from canary.quality.readings import readings_given
from canary.quality.simplified import as_japanese
from canary.quality.text import surface
from canary.quality.turn import Expected, Tally, Turn
from tests.canary.quality.made import catalogue, inspect

US, JP = "us-east-1", "ap-northeast-1"


def claims(region: str, answer: str, question: str = "") -> list[str]:
    """The topics of an answer's false claims."""
    facts = load_facts(region)
    return [claim.topic for claim in false_claims(surface(question), surface(answer), facts)]


@pytest.mark.parametrize(
    ("region", "answer", "topics"),
    [
        (US, "It is $10.99.", []),
        (US, "It is $7.25.", ["price"]),
        (US, "3 books at $9.99 each are $29.97.", []),
        (US, "Shipping is $6.49 and express $12.95.", ["price"]),
        (US, "It costs 1,200 yen.", ["price"]),
        (US, "You may return it within 30 days of delivery.", []),
        (US, "You may return it within ninety days.", ["return"]),
        (US, "You can return it within 30 days, and the refund takes 5 days.", []),
        (US, "The refund takes 30 days.", ["refund"]),
        (US, "We price match any store.", ["price_match"]),
        (US, "We do not price match.", []),
        (US, "Everything is 30% off.", ["discount"]),
        (US, "All orders ship free.", ["always_free"]),
        (US, "Orders over $35 ship free.", []),
        (JP, "価格は５２８円です。", []),
        (JP, "価格は1,234円です。", ["price"]),
        (JP, "返品は商品到着後30日以内です。", []),
        (JP, "返品は2週間以内です。", ["return"]),
        (JP, "3割引です。", ["discount"]),
        (JP, "送料はいつでも無料です。", ["always_free"]),
        (JP, "2005年10月に始まった作品です。", []),
    ],
)
def test_what_no_fact_states_is_a_false_claim(region: str, answer: str, topics: list[str]) -> None:
    """Amounts, times, discounts and promises pass where the facts bear them out, else not."""
    assert claims(region, answer) == topics


def test_what_the_customer_named_is_no_claim() -> None:
    """An amount or a time that the answer only repeats was not made up by it."""
    assert claims(US, "The $52.37 goes back to your card.", "I paid $52.37.") == []
    assert (
        claims(JP, "14日前のご注文の返品ですね。", "14日前に注文しました。返品したいです。") == []
    )


@given(st.sampled_from(sorted(load_facts(US).prices)))
def test_every_price_of_the_store_may_be_said(price: Decimal) -> None:
    """No amount in the facts is ever flagged."""
    assert claims(US, f"It is ${price} today.") == []


def test_facts_are_refused_with_a_typing_error(tmp_path: Path) -> None:
    """Unknown regions, keys, currencies and languages raise and say which."""
    with pytest.raises(ValueError, match="no region eu-west-1"):
        load_facts("eu-west-1")
    with pytest.raises(ValueError, match="unknown keys price"):
        parse_facts({"currency": "USD", "price": [1]})
    with pytest.raises(ValueError, match="EUR"):
        parse_facts({"currency": "EUR", "answers_in": "english"})
    with pytest.raises(ValueError, match="answers_in 'french'"):
        parse_facts({"currency": "USD", "answers_in": "french"})
    path = tmp_path / "facts.toml"
    path.write_text('[here]\nanswers_in = "question"\ncurrency = "JPY"\nprices = [10.5]\n', "utf-8")
    assert load_facts("here", path).prices == frozenset({Decimal("10.5")})


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Your order has shipped and is on its way.", Language.ENGLISH),
        ("ご注文は発送済みです。", Language.JAPANESE),
        ("在庫あり", Language.JAPANESE),
        ("在庫はありますか? I want to know if it is in stock.", Language.MIXED),
        ("我们推荐您阅读这些漫画，它们现在非常受欢迎。", Language.OTHER),
        ("Sí, enviamos a Texas. Su pedido llega en tres días.", Language.OTHER),
        ("반품 배송비는 고객님께서 부담하셔야 합니다.", Language.OTHER),
        ("123 :)", Language.NONE),
    ],
)
def test_a_language_is_told_from_script_and_common_words(text: str, language: Language) -> None:
    """English, Japanese, both, another one, or too little to tell."""
    assert language_of(surface(text)) is language


@pytest.mark.parametrize(
    ("expected", "question", "answer", "right"),
    [
        (Expected.ENGLISH, "在庫はありますか", "Yes, it is in stock.", True),
        (Expected.ENGLISH, "在庫はありますか", "はい、在庫がございます。", False),
        (Expected.ENGLISH, "Kanji?", "It is written 『進撃の巨人』 in Japanese.", True),
        (Expected.QUESTION, "在庫はありますか", "Yes, it is in stock for you.", False),
        (Expected.QUESTION, "Do you have it?", "はい、在庫がございます。", False),
        (Expected.QUESTION, "Hello, please help me. 在庫はありますか?", "はい、ございます。", True),
        (Expected.QUESTION, "Hello, please help me. 在庫はありますか?", "Yes, we have it.", True),
        (Expected.QUESTION, "退会したいです", "画面の按钮を押してください。", False),
        (Expected.QUESTION, "ok?", "", True),
    ],
)
def test_the_answer_is_in_the_language_of_its_region(
    expected: Expected, question: str, answer: str, right: bool
) -> None:
    """English regions answer in English; others as they are asked, in Japan's own characters."""
    assert check_language(Turn(question, answer, expected)) == Tally(int(right), 1)


@pytest.mark.parametrize(
    ("question", "answer", "tally"),
    [
        ("", "お客様のご注文は発送済みです。", Tally(2, 2)),
        ("", "お客さんのご注文は発送済みです。", Tally(1, 2)),
        ("", "あなたのご注文は発送済みです。", Tally(1, 2)),
        ("", "発送したよ。", Tally(0, 1)),
        ("田中と申します。", "田中様、ありがとうございます。", Tally(2, 2)),
        ("田中と申します。", "田中くん、ありがとうございます。", Tally(1, 2)),
        ("", "お客様様のご注文です。", Tally(1, 2)),
        ("", "Your order has shipped.", Tally(0, 0)),
    ],
)
def test_honorifics_are_counted_one_by_one(question: str, answer: str, tally: Tally) -> None:
    """Each address, each use of the customer's name, and the register of the whole."""
    assert check_honorifics(question, answer) == tally


def test_words_of_a_title_are_not_addressed_to_anybody() -> None:
    """『君に届け』 calls nobody 君, and 『僕だけがいない街』 is no plain sentence."""
    findings = inspect(JP, "おすすめは?", "『君に届け』と『僕だけがいない街』がおすすめです。")
    assert findings.honorifics == Tally(1, 1)


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ("『鋼の錬金術師』(はがねのれんきんじゅつし)です。", [True]),
        ("『鋼の錬金術師』（ハガネノレンキンジュツシ）です。", [True]),
        ("『鋼の錬金術師』(こうのれんきんじゅつし)です。", [False]),
        ("<ruby>進撃<rt>しんげき</rt></ruby>の<ruby>巨人<rt>きょにん</rt></ruby>", [True, False]),
        ("『鋼の錬金術師』(ハガレン)です。", []),
        ("『ワンピース』(わんぴーす)です。", []),
    ],
)
def test_readings_are_held_against_the_catalogue(answer: str, right: list[bool]) -> None:
    """In brackets or as ruby, over a whole title or a part of it; a nickname is no reading."""
    found = readings_given(surface(answer), catalogue())
    assert [reading.right for reading in found] == right


@pytest.mark.parametrize(
    ("question", "answer", "tally"),
    [
        ("進撃の巨人はありますか?", "『進撃の巨人』がございます。", Tally(1, 1)),
        ("進撃の巨人はありますか?", "『進撃の巨人』(Attack on Titan)がございます。", Tally(1, 1)),
        ("進撃の巨人はありますか?", "Shingeki no Kyojinがございます。", Tally(0, 1)),
        ("進撃の巨人はありますか?", "Attack on Titanがございます。", Tally(0, 1)),
        ("進撃の巨人はありますか?", "进击的巨人がございます。", Tally(0, 1)),
        ("進撃の巨人はありますか?", "進撃の巨入がございます。", Tally(0, 1)),
        ("進撃の巨人はありますか?", "はい、ございます。", Tally(0, 0)),
        ("ナルトはありますか?", "NARUTOがございます。", Tally(1, 1)),
        ("Do you have Attack on Titan?", "Yes, Attack on Titan is here.", Tally(0, 0)),
        ("Do you have 進撃の巨人 in English?", "Yes, Attack on Titan is here.", Tally(0, 0)),
    ],
)
def test_a_title_asked_for_in_japanese_stays_japanese(
    question: str, answer: str, tally: Tally
) -> None:
    """Not romanised, not translated, not in Chinese characters, not misspelt; glosses are fine."""
    assert inspect(JP, question, answer).japanese_names == tally


def test_an_english_region_need_not_keep_kanji() -> None:
    """Where only English is answered, the official English name is the right one."""
    findings = inspect(US, "進撃の巨人はありますか?", "Yes, we have Attack on Titan.")
    assert findings.japanese_names == Tally(0, 0)
    assert findings.faults() == frozenset()


@given(st.text(max_size=80))
def test_simplified_characters_are_replaced_one_for_one(text: str) -> None:
    """Positions found in one form hold in the other, and a Japanese text stays as it is."""
    assert len(as_japanese(text)) == len(text)
    assert as_japanese(as_japanese(text)) == as_japanese(text)
