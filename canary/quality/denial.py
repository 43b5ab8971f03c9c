"""Whether an answer says of a thing that it is not there: then it is not put forward."""

from __future__ import annotations

import re

__all__ = ["clause_around", "denied"]

_DENIAL = re.compile(
    r"\b(?:(?:could|can|did|do|does|is|are|was|were|has|have)(?:\s?not|n't)(?! miss)|cannot"
    r"|unable to|no longer|never|nothing called"
    r"|no (?:such|manga|title|series|record|volume|listing|book)"
    r"|not (?:yet|in our|familiar|aware|available|listed|out|a title|exist)"
    r")\b"
    r"|見つか(?:り|ら|って(?:い|お))|見当たり|存在し(?:な|ま)|ございません|ありません"
    r"|取り扱(?:って|い)[^。]{0,6}(?:ません|ない)|お取り扱いがな|確認でき|わかりかね|未発売"
    r"|発売されて(?:いま|おり|いな)|まだ|ではなく|ご用意(?:が|でき)",
    re.IGNORECASE,
)
_CLAUSE_END = re.compile(
    r"[。!?\n;]|(?<!vol)(?<!no)(?<!dr)\.(?=\s)|,? (?:but|however|instead|though)\b"
    r"|(?:です|ます|ません)が、|代わりに",
    re.IGNORECASE,
)


def denied(text: str, start: int, end: int) -> bool:
    """Whether the clause around a place says that something is not there, or not yet."""
    return _DENIAL.search(clause_around(text, start, end)) is not None


def clause_around(text: str, start: int, end: int) -> str:
    """The clause that a place stands in, without what stands there itself."""
    left = 0
    for match in _CLAUSE_END.finditer(text, 0, start):
        left = match.end()
    following = _CLAUSE_END.search(text, end)
    right = following.end() if following else len(text)
    return text[left:start] + " " + text[end:right]
