"""A small classifier of intents: multinomial naive Bayes over the character n-grams of a message.

Characters, because Japanese has no spaces; it stands where a region has a SageMaker endpoint, so
that intents are guessed from words here too, and sometimes wrongly.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

__all__ = ["Classifier", "grams"]

LENGTHS = (1, 2, 3, 4)
SMOOTHING = 0.03
_QUOTED = re.compile(r'"[^"]*"|“[^”]*”|『[^』]*』|「[^」]*」')
_NUMBERS = re.compile(r"\d+")


class Classifier:
    """Trained once from utterances with their intent; the intents are equally likely before."""

    def __init__(self, utterances: Iterable[tuple[str, str]]) -> None:
        """`utterances` are (intent, text). Raises `ValueError` without any."""
        counts: dict[str, Counter[str]] = {}
        for intent, text in utterances:
            counts.setdefault(intent, Counter()).update(grams(text))
        if not counts:
            raise ValueError("utterances: there is nothing to learn from")
        self.intents = tuple(sorted(counts))
        known = frozenset().union(*counts.values())
        totals = {intent: sum(counts[intent].values()) for intent in self.intents}
        self._weights: Mapping[str, tuple[float, ...]] = {
            gram: tuple(
                math.log(
                    (counts[intent][gram] + SMOOTHING) / (totals[intent] + SMOOTHING * len(known))
                )
                for intent in self.intents
            )
            for gram in known
        }

    def classify(self, text: str) -> tuple[str, float]:
        """The likeliest intent, and its posterior probability; the first by name where none is."""
        scores = [0.0] * len(self.intents)
        for gram in grams(text):
            for place, weight in enumerate(self._weights.get(gram, ())):
                scores[place] += weight
        best = max(scores)
        total = sum(math.exp(score - best) for score in scores)
        return self.intents[scores.index(best)], 1 / total


def grams(text: str) -> Iterator[str]:
    """The pieces of a message that tell its intent: no case, no width, no title, no number."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    plain = _NUMBERS.sub("0", _QUOTED.sub("'", plain))
    padded = f" {' '.join(plain.split())} "
    for length in LENGTHS:
        for start in range(len(padded) - length + 1):
            yield padded[start : start + length]
