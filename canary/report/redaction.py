"""A model's answer as a report shows it: redacted, in one line, cut short.

The redaction finds addresses, numbers and names that are introduced, not each name: a report still
belongs to those who may read the events it was made from.
"""

from __future__ import annotations

from canary.quality.privacy.redaction import redact

__all__ = ["LONGEST", "redacted"]

LONGEST = 280
"""Characters of an answer that are shown."""


def redacted(text: str) -> str:
    """`text` in one line without what points to a person, cut after `LONGEST` characters.

    Patterns are taken out before the cut, so that no half of one is left at its end.
    """
    line = redact(" ".join(text.split()))
    return line if len(line) <= LONGEST else line[: LONGEST - 1].rstrip() + "…"
