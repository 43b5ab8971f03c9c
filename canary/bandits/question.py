"""A question's context, told from its text: what LinUCB sees of it."""

from __future__ import annotations

import re

from canary.bandits.context import Context, Language

__all__ = ["context_of"]

_KANA = re.compile(r"[\u3040-\u30ff]")
_HAN = re.compile(r"[\u3400-\u9fff]")
_LATIN = re.compile(r"[A-Za-z]")
_WORD = re.compile(r"[^\W\d_]+")
_JOINT = re.compile(r"[,;:、。]|[?\uff1f]|\b(?:and|or|but|because|if)\b|(?:から|ので|けど|それと)")
_LONG_WORDS = 40
_LONG_CHARACTERS = 80
"""Of Japanese, which has no spaces."""
_MANY_JOINTS = 5


def context_of(message: str, *, prime: bool) -> Context:
    """The context of a message of a customer of that tier; whatever the text, there is one.

    Complexity is the mean of two measures, each cut at 1: the length (of 40 words, or of 80
    characters of Japanese) and the joints (5 commas, question marks or conjunctions). It needs to
    tell a greeting from a case with three conditions, no more.
    """
    language = _language(message)
    if language == "ja":
        length = len(re.sub(r"\s", "", message)) / _LONG_CHARACTERS
    else:
        length = len(_WORD.findall(message)) / _LONG_WORDS
    joints = len(_JOINT.findall(message.lower())) / _MANY_JOINTS
    complexity = (min(1.0, length) + min(1.0, joints)) / 2
    return Context(round(complexity, 3), language, prime)


def _language(message: str) -> Language:
    """Japanese as soon as there is kana, or Chinese characters and no Latin letter."""
    latin = len(_LATIN.findall(message))
    if _KANA.search(message) or (_HAN.search(message) and not latin):
        return "ja"
    letters = len("".join(_WORD.findall(message)))
    return "en" if 2 * latin >= letters else "other"
