"""What customers and models say, in the language of their region's store.

The store's own catalogue, which the detector reads, has the titles; a hallucination names one that
is in no catalogue. A good answer keeps to the store's facts and manners.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Literal

from canary.local.behaviour import uniform
from canary.quality.catalogue.catalogue import load_catalogue
from canary.quality.facts import find_facts
from canary.quality.turn import Expected

__all__ = ["INVENTED_TITLES", "Language", "answer", "catalogue", "message", "spoken_in"]

Language = Literal["english", "japanese"]

INVENTED_TITLES = {
    "english": (
        "The Ninth Lantern of Osaka",
        "Crimson Abacus",
        "Midnight Ramen Detective",
        "Sword of the Paper Crane",
        "Tokyo Tidewalkers",
        "The Clockmaker's Kitsune",
    ),
    "japanese": (
        "紙鶴の剣士",
        "大阪第九の灯籠",
        "真夜中のラーメン探偵",
        "紅そろばん",
        "潮騒の東京",
    ),
}
_MESSAGES = {
    "english": {
        "recommendation": 'Can you recommend something like "{title}"?',
        "product_discovery": 'I am looking for a series in the style of "{title}".',
        "faq": "What are your opening hours, and do you ship abroad? I read {title}.",
        "product_question": 'How many volumes does "{title}" have?',
        "order_tracking": "Where is my parcel with {title}, number {number}?",
        "checkout_help": "My payment for {title} fails at the last step.",
        "return_request": "I want to send back my copy of {title}, can I return it?",
        "promotion": "Is there a discount on {title} this week?",
        "chitchat": "Hello! Do you like {title} too?",
        "escalation": "Let me talk to a human about {title}, please.",
    },
    "japanese": {
        "recommendation": "『{title}』みたいな作品のおすすめはありますか",
        "product_discovery": "『{title}』のような作風の漫画を探しています",
        "faq": "営業時間を教えてください。『{title}』は海外に発送できますか",
        "product_question": "『{title}』は全部で何巻ですか",
        "order_tracking": "注文した『{title}』の荷物はどこですか。番号は{number}です。",
        "checkout_help": "『{title}』の支払いが最後の画面で失敗します",
        "return_request": "『{title}』を返品できますか",
        "promotion": "『{title}』は今週割引がありますか",
        "chitchat": "こんにちは、あなたも『{title}』が好き?",
        "escalation": "『{title}』のことで担当者と話したい",
    },
}
_FALLBACK = "chitchat"
_ANSWERS = {
    "english": (
        'You may enjoy "{first}"; readers of "{second}" often do.',
        'We have "{first}" and "{second}" in stock, both at $10.99, and they ship within 24 hours.',
        (
            'For that I would start with "{first}", then "{second}". You can return unread books '
            "within 30 days."
        ),
    ),
    "japanese": (
        "お客様には『{first}』がおすすめです。『{second}』もご好評をいただいております。",
        "『{first}』と『{second}』は在庫がございます。各528円、24時間以内に発送いたします。",
        "『{first}』のあとに『{second}』をお読みください。未読の本は30日以内に返品いただけます。",
    ),
}
_ASKED = re.compile(r"『([^』]+)』")


def spoken_in(region: str) -> Language:
    """What customers of a region write: what its store answers in."""
    facts = find_facts(region)
    return "japanese" if facts and facts.expected is Expected.QUESTION else "english"


@cache
def catalogue(language: Language = "english") -> tuple[str, ...]:
    """The titles of the store, as the detector knows them, by their first name."""
    titles = load_catalogue().titles
    if language == "japanese":
        return tuple(title.japanese[0] for title in titles)
    return tuple(title.name for title in titles)


def message(
    intent: str, seed: int, conversation_id: str, turn: int, language: Language = "english"
) -> str:
    """What a customer says who means `intent`."""
    luck = uniform(seed, "message", conversation_id, turn)
    messages = _MESSAGES[language]
    template = messages.get(intent, messages[_FALLBACK])
    title = _pick(catalogue(language), luck)
    return template.format(title=title, number=100_000 + int(luck * 900_000))


def answer(
    seed: int,
    conversation_id: str,
    turn: int,
    *,
    hallucinated: bool,
    question: str = "",
    language: Language = "english",
) -> str:
    """What a model says: two titles of the catalogue, or one of them invented.

    A Japanese title that the question has in marks stays as it is in the answer.
    """
    luck = uniform(seed, "answer", conversation_id, turn)
    titles = catalogue(language)
    asked = _ASKED.search(question)
    first = asked[1] if asked else _pick(titles, luck)
    second = _pick(titles, (luck * 31) % 1)
    if hallucinated:
        second = _pick(INVENTED_TITLES[language], luck)
    return _pick(_ANSWERS[language], (luck * 17) % 1).format(first=first, second=second)


def _pick(choices: tuple[str, ...], luck: float) -> str:
    return choices[int(luck * len(choices))]
