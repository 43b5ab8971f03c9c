"""Names in running text that are put forward as titles by the words beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["put_forward"]

_CAPITALS = r"[A-Z][\w'&!-]*(?: (?:[A-Z][\w'&!-]*|of|the|and|no|in|to|from|for|with|a)){0,6}"
_CALLED = re.compile(
    r"\b(?:[Mm]anga|[Ss]eries|[Cc]omic|[Tt]itle)(?: (?:called|named|titled))?,? "
    rf"(?P<name>{_CAPITALS} [A-Z][\w'&!-]*)"
)
_WITH_VOLUME = re.compile(
    rf"(?P<name>{_CAPITALS} [A-Z][\w'&!-]*),? \(?(?:[Vv]ol(?:ume)?s?\.?|#) ?\d{{1,4}}"
)
_DESCRIBED = re.compile(
    rf"(?P<name>{_CAPITALS} [A-Z][\w'&!-]*)(?:,| is| are) (?:a|an|the|our) (?:[a-z-]+ ){{0,3}}"
    r"(?:manga|comic|series)(?! (?:artist|author|writer|creator|fan|shop|store|club))\b"
)
_OPENERS = frozenset(
    {"Start", "Try", "Yes", "No", "Volume", "Volumes", "Vol", "The", "Our", "Your"}
)


def put_forward(text: str) -> Iterator[tuple[int, int]]:
    """Where capitalised words of a surface text stand as a title.

    Such are `the manga X Y`, `X Y vol. 3`, and `X Y, a new series`.
    Two words at least: a single one is a name or the start of a sentence too often.
    """
    for pattern in (_CALLED, _WITH_VOLUME, _DESCRIBED):
        for match in pattern.finditer(text):
            words = match["name"].split()
            while words and words[0] in _OPENERS:
                words = words[1:]
            if len(words) > 1:
                name = " ".join(words)
                start = match.start("name") + match["name"].index(name)
                yield start, start + len(name)
