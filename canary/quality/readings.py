"""Readings that an answer gives beside a Japanese title, in brackets or as ruby."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from canary.quality.catalogue.catalogue import Catalogue, Title
from canary.quality.text import hiragana, is_han, name_key, reading_key

__all__ = ["Reading", "readings_given", "without_ruby"]

_RUBY = re.compile(
    r"<ruby>(?P<base>[^<]+)(?:<rp>[^<]*</rp>)?<rt>(?P<kana>[^<]+)</rt>(?:<rp>[^<]*</rp>)?</ruby>",
    re.IGNORECASE,
)
_BRACKETS = (
    r"[』」\"”*]*\s?[(《\[【](?:読み[::]?\s*|よみ[::]?\s*)?([ぁ-んァ-ヶー・\s]{2,40})[)》\]】]"
)
_SPELLED_OUT = (
    r"[』」\"”*]*(?:の読み(?:方)?)?は[、\s]?[「『]([ぁ-んァ-ヶー・\s]{2,40})[」』]と(?:読|よ)"
)
_ANY_READING = re.compile(f"{_BRACKETS}|{_SPELLED_OUT}")
_SHORTEST = 2


@dataclass(frozen=True)
class Reading:
    """A title's name, or a part of it in kanji, with the kana given for it."""

    title: Title
    base: str
    kana: str

    @property
    def right(self) -> bool:
        """A whole name has the reading of the catalogue; a part's reading is within it."""
        given = reading_key(self.kana)
        known = [reading_key(reading) for reading in self.title.spoken()]
        if any(name_key(self.base) == name_key(name) for name in self.title.japanese):
            return given in known
        return any(given in reading for reading in known)


def readings_given(answer: str, catalogue: Catalogue) -> list[Reading]:
    """Every reading of a title of a surface answer, of those whose reading the catalogue knows."""
    return list(_beside_names(without_ruby(answer), catalogue)) + list(_in_ruby(answer, catalogue))


def without_ruby(answer: str) -> str:
    """The text as it reads without its ruby."""
    return _RUBY.sub(lambda match: match["base"], answer)


def _beside_names(text: str, catalogue: Catalogue) -> Iterator[Reading]:
    if not _ANY_READING.search(text):
        return
    for title in catalogue.titles:
        for name in title.japanese:
            if not title.readings or name not in text or not any(map(is_han, name)):
                continue
            pattern = re.escape(name) + f"(?:{_BRACKETS}|{_SPELLED_OUT})"
            for match in re.finditer(pattern, text):
                kana = match[1] or match[2]
                if not _is_name(kana, title):
                    yield Reading(title, name, kana)


def _in_ruby(answer: str, catalogue: Catalogue) -> Iterator[Reading]:
    """Ruby counts where the text around it is a title: over the whole name or a part of it."""
    text = without_ruby(answer)
    for match in _RUBY.finditer(answer):
        base = match["base"]
        for title in catalogue.titles:
            if title.readings and any(base in name and name in text for name in title.japanese):
                yield Reading(title, base, match["kana"])
                break


def _is_name(kana: str, title: Title) -> bool:
    """What stands in the brackets may be the title's other name, not a reading: (ハガレン)."""
    other = hiragana(name_key(kana))
    return len(other) < _SHORTEST or any(
        other == hiragana(name_key(name)) for name in title.japanese
    )
