"""Which language a text is in, told from its script and its commonest words.

Names do not make a language: callers take titles and quotations out first.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from canary.quality.text import chinese_only, is_han, is_kana, surface
from canary.quality.turn import Expected, Tally, Turn

__all__ = ["Language", "Prose", "check_language", "language_of", "prose"]


class Language(StrEnum):
    """What a text is written in."""

    ENGLISH = "english"
    JAPANESE = "japanese"
    MIXED = "mixed"
    """Sentences of English and of Japanese."""
    OTHER = "other"
    """Chinese, Korean, Spanish: none that a store here answers in."""
    NONE = "none"
    """Too little to tell: digits, a name, a smile."""


@dataclass(frozen=True)
class Prose:
    """What a text's characters amount to: Latin words, kana, kanji, and letters of neither."""

    words: tuple[str, ...]
    kana: int
    han: int
    foreign: int
    chinese: int


_WORDS = {
    name: frozenset(words.split())
    for name, words in tomllib.loads(
        Path(__file__).with_name("common_words.toml").read_text("utf-8")
    ).items()
}
_ENGLISH, _OTHERS, _ROMAJI = _WORDS["english"], _WORDS["others"], _WORDS["romaji"]
_SHARED = _ENGLISH & (_OTHERS | _ROMAJI)
_WORD = re.compile(r"[A-Za-z\u00c0-\u024f]+(?:'[a-z]+)?")
_ADDRESS = re.compile(r"https?://\S+|www\.\S+|\S+@\S+")
_QUOTED = re.compile(r"『[^』]*』|「[^」]*」|\([^()]*\)|\"[^\"]*\"|“[^”]*”|\*\*[^*]*\*\*")
_LEAST_WORDS = 3
_LEAST_KANA = 3
_LEAST_CHINESE = 4
_LEAST_HAN = 8


def prose(text: str) -> Prose:
    """The make-up of a surface text without web addresses."""
    bare = _ADDRESS.sub(" ", text)
    letters = [character for character in bare if character.isalpha()]
    return Prose(
        words=tuple(word.lower() for word in _WORD.findall(bare)),
        kana=sum(map(is_kana, letters)),
        han=sum(map(is_han, letters)),
        foreign=sum(not (_latin(c) or is_kana(c) or is_han(c) or c == "ー") for c in letters),
        chinese=sum(map(chinese_only, letters)),
    )


def language_of(text: str) -> Language:
    """The language of a surface text."""
    found = prose(text)
    japanese = found.kana >= _LEAST_KANA and found.chinese < _LEAST_CHINESE
    english, other = _counts(found.words)
    latin = len(found.words) >= _LEAST_WORDS
    strange = found.foreign > max(_LEAST_KANA, found.kana + found.han)
    if strange or _chinese(found) or (latin and other > english and other > 1 and not japanese):
        return Language.OTHER
    sentence = english >= _LEAST_WORDS or (latin and english > 1)
    if japanese:
        # A Japanese sentence has about two characters to the English word.
        both = sentence and 2 * len(found.words) > found.kana // 4
        return Language.MIXED if both else Language.JAPANESE
    if found.kana and found.kana + found.han >= _LEAST_KANA and sentence:
        return Language.MIXED
    if latin or english:
        return Language.ENGLISH
    return Language.JAPANESE if found.kana + found.han else Language.NONE


def check_language(turn: Turn, names: tuple[str, ...] = ()) -> Tally:
    """Whether the answer is in the language its region expects; `names` are titles in it.

    Under `Expected.QUESTION` a mixed question may be answered in Japanese, English or both. An
    answer too short to tell is right. A Japanese answer is wrong with simplified characters in it.
    """
    question, answer = surface(turn.question), surface(turn.answer)
    for name in sorted(names, key=len, reverse=True):
        question, answer = question.replace(name, " "), answer.replace(name, " ")
    # What stands in quotes or brackets is cited: it may be in any language if something else is.
    bare = _QUOTED.sub(" ", answer)
    seen = language_of(bare)
    if seen is Language.NONE:
        return Tally(1, 1)
    if turn.expected is Expected.ENGLISH:
        return Tally(int(_only_english(bare, seen)), 1)
    asked = language_of(_QUOTED.sub(" ", question))
    if asked in {Language.NONE, Language.OTHER}:
        asked = language_of(question)
    simplified = prose(answer).chinese > 0 and seen is not Language.ENGLISH
    return Tally(int(not simplified and seen in _ACCEPTED[asked]), 1)


_ACCEPTED = {
    Language.ENGLISH: frozenset({Language.ENGLISH}),
    Language.JAPANESE: frozenset({Language.JAPANESE}),
    Language.MIXED: frozenset({Language.ENGLISH, Language.JAPANESE, Language.MIXED}),
    Language.OTHER: frozenset({Language.ENGLISH, Language.JAPANESE, Language.MIXED}),
    Language.NONE: frozenset({Language.ENGLISH, Language.JAPANESE, Language.MIXED}),
}


def _only_english(text: str, seen: Language) -> bool:
    found = prose(text)
    romaji = sum(word in _ROMAJI for word in found.words)
    english, _ = _counts(found.words)
    return (
        seen is Language.ENGLISH
        and found.kana + found.han <= _LEAST_KANA
        and romaji <= max(english, 1)
    )


def _counts(words: tuple[str, ...]) -> tuple[int, int]:
    """Words that are common in English, and in other languages in Latin letters, not both."""
    english = sum(word.split("'")[0] in _ENGLISH - _SHARED for word in words)
    return english, sum(word in _OTHERS - _SHARED for word in words)


def _chinese(found: Prose) -> bool:
    if found.chinese >= _LEAST_CHINESE and found.chinese * 2 > found.kana:
        return True
    return found.han >= _LEAST_HAN and found.kana == 0 and found.chinese > 0


def _latin(character: str) -> bool:
    return character < "\u0250"
