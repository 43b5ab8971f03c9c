"""What customers and models say: messages with words a classifier knows, answers with titles.

The store's own catalogue, which the detector reads, has the titles; a hallucination names one that
is in no catalogue.
"""

from __future__ import annotations

import re
from functools import cache

from canary.local.behaviour import uniform
from canary.quality.catalogue.catalogue import load_catalogue

__all__ = ["INVENTED_TITLES", "answer", "catalogue", "classify", "message"]

MISTAKEN_SHARE = 0.02
"""How often the classifier is wrong."""

INVENTED_TITLES = (
    "The Ninth Lantern of Osaka",
    "Crimson Abacus",
    "Midnight Ramen Detective",
    "Sword of the Paper Crane",
    "Tokyo Tidewalkers",
    "The Clockmaker's Kitsune",
)
_MESSAGES = {
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
}
_WORDS = {
    "recommendation": "recommend",
    "product_discovery": "looking for",
    "faq": "opening hours",
    "product_question": "how many volumes",
    "order_tracking": "parcel",
    "checkout_help": "payment",
    "return_request": "send back",
    "promotion": "discount",
    "chitchat": "hello",
    "escalation": "human",
}
_KEYWORDS = re.compile("|".join(f"(?P<{intent}>{word})" for intent, word in _WORDS.items()))
_FALLBACK = "chitchat"
_ANSWERS = (
    'You may enjoy "{first}"; readers of "{second}" often do.',
    'We have "{first}" and "{second}" in stock, both ship today.',
    'For that I would start with "{first}", then "{second}".',
)


@cache
def catalogue() -> tuple[str, ...]:
    """The titles of the store, as the detector knows them."""
    return tuple(title.name for title in load_catalogue().titles)


def message(intent: str, seed: int, conversation_id: str, turn: int) -> str:
    """What a customer says who means `intent`."""
    luck = uniform(seed, "message", conversation_id, turn)
    template = _MESSAGES.get(intent, _MESSAGES[_FALLBACK])
    return template.format(title=_pick(catalogue(), luck), number=100_000 + int(luck * 900_000))


def classify(text: str, seed: int) -> tuple[str, float]:
    """The intent of a message and the classifier's confidence; rarely it is mistaken."""
    found = _KEYWORDS.search(text.casefold())
    intent = str(found.lastgroup) if found else _FALLBACK
    luck = uniform(seed, "classify", text)
    if luck < MISTAKEN_SHARE:
        others = [each for each in _WORDS if each != intent]
        return _pick(tuple(others), luck / MISTAKEN_SHARE), 0.45
    return intent, 0.97 if found else 0.30


def answer(seed: int, conversation_id: str, turn: int, *, hallucinated: bool) -> str:
    """What a model says: two titles of the catalogue, or one of them invented."""
    luck = uniform(seed, "answer", conversation_id, turn)
    titles = catalogue()
    first = _pick(titles, luck)
    second = _pick(titles, (luck * 31) % 1)
    if hallucinated:
        second = _pick(INVENTED_TITLES, luck)
    return _pick(_ANSWERS, (luck * 17) % 1).format(first=first, second=second)


def _pick(choices: tuple[str, ...], luck: float) -> str:
    return choices[int(luck * len(choices))]
