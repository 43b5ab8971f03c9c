"""Takes out of a model's answer what may point to a person, before anybody reads it in a report.

By patterns, so it finds addresses and numbers, not names: a report still belongs to those who may
read the events it was made from.
"""

from __future__ import annotations

import re

__all__ = ["LONGEST", "redacted"]

LONGEST = 280
"""Characters of an answer that are shown."""
_PATTERNS = (
    (re.compile(r"https?://\S+|www\.\S+", re.IGNORECASE), "[link]"),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "[e-mail]"),
    (re.compile(r"\b(?=[A-Z0-9-]*\d)(?=[A-Z0-9-]*[A-Z])[A-Z0-9-]{8,}\b"), "[reference]"),
    (re.compile(r"\b(?:\d[ -]?){12,18}\d\b"), "[card]"),
    (re.compile(r"(?<!\w)\+?\(?\d[\d()./ -]{6,}\d(?!\w)"), "[number]"),
    (re.compile(r"〒?\b\d{3}-\d{4}\b"), "[postcode]"),
    (re.compile(r"\b\d{5,}\b"), "[number]"),
)


def redacted(text: str) -> str:
    """`text` in one line without links, addresses, cards, long numbers and references, cut short.

    Patterns are taken out before the cut, so that no half of one is left at its end.
    """
    line = " ".join(text.split())
    for pattern, word in _PATTERNS:
        line = pattern.sub(word, line)
    return line if len(line) <= LONGEST else line[: LONGEST - 1].rstrip() + "…"
