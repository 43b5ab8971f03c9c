"""Prices and promises in an answer that the store's facts do not state.

An amount or a time that the customer named first, and one that the answer denies, is no claim of
the store. A sum of several volumes at one price, less a discount that exists, is no new price.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from canary.quality.facts import StoreFacts
from canary.quality.text import sentences

__all__ = ["Claim", "false_claims"]

_AMOUNT = re.compile(
    r"(?P<dollar>(?:us)?\$\s?(?P<usd>\d[\d,]{0,12}(?:\.\d+)?))"
    r"|(?<![\d,])(?P<usd2>\d[\d,]{0,12}(?:\.\d+)?)\s?(?:usd|dollars?|bucks)\b"
    r"|[¥\\]\s?(?P<jpy>\d[\d,]{0,12})"
    r"|(?<![\d,])(?P<jpy2>\d[\d,]{0,12})\s?(?:円|yen\b|jpy\b)",
    re.IGNORECASE,
)
_SPAN = re.compile(
    r"(?P<low>\d{1,4})(?:\s?(?:-|~|〜|to|or|から)\s?(?P<high>\d{1,4}))?[\s-]?"
    r"(?P<unit>(?:business |working |calendar |full )?(?:days?|hours?|weeks?|months?|years?)\b"
    r"|営業日|日間?(?!本|付|曜)|時間|週間|[かヶヵケカ]月|年間?(?!代))",
    re.IGNORECASE,
)
_ROUNDING = {"USD": Decimal("0.01"), "JPY": Decimal(1)}
_LEAST_YEN = 10
"""Less is what a point is worth, not what something costs."""
_AHEAD = 15
"""Characters: a length of time belongs rather to the word before it than to one after it."""
_WORDED = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "six": 6, "ten": 10}
_WORDED |= {"fourteen": 14, "thirty": 30, "sixty": 60, "ninety": 90}
_WORD_NUMBER = re.compile(
    rf"\b({'|'.join(_WORDED)})(?=[ -](?:full |business )?(?:day|week|month|year|hour)s?\b)",
    re.IGNORECASE,
)
_DAYS = (
    (re.compile(r"week|週間", re.IGNORECASE), 7),
    (re.compile(r"month|月", re.IGNORECASE), 30),
    (re.compile(r"year|年", re.IGNORECASE), 365),
)
_TOPICS = (
    ("refund", re.compile(r"\brefund|返金|払い戻し", re.IGNORECASE)),
    (
        "return",
        re.compile(r"\breturn|\bexchang|\bsend (?:it|them) back|返品|交換|返送", re.IGNORECASE),
    ),
    ("cancel", re.compile(r"\bcancel|キャンセル|取り消", re.IGNORECASE)),
    ("points", re.compile(r"\bpoints?\b|\bexpir|ポイント|有効期限", re.IGNORECASE)),
    (
        "delivery",
        re.compile(
            # Not the day that a length of time counts from: within 30 days of delivery.
            r"(?<!of )(?<!after )(?<!since )\b(?:deliver|arriv|ship|dispatch)"
            r"|(?:お届け|届き|届く|配送|配達|発送|到着)(?!日?(?:後|から|より))",
            re.IGNORECASE,
        ),
    ),
)
_PERCENT = re.compile(r"(\d{1,3})\s?(?:%|percent\b|パーセント)", re.IGNORECASE)
_OFF = re.compile(
    r"\boff\b|\bdiscount|\bsav(?:e|ing)|\bpoints?\b|\bless\b|割引|オフ|引き|還元|ポイント|お得",
    re.IGNORECASE,
)
_TENTHS = re.compile(r"(\d)割(?:引|オフ|お得)")
_PROMISES = (
    (
        "price_match",
        re.compile(
            r"\bprice[- ]match|\bmatch (?:any|the|their|its) (?:\w+ )?price|"
            r"価格保証|最安値保証|他店.{0,12}(?:合わせ|値引)",
            re.IGNORECASE,
        ),
    ),
    (
        "lifetime",
        re.compile(
            r"\blifetime (?:\w+ )?(?:guarantee|warranty|returns?|replacement)|永久保証|生涯保証"
            r"|無期限で(?:返品|交換)",
            re.IGNORECASE,
        ),
    ),
    (
        "free_returns",
        re.compile(
            r"\bfree returns?\b|\breturns? (?:are|is) (?:always )?free|\bwe (?:always )?pay "
            r"(?:the )?return (?:shipping|postage)|返品(?:送料)?は?(?:常に|いつでも)?無料",
            re.IGNORECASE,
        ),
    ),
    (
        "always_free",
        re.compile(
            r"\b(?:all orders ship|shipping is (?:always )?|always) free\b(?! (?:on|over|from|for))"
            r"|\bfree shipping on (?:all|every|any) order"
            r"|送料は(?:いつでも|常に|すべて|全品)無料|(?:全品|全国一律で?)送料無料",
            re.IGNORECASE,
        ),
    ),
)
_DENIAL = re.compile(
    r"\b(?:do|does|is|are|can)(?:\s?not|n't)\b|\bcannot\b|\bno\b|\bunfortunately\b|ません|いたしかね|ございませんが|対象外",
    re.IGNORECASE,
)
_COUNT = re.compile(r"(?<![\d.,$¥])(\d{1,2})(?![\d.,]*\d|\s?(?:円|%|days?|日))")
_COUNTED = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "ten": 10}


@dataclass(frozen=True)
class Claim:
    """Something the store does not charge or promise, as the answer says it, and what it is of."""

    text: str
    topic: str


def false_claims(question: str, answer: str, facts: StoreFacts) -> list[Claim]:
    """Each amount, time, discount and promise of a surface answer that no fact bears out."""
    asked = {(currency, amount) for currency, amount, _ in _amounts(question)}
    asked_spans = {number for numbers, _, _ in _spans(question) for number in numbers}
    found: list[Claim] = []
    for sentence in sentences(answer):
        found += _prices(sentence, facts, asked)
        found += _times(sentence, facts, asked_spans)
        found += _discounts(sentence, question, facts)
        found += [
            Claim(match[0], topic)
            for topic, pattern in _PROMISES
            if topic in facts.untrue
            and (match := pattern.search(sentence))
            and not _DENIAL.search(sentence)
        ]
    return found


def _prices(sentence: str, facts: StoreFacts, asked: set[tuple[str, Decimal]]) -> Iterator[Claim]:
    counts = {int(match[1]) for match in _COUNT.finditer(sentence)} | {1}
    counts |= {
        n for word, n in _COUNTED.items() if re.search(rf"\b{word}\b", sentence, re.IGNORECASE)
    }
    percents = {int(match[1]) for match in _PERCENT.finditer(sentence)} & facts.percents | {0}
    for currency, amount, text in _amounts(sentence):
        known = currency == facts.currency and any(
            abs(price * n * (100 - percent) / 100 - amount) < _ROUNDING[currency]
            for price in facts.prices
            for n in counts
            for percent in percents
        )
        tiny = currency == "JPY" and amount < _LEAST_YEN
        if not known and not tiny and (currency, amount) not in asked:
            yield Claim(text, "price")


def _amounts(text: str) -> Iterator[tuple[str, Decimal, str]]:
    for match in _AMOUNT.finditer(text):
        dollars = match["usd"] or match["usd2"]
        digits = (dollars or match["jpy"] or match["jpy2"]).replace(",", "")
        yield ("USD" if dollars else "JPY"), Decimal(digits), match[0].strip()


def _times(sentence: str, facts: StoreFacts, asked: set[int]) -> Iterator[Claim]:
    """Lengths of time, each held against the facts of the topic whose word stands nearest."""
    cues = [
        (match.start(), match.end(), topic)
        for topic, pattern in _TOPICS
        for match in pattern.finditer(sentence)
    ]
    if not cues:
        return
    for numbers, unit, text in _spans(sentence):
        at = max(0, sentence.find(text))
        topic = min(cues, key=lambda cue: max(cue[0] - at - len(text) + _AHEAD, at - cue[1]))[2]
        known = (facts.hours if unit == "hours" else facts.days).get(topic, frozenset())
        if not set(numbers) <= known | asked:
            yield Claim(text, topic)


def _spans(text: str) -> Iterator[tuple[tuple[int, ...], str, str]]:
    """Each length of time: its numbers in days or hours, which of the two, and its words."""
    in_digits = _WORD_NUMBER.sub(lambda match: str(_WORDED[match[1].lower()]), text)
    for match in _SPAN.finditer(in_digits):
        numbers = [int(group) for group in (match["low"], match["high"]) if group]
        if re.search(r"hour|時間", match["unit"], re.IGNORECASE):
            yield tuple(numbers), "hours", match[0]
            continue
        factor = next((days for pattern, days in _DAYS if pattern.search(match["unit"])), 1)
        yield tuple(number * factor for number in numbers), "days", match[0]


def _discounts(sentence: str, question: str, facts: StoreFacts) -> Iterator[Claim]:
    if _OFF.search(sentence) and not _DENIAL.search(sentence):
        for match in _PERCENT.finditer(sentence):
            if int(match[1]) not in facts.percents and match[0] not in question:
                yield Claim(match[0], "discount")
    for match in _TENTHS.finditer(sentence):
        if int(match[1]) * 10 not in facts.percents and match[0] not in question:
            yield Claim(match[0], "discount")
