"""Whether a Japanese title stays the Japanese title that a customer asked for."""

from __future__ import annotations

from collections.abc import Sequence

from canary.quality.catalogue.catalogue import Title
from canary.quality.language import Language, language_of
from canary.quality.mentions import Mention, Spelling
from canary.quality.readings import Reading
from canary.quality.text import is_han, is_kana, name_key

__all__ = ["asked_in_japanese", "lost_names", "slipped"]

_SLIP_LENGTH = 4
"""Shorter names are one character away from too many words."""


def asked_in_japanese(question: str, mentions: Sequence[Mention]) -> list[Title]:
    """The titles that a Japanese or mixed surface question names in kanji or kana."""
    bare = question
    for mention in reversed(mentions):
        bare = bare[: mention.start] + " " + bare[mention.end :]
    language = language_of(bare)
    if language is Language.NONE:
        language = language_of(question)
    if language not in {Language.JAPANESE, Language.MIXED}:
        return []
    titles = [
        mention.title
        for mention in mentions
        if mention.title and any(is_han(c) or is_kana(c) for c in mention.text)
    ]
    return list(dict.fromkeys(titles))


def slipped(title: Title, answer: str) -> str | None:
    """Where running text has a Japanese name of the title with one character wrong, if it has."""
    for name in title.japanese:
        if len(name_key(name)) < _SLIP_LENGTH or name in answer or not any(map(is_han, name)):
            continue
        for start in range(len(answer) - len(name) + 1):
            window = answer[start : start + len(name)]
            if sum(a != b for a, b in zip(window, name, strict=True)) == 1:
                return window
    return None


def lost_names(
    asked: Sequence[Title], answer: str, mentions: Sequence[Mention], readings: Sequence[Reading]
) -> tuple[list[Title], list[Title]]:
    """The Japanese names that an answer had to keep, and those of them that it did not keep.

    To keep are titles asked for in Japanese that the answer names at all, titles whose reading it
    gives, and those it writes in simplified characters. Kept is a name that stands in the answer
    in Japanese, nowhere with a wrong character, and with no wrong reading: a translation beside it
    does no harm.
    """
    named = {mention.title for mention in mentions}
    slips = [title for title in asked if slipped(title, answer)]
    simplified = [m.title for m in mentions if m.spelling is Spelling.SIMPLIFIED and m.title]
    read = [reading.title for reading in readings]
    in_chinese = any(m.spelling is Spelling.SIMPLIFIED and m.title is None for m in mentions)
    needed = [title for title in asked if title in named or title in slips or in_chinese]
    needed = list(dict.fromkeys([*needed, *read, *simplified]))
    misread = {reading.title for reading in readings if not reading.right}
    japanese = {mention.title for mention in mentions if mention.form == "japanese"}
    broken = {m.title for m in mentions if m.spelling in {Spelling.SIMPLIFIED, Spelling.MISSPELT}}
    kept = japanese - broken - misread - set(slips)
    return needed, [title for title in needed if title not in kept]
