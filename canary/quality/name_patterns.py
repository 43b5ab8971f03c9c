"""Patterns that find a catalogue's names in running text, outside any marks."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from canary.quality.catalogue.catalogue import Catalogue, Title
from canary.quality.romanise import syllables
from canary.quality.text import is_han, is_kana, name_key, surface

__all__ = ["NamePattern", "name_patterns"]

_GAP = r"[\W_]{0,3}?"
_LONG_VOWEL = re.compile(r"(?<=[a-z])[ou](?![ou])")
"""Where romanisations differ: Bungo or Bungou."""
_LOOK_BEHIND = re.compile(r"^\(\?<![^)]*\)")
_SHORT_JAPANESE = 2
_SHORT = 3
"""Names of so few characters are found only with a volume: they may be part of another word."""
_WORD_IN_KANA = 5
"""The same of names that are everyday words."""


class NamePattern:
    """Many names as one pattern: of those that begin at a place, the longest.

    Names lie by their first character, because Python's `re` tries each of a thousand alternatives
    at each place; a character's names are compiled when a text first has it.
    """

    def __init__(self, lengths: Mapping[str, int]) -> None:
        """`lengths` gives each name's pattern the length that orders it."""
        self._by_first: dict[str, list[str]] = defaultdict(list)
        for pattern in sorted(lengths, key=lambda pattern: -lengths[pattern]):
            for first in _first_characters(pattern):
                self._by_first[first].append(pattern)
        self._compiled: dict[str, re.Pattern[str]] = {}
        firsts = "".join(sorted(self._by_first))
        latin = "".join(first for first in firsts if first.isascii())
        other = "".join(first for first in firsts if not first.isascii())
        # No name in Latin letters begins within a word.
        starts = [rf"(?<![A-Za-z0-9])[{latin}]"] * bool(latin) + [f"[{other}]"] * bool(other)
        self._starts = re.compile("|".join(starts) or r"(?!)", re.IGNORECASE)

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """Every match in order, none within another, as a pattern of all names would find them."""
        end = 0
        for start in self._starts.finditer(text):
            if start.start() < end:
                continue
            match = self._names(start[0].lower()).match(text, start.start())
            if match:
                yield match
                end = match.end()

    def _names(self, first: str) -> re.Pattern[str]:
        if first not in self._compiled:
            self._compiled[first] = re.compile("|".join(self._by_first[first]), re.IGNORECASE)
        return self._compiled[first]


def name_patterns(catalogue: Catalogue) -> tuple[NamePattern, NamePattern]:
    """Names that are told from other words by themselves, and those that need a volume beside.

    Both tolerate case, spaces and punctuation; romanised names any division into words and any way
    to write long vowels. They read texts without accents.
    """
    plain: dict[str, int] = {}
    words: dict[str, int] = {}
    for title in catalogue.titles:
        for name in (*title.english, *title.japanese, *title.romanised):
            group = words if _may_be_a_word(name, title) else plain
            group[_spelt(name)] = len(name)
        group = words if title.everyday_word else plain
        for reading in title.spoken():
            if len(reading) > _SHORT:
                group[_romanised(reading)] = len(reading)
    return NamePattern(plain), NamePattern(words)


def _may_be_a_word(name: str, title: Title) -> bool:
    key = name_key(name)
    if any(is_han(character) for character in key):
        return len(key) < _SHORT_JAPANESE or (title.everyday_word and len(key) <= _SHORT_JAPANESE)
    if any(is_kana(character) for character in key):
        return len(key) <= _SHORT_JAPANESE or (title.everyday_word and len(key) <= _WORD_IN_KANA)
    return title.everyday_word or len(key) <= _SHORT


def _spelt(name: str) -> str:
    parts = re.findall(r"[^\W_]+", surface(name))
    loose = (_LONG_VOWEL.sub(r"\g<0>[ou]?", re.escape(part)) for part in parts)
    body = _GAP.join(loose).replace("の", "[の的]")
    return f"{_edge(name, parts[0][0], '?<!')}{body}{_edge(name, parts[-1][-1], '?!')}"


def _romanised(reading: str) -> str:
    """Each syllable, words divided anywhere; a vowel that only lengthens may be left out."""
    out = ""
    last = ""
    for syllable in syllables(reading):
        lengthens = syllable in {"u", "o"} and last in {"o", "u"}
        piece = re.escape(syllable).replace("wo", "w?o")
        out += f"(?:{piece})?" if lengthens else ("" if not out else r"[\s'-]{0,2}") + piece
        last = syllable[-1]
    return rf"(?<![A-Za-z0-9]){out}(?![A-Za-z0-9])"


def _edge(name: str, character: str, look: str) -> str:
    """Latin next to Latin, or katakana next to a katakana name, makes another word of it."""
    if character.isascii():
        number = "" if character.isdigit() or look == "?<!" else r"(?!\d{1,4}巻)"
        return f"({look}{number}[A-Za-z0-9])"
    if all(is_kana(c) and c >= "\u30a0" for c in name_key(name)):
        return f"({look}[\\u30a1-\\u30fa\\u30fc])"
    return ""


def _first_characters(pattern: str) -> frozenset[str]:
    """What a name of this pattern may begin with, in lower case, after what it looks behind at."""
    begun = _LOOK_BEHIND.sub("", pattern)
    if begun.startswith("w?"):
        return frozenset({"w", begun[2]})
    if begun.startswith("["):
        return frozenset(begun[1 : begun.index("]")])
    return frozenset({begun[0].lower()})
