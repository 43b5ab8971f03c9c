"""Which volume a text speaks of right beside a title, and whether it says how many there are."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Volumes", "split_volume", "volumes_after", "volumes_before", "volumes_in_next_sentence"]


@dataclass(frozen=True)
class Volumes:
    """The highest volume named; `total` where the text says that there are so many."""

    highest: int
    total: bool = False


_RANGE = r"(?:\s*(?:-|~|〜|to|and|through|から|&)\s*(?:第|vol(?:ume)?\.?\s*|#)?(\d{1,4}))?"
_ONE = rf"(?:(?:vol(?:ume)?s?\.?|#)\s*(\d{{1,4}}){_RANGE}|第?(\d{{1,4}}){_RANGE}\s*巻(?!以上))"
_AFTER = re.compile(
    rf"[\s,、:(*_」』\"”\-]*(?:の|は|が|も)?(?:manga\s*)?(?:最[新終][巻刊](?:の|は)?、?)?[\s(]*{_ONE}",
    re.IGNORECASE,
)
_TOTAL_AFTER = re.compile(
    r"[^.。!?\n「『\"“]{0,30}?(?:全|complete[sd]? (?:in|with|at) |ran for |runs for |in all |all )"
    r"(\d{1,4})\s*(?:巻|volumes)",
    re.IGNORECASE,
)
_COUNT_AFTER = re.compile(
    r"[^.。!?\n「『\"“]{0,30}?(?:\bhas |\bspans |\()(\d{1,4})\s*(?:巻|volumes)", re.IGNORECASE
)
_BEFORE = re.compile(
    rf"{_ONE}\s*(?:of|from)\s+(?:the\s+)?(?:manga\s+)?[\"“*_「『]*$", re.IGNORECASE
)
_TOTAL_BEFORE = re.compile(
    r"\ball\s+(\d{1,4})\s+volumes\s+of\s+(?:the\s+)?[\"“*_]*$", re.IGNORECASE
)
_AT_END = re.compile(rf"[\s,、:(\-]*{_ONE}[\s)]*$", re.IGNORECASE)
_FULL = re.compile(r"[\s(]*全(\d{1,4})巻[\s)]*$")

_NEXT_SENTENCE = re.compile(
    r"[^.。!?\n]{0,40}[.。!]\s*(?:(?:it|they|the series)\b[^.。!?\n]{0,16}? (?P<full>complete[sd]? "
    r"(?:in|with|at) )?(?P<english>\d{1,4}) volumes"
    r"|全(?P<japanese>\d{1,4})巻|第?(?P<first>\d{1,4})巻"
    r"|(?:the (?:latest|newest) is )?vol(?:ume)?s?\.? ?(?P<one>\d{1,4})\b)",
    re.IGNORECASE,
)


def volumes_after(text: str) -> Volumes | None:
    """What the text that follows a title says of its volumes: `vol. 107`, 「第3巻」, `全23巻`."""
    if match := _AFTER.match(text):
        return Volumes(_highest(match))
    if match := _TOTAL_AFTER.match(text):
        return Volumes(_highest(match), total=True)
    if match := _COUNT_AFTER.match(text):
        return Volumes(_highest(match))
    return None


def volumes_in_next_sentence(text: str) -> Volumes | None:
    """What the sentence after a title's own says of it: `It has 18 volumes`, `全23巻です`.

    For the first title of a sentence only: that is what the next one goes on about.
    """
    match = _NEXT_SENTENCE.match(text)
    if match is None:
        return None
    total = bool(match["full"] or match["japanese"])
    number = match["english"] or match["japanese"] or match["one"] or match["first"]
    return Volumes(int(number), total)


def volumes_before(text: str) -> Volumes | None:
    """What the text that leads up to a title says: `volume 107 of`, `all 34 volumes of`."""
    if match := _TOTAL_BEFORE.search(text):
        return Volumes(_highest(match), total=True)
    match = _BEFORE.search(text)
    return Volumes(_highest(match)) if match else None


def split_volume(name: str) -> tuple[str, Volumes | None]:
    """A marked text as a name and the volume at its end: `Naruto vol. 7`, `ナルト 7巻`."""
    for pattern, total in ((_FULL, True), (_AT_END, False)):
        match = pattern.search(name)
        if match and match.start() > 0:
            return name[: match.start()].rstrip(" ("), Volumes(_highest(match), total)
    return name, None


def _highest(match: re.Match[str]) -> int:
    return max(int(group) for group in match.groups() if group)
