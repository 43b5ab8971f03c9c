"""A stand-in for BERTScore that needs no model: what characters an answer shares with good ones.

This is no BERTScore: it compares spellings, not meanings, and a good paraphrase scores low. It is
the F1 of character n-grams (as chrF, Popović 2015, with recall and precision alike), moved to the
range in which BERTScore's values lie, so that the floor of the policy means something: .5 shares
nothing, 1 is a reference itself, and .8 shares three fifths.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence

__all__ = ["OverlapScorer", "overlap"]

_LENGTHS = range(1, 5)
_NOTHING = 0.5


class OverlapScorer:
    """Scores where no model runs: in the embedded region and in tests."""

    def scores(self, answers: Sequence[str], references: Sequence[str]) -> list[float]:
        """One score an answer, the best over the references; without references, .5."""
        best = (max((overlap(each, good) for good in references), default=0.0) for each in answers)
        return [_NOTHING + (1 - _NOTHING) * each for each in best]


def overlap(answer: str, reference: str) -> float:
    """The mean F1 of n-grams of 1 to 4 characters, 0 to 1; case and spaces do not count."""
    first, second = _plain(answer), _plain(reference)
    values = []
    for length in _LENGTHS:
        own, other = _grams(first, length), _grams(second, length)
        whole = sum(own.values()) + sum(other.values())
        if whole:
            values.append(2 * sum((own & other).values()) / whole)
    return sum(values) / len(values) if values else 0.0


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def _grams(text: str, length: int) -> Counter[str]:
    return Counter(text[start : start + length] for start in range(len(text) - length + 1))
