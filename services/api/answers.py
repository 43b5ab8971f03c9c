"""Answers to repeated questions: when one may be given again, and under which name it is kept.

The model that gave an answer is part of the name, so that arms never share one. What a customer
said in the conversation before, or about himself, would make an answer nobody else's.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Set as AbstractSet

from canary.quality.privacy.redaction import redact
from services.api.apology import is_japanese

__all__ = ["KEPT_SECONDS", "answer_key", "fingerprint", "repeatable", "shareable"]

KEPT_SECONDS = 3_600
"""Opening hours and shipping costs change by the day."""
LONGEST_QUESTION = 200
LONGEST_ANSWER = 4_000
_SPACES = re.compile(r"\s+")


def fingerprint(message: str) -> str | None:
    """The question without what does not change it, hashed, with its language; None if too long.

    Cryptographic, since a customer who finds two questions of one name could answer for others.
    """
    if len(message) > LONGEST_QUESTION:
        return None
    plain = unicodedata.normalize("NFKC", message).casefold()
    plain = _SPACES.sub(" ", plain).strip(" .!?。")
    digest = hashlib.blake2b(plain.encode(), digest_size=16).hexdigest()
    return f"{'ja' if is_japanese(message) else 'en'}:{digest}"


def answer_key(model_id: str, question: str) -> str:
    """Where the cache keeps a model's answer; `question` is a fingerprint."""
    return f"chat:answer:{model_id}:{question}"


def repeatable(intent: str, turn: int, intents: AbstractSet[str]) -> bool:
    """Whether a turn may be answered from the cache: not about one customer, and the first."""
    return turn == 1 and intent in intents


def shareable(message: str, answer: str) -> bool:
    """Whether neither points to a person."""
    if len(answer) > LONGEST_ANSWER:
        return False
    return all(redact(text) == _one_width(text) for text in (message, answer))


def _one_width(text: str) -> str:
    """What redaction makes of a text in which it finds nothing."""
    plain = unicodedata.normalize("NFKC", text)
    return plain.replace("\u2010", "-").replace("\u2212", "-")
