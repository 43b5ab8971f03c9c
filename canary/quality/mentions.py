"""Every place where an answer names a title, and what became of the title there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from canary.quality.catalogue.catalogue import Catalogue, Title
from canary.quality.denial import denied
from canary.quality.marks import Mark, looks_like_title, marks
from canary.quality.name_patterns import NamePattern, name_patterns
from canary.quality.simplified import as_japanese
from canary.quality.text import chinese_only, name_key, without_accents
from canary.quality.unmarked import put_forward
from canary.quality.volumes import (
    Volumes,
    split_volume,
    volumes_after,
    volumes_before,
    volumes_in_next_sentence,
)

__all__ = ["Mention", "MentionFinder", "Spelling"]

_REACH = 60
"""Characters beside a title in which its volume is looked for."""


class Spelling(StrEnum):
    """How a mention relates to the catalogue."""

    EXACT = "exact"
    """A name of the catalogue, but for width, case and punctuation."""
    SIMPLIFIED = "simplified"
    """Written with simplified Chinese characters; without title where it is a Chinese name."""
    MISSPELT = "misspelt"
    """One character away from a name."""
    UNKNOWN = "unknown"
    """Put forward as a title, and like none."""


@dataclass(frozen=True)
class Mention:
    """A title as it stands in a surface text; `form` is None where the spelling is not exact.

    `denied`: the text says that it, or its volume, is not there.
    """

    text: str
    start: int
    end: int
    spelling: Spelling
    title: Title | None
    form: str | None
    volumes: Volumes | None
    denied: bool

    @property
    def wrong_volume(self) -> bool:
        """A volume beyond the last one, or another total than that of a finished series."""
        if self.title is None or self.volumes is None or self.denied:
            return False
        if self.volumes.total and self.title.complete:
            return self.volumes.highest != self.title.volumes
        return self.volumes.highest > self.title.volumes

    @property
    def invented(self) -> bool:
        """Put forward as a title that does not exist."""
        return self.spelling is Spelling.UNKNOWN and not self.denied


class MentionFinder:
    """Finds mentions against one catalogue; made once, for its patterns take a while to build."""

    def __init__(self, catalogue: Catalogue, labels: frozenset[str] = frozenset()) -> None:
        """`labels` are the keys (`name_key`) of the shop's own buttons and pages."""
        self._catalogue = catalogue
        self._labels = labels
        self._plain, self._words = name_patterns(catalogue)

    def find(self, text: str, question: str = "") -> list[Mention]:
        """All mentions of a surface text in order; `question` is what the customer said."""
        found = [m for mark in marks(text) if (m := self._marked(mark, text, question))]
        taken = [(mention.start, mention.end) for mention in found]
        for pattern, needs_volume in ((self._plain, False), (self._words, True)):
            for mention in self._unmarked(pattern, text, needs_volume=needs_volume):
                if all(mention.end <= start or end <= mention.start for start, end in taken):
                    found.append(mention)
                    taken.append((mention.start, mention.end))
        found += [
            self._guessed(start, end, text)
            for start, end in put_forward(text)
            if all(end <= other or until <= start for other, until in taken)
        ]
        return _with_next_sentences(sorted(found, key=lambda mention: mention.start), text)

    def _marked(self, mark: Mark, text: str, question: str) -> Mention | None:
        named, name, volumes = self._catalogue.find(mark.inner), mark.inner, None
        if named is None:
            name, volumes = split_volume(mark.inner)
            named = self._catalogue.find(name)
        beside = _beside(text, mark.start, mark.end)
        if name_key(name) in self._labels and (named is None or not (volumes or beside)):
            return None
        spelling, title = (Spelling.EXACT, named.title) if named else self._inexact(name)
        if spelling is Spelling.UNKNOWN:
            with_volume = volumes is not None or beside is not None
            if not with_volume and not looks_like_title(mark, text, question):
                return None
        return Mention(
            text=name,
            start=mark.start,
            end=mark.end,
            spelling=spelling,
            title=title,
            form=named.form if named else None,
            volumes=volumes or beside,
            denied=denied(text, mark.start, mark.end),
        )

    def _guessed(self, start: int, end: int, text: str) -> Mention:
        """A name in running text that its words put forward as a title."""
        name = text[start:end]
        spelling, title = self._inexact(name)
        return Mention(
            text=name,
            start=start,
            end=end,
            spelling=spelling,
            title=title,
            form=None,
            volumes=_beside(text, start, end),
            denied=denied(text, start, end),
        )

    def _inexact(self, name: str) -> tuple[Spelling, Title | None]:
        japanese = as_japanese(name)
        title = self._catalogue.find(japanese)
        near = title.title if title else self._catalogue.similar(japanese)
        simplified = japanese != name or any(map(chinese_only, name))
        if near is None and not any(map(chinese_only, name)):
            return Spelling.UNKNOWN, None
        return (Spelling.SIMPLIFIED if simplified else Spelling.MISSPELT), near

    def _unmarked(
        self, pattern: NamePattern, text: str, *, needs_volume: bool
    ) -> Iterator[Mention]:
        for match in pattern.finditer(as_japanese(without_accents(text))):
            start, end = match.span()
            name = match[0] if self._catalogue.find(match[0]) else match[0].replace("的", "の")
            named = self._catalogue.find(name)
            volumes = _beside(text, start, end)
            if named is None or (needs_volume and volumes is None):
                continue
            written = text[start:end]
            exact = without_accents(written) == name
            yield Mention(
                text=written,
                start=start,
                end=end,
                spelling=Spelling.EXACT if exact else Spelling.SIMPLIFIED,
                title=named.title,
                form=named.form if exact else None,
                volumes=volumes,
                denied=denied(text, start, end),
            )


def _with_next_sentences(mentions: list[Mention], text: str) -> list[Mention]:
    """Volumes that the sentence after a mention's own gives, for the first of each sentence."""
    out: list[Mention] = []
    for index, mention in enumerate(mentions):
        before = text[mentions[index - 1].end if index else 0 : mention.start]
        first = index == 0 or any(end in before for end in (". ", "。", "! ", "\n"))
        volumes = mention.volumes
        if first and volumes is None and not mention.denied:
            volumes = volumes_in_next_sentence(text[mention.end : mention.end + 2 * _REACH])
        out.append(replace(mention, volumes=volumes))
    return out


def _beside(text: str, start: int, end: int) -> Volumes | None:
    following = volumes_after(text[end : end + _REACH])
    return following or volumes_before(text[max(0, start - _REACH) : start])
