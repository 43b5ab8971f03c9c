"""The titles a manga store sells, and the way from what somebody wrote to one of them.

The data is `titles.jsonl` beside this file: one JSON object a line, encoded in UTF-8.

| key | meaning |
|---|---|
| `english` | names in English, the official one first; it may be a Japanese word |
| `japanese` | names as Japanese shops write them, the official one first |
| `readings` | how the first Japanese name is read, in hiragana; absent where it is kana or Latin |
| `romanised` | romanised names that do not follow from the reading letter by letter |
| `volumes` | the last volume of the Japanese edition known in March 2025 |
| `complete` | whether the series ends with it |
| `everyday_word` | true where a name is an ordinary word: found only in marks or with a volume |

Series that are not complete have more volumes by now: a store puts its own file in this one's
place, or good answers about its newest volumes are flagged.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from canary.quality.romanise import romanised
from canary.quality.text import hiragana, is_han, is_kana, name_key, romanised_key

__all__ = ["Catalogue", "Form", "Named", "Title", "load_catalogue", "parse_title"]

SHIPPED = Path(__file__).with_name("titles.jsonl")
Form = str
"""How a title is named: `japanese`, `english` or `romanised`."""
_SIMILAR_LENGTH = 3
"""A shorter Japanese name has too many neighbours to tell a slip of the pen from another name."""
_SIMILAR_LATIN = 8


@dataclass(frozen=True)
class Title:
    """One series."""

    english: tuple[str, ...]
    japanese: tuple[str, ...]
    volumes: int
    complete: bool
    readings: tuple[str, ...] = ()
    romanised: tuple[str, ...] = ()
    everyday_word: bool = False

    @property
    def name(self) -> str:
        """The official English name, which identifies a title."""
        return self.english[0]

    def spoken(self) -> Iterator[str]:
        """Its readings in hiragana, and each name that is all kana as it is read."""
        yield from self.readings
        for name in self.japanese:
            letters = name_key(name)
            if all(is_kana(character) for character in letters):
                yield hiragana(letters)


@dataclass(frozen=True)
class Named:
    """A title, and in which form it was named."""

    title: Title
    form: Form


class Catalogue:
    """Titles by every name they go by. Raises `ValueError` where two titles share a name."""

    def __init__(self, titles: Iterable[Title]) -> None:
        self.titles = tuple(titles)
        self._by_name: dict[str, Named] = {}
        self._by_romanised: dict[str, Named] = {}
        self._by_length: dict[int, list[tuple[str, Title]]] = defaultdict(list)
        for title in self.titles:
            self._index(title)

    def find(self, name: str) -> Named | None:
        """The title of this name, written in any width, case, punctuation or romanisation."""
        return self._by_name.get(name_key(name)) or self._by_romanised.get(romanised_key(name))

    def similar(self, name: str) -> Title | None:
        """The title that `name` misses by one character wrong, missing or added, or two swapped.

        Names found as they are have no such neighbour; neither have short ones.
        """
        key = name_key(name)
        if self.find(name) or len(key) < _least_length(key):
            return None
        for length in (len(key), len(key) - 1, len(key) + 1):
            for other, title in self._by_length.get(length, ()):
                if _one_apart(key, other):
                    return title
        return None

    def _index(self, title: Title) -> None:
        for name, form in _names(title):
            key = name_key(name)
            if self._by_name.setdefault(key, Named(title, form)).title is not title:
                raise ValueError(f"catalogue: {name!r} is {self._by_name[key].title.name} too")
            if len(key) >= _least_length(key):
                self._by_length[len(key)].append((key, title))
            if form != "japanese":
                self._by_romanised.setdefault(romanised_key(name), Named(title, form))


def load_catalogue(path: Path = SHIPPED) -> Catalogue:
    """The catalogue of a file. Raises `ValueError`, naming the line, for one that is no title."""
    titles = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        try:
            titles.append(parse_title(json.loads(line)))
        except (ValueError, TypeError, KeyError) as problem:
            raise ValueError(f"{path.name}:{number}: {problem}") from problem
    return Catalogue(titles)


def parse_title(record: dict[str, Any]) -> Title:
    """One line's record. Raises `ValueError` for an unknown key, no name, or no volume."""
    known = {"english", "japanese", "volumes", "complete", "readings", "romanised", "everyday_word"}
    if extra := sorted(set(record) - known):
        raise ValueError(f"unknown keys {', '.join(extra)}")
    title = Title(
        english=tuple(record["english"]),
        japanese=tuple(record["japanese"]),
        volumes=record["volumes"],
        complete=record["complete"],
        readings=tuple(record.get("readings", ())),
        romanised=tuple(record.get("romanised", ())),
        everyday_word=record.get("everyday_word", False),
    )
    if not title.english or not title.japanese or title.volumes < 1:
        raise ValueError("a title needs an English and a Japanese name and at least one volume")
    return title


def _names(title: Title) -> Iterator[tuple[str, Form]]:
    """Japanese names first: one that is spelt alike in both languages counts as Japanese."""
    yield from ((name, "japanese") for name in title.japanese)
    seen = {name_key(name) for name in title.japanese}
    letters = tuple(romanised(reading) for reading in title.spoken())
    for form, names in (("english", title.english), ("romanised", title.romanised + letters)):
        for name in names:
            if (key := name_key(name)) not in seen:
                seen.add(key)
                yield name, form


def _least_length(key: str) -> int:
    japanese = any(is_kana(character) or is_han(character) for character in key)
    return _SIMILAR_LENGTH if japanese else _SIMILAR_LATIN


def _one_apart(left: str, right: str) -> bool:
    if len(left) > len(right):
        left, right = right, left
    if len(right) - len(left) > 1:
        return False
    same = 0
    while same < len(left) and left[same] == right[same]:
        same += 1
    if len(left) < len(right):
        return left[same:] == right[same + 1 :]
    swapped = left[same : same + 2] == right[same : same + 2][::-1]
    skipped = 2 if swapped else 1
    return left != right and left[same + skipped :] == right[same + skipped :]
