"""The quality detector: all checks on one turn, and the counts that the policy's metrics read.

Pure: the catalogue and the store's facts come in, findings go out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from canary.quality.catalogue.catalogue import Catalogue
from canary.quality.claims import false_claims
from canary.quality.facts import StoreFacts
from canary.quality.honorifics import check_honorifics
from canary.quality.language import check_language
from canary.quality.mentions import Mention, MentionFinder, Spelling
from canary.quality.preservation import asked_in_japanese, lost_names, slipped
from canary.quality.readings import readings_given, without_ruby
from canary.quality.text import name_key, surface
from canary.quality.turn import Expected, Tally, Turn

__all__ = ["CHECKS", "Detector", "Findings"]

CHECKS = ("title", "claim", "name", "preservation", "honorific", "language")
"""What may be wrong with a turn: an invented title or volume, an invented price or promise, a title
misspelt, a Japanese title lost, discourtesy, the wrong language."""


@dataclass(frozen=True)
class Findings:
    """What the checks found in one turn; `reasons` say it for a person, by check.

    They quote the answer: they are for a bench, not for a log.
    """

    names: Tally
    japanese_names: Tally
    honorifics: Tally
    language: Tally
    reasons: tuple[tuple[str, str], ...]

    def faults(self) -> frozenset[str]:
        """The checks, of `CHECKS`, that the turn does not pass."""
        return frozenset(check for check, _ in self.reasons)

    @property
    def hallucinated(self) -> bool:
        """Whether the answer invents a title, a volume, a price or a promise."""
        return bool(self.faults() & {"title", "claim"})

    def counts(self) -> dict[str, int]:
        """The columns that metrics of source `detector` name, for this one turn."""
        return {
            "checked": self.language.checked,
            "hallucinated": int(self.hallucinated),
            "names": self.names.checked,
            "name_correct": self.names.correct,
            "japanese_names": self.japanese_names.checked,
            "name_preserved": self.japanese_names.correct,
            "honorifics": self.honorifics.checked,
            "honorific_correct": self.honorifics.correct,
            "language_correct": self.language.correct,
        }


class Detector:
    """The checks with one catalogue and one store's facts; made once, used for every turn."""

    def __init__(self, catalogue: Catalogue, facts: StoreFacts | None) -> None:
        """Without `facts` no price or promise is called false."""
        self._catalogue = catalogue
        self._facts = facts
        self._finder = MentionFinder(catalogue, facts.labels if facts else frozenset())

    def inspect(self, turn: Turn) -> Findings:
        """All findings of a turn. An empty answer is right in everything and counts as checked."""
        question, marked_up = surface(turn.question), surface(turn.answer)
        answer = without_ruby(marked_up)
        mentions = self._finder.find(answer, question)
        asked = self._finder.find(question)
        plain = _without(answer, mentions)
        reasons = list(_of_titles(mentions))
        if self._facts:
            claims = false_claims(question, plain, self._facts)
            reasons += [("claim", f"{claim.topic}: {claim.text}") for claim in claims]
        wanted = [] if turn.expected is Expected.ENGLISH else asked_in_japanese(question, asked)
        given = readings_given(marked_up, self._catalogue)
        needed, lost = lost_names(wanted, answer, mentions, given)
        reasons += [("preservation", title.japanese[0]) for title in lost]
        reasons += [("name", slip) for title in wanted if (slip := slipped(title, answer))]
        honorifics = check_honorifics(question, plain)
        if honorifics.correct < honorifics.checked:
            reasons.append(("honorific", f"{honorifics.checked - honorifics.correct} wrong"))
        names = tuple(mention.text for mention in [*mentions, *asked])
        language = check_language(turn, names)
        if language.correct < language.checked:
            reasons.append(("language", turn.expected.value))
        put_forward = {
            name_key(m.text): m
            for m in mentions
            if m.spelling is not Spelling.UNKNOWN or m.invented
        }
        exact = sum(m.spelling is Spelling.EXACT for m in put_forward.values())
        return Findings(
            names=Tally(exact, len(put_forward)),
            japanese_names=Tally(len(needed) - len(lost), len(needed)),
            honorifics=honorifics,
            language=language,
            reasons=tuple(reasons),
        )


def _of_titles(mentions: list[Mention]) -> Iterator[tuple[str, str]]:
    for mention in mentions:
        if mention.invented:
            yield "title", mention.text
            yield "name", mention.text
        elif mention.wrong_volume and mention.volumes:
            yield "title", f"{mention.text} {mention.volumes.highest}"
        elif mention.spelling in {Spelling.MISSPELT, Spelling.SIMPLIFIED}:
            yield "name", mention.text


def _without(answer: str, mentions: list[Mention]) -> str:
    """The answer with its titles blanked, so that words of a title are not read as its own."""
    for mention in mentions:
        blank = "◇" * (mention.end - mention.start)
        answer = answer[: mention.start] + blank + answer[mention.end :]
    return answer
