"""Takes out of a message what points to a person, before it is kept or shown anywhere.

By patterns, American and Japanese: mail and postal addresses, telephone, card and order numbers,
and the name somebody gives. A name that is only mentioned stays: what is redacted is still not for
everybody's eyes.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["NAME", "redact", "redact_turn"]

NAME = "[name]"
"""Stands for somebody's name; honorifics follow it as they followed the name."""

_STREETS = (
    r"street|st|avenue|ave|road|rd|boulevard|blvd|lane|ln|drive|dr|court|ct|place|pl|way|terrace"
    r"|parkway|pkwy|circle|cir|highway|hwy|square|sq|broadway"
)
_LINKING = r"(?:is|are|be|on|in|its|the|their|your|our|a|an|to|of|and|or|will|by|at|for|off)\b"
"""No part of a street's name: "77 is on its way" is no address."""
_STATES = (
    r"A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]"
    r"|T[NX]|UT|V[AT]|W[AIVY]"
)
_PREFECTURES = r"東京都|北海道|京都府|大阪府|[一-龥]{2,3}県"
_LOCALITY = r"[一-龥ぁ-んァ-ヶー]{1,8}?[市区町村郡]"
_PATTERNS = (
    (re.compile(r"https?://\S+|www\.\S+", re.IGNORECASE), "[link]"),
    (re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+"), "[e-mail]"),
    (
        re.compile(
            rf"\b\d{{1,6}}[A-Z]?(?:\s+[NSEW]\.?)?(?:\s+(?!{_LINKING})[\w'.-]+){{1,4}}?\s+(?:{_STREETS})\b\.?"
            r"(?:,?\s*(?:apt|apartment|suite|ste|unit|#)\.?\s*[\w-]+)?"
            rf"(?:,\s*[A-Za-z .'-]{{2,30}})?(?:,?\s+(?:{_STATES})\b)?"
            r"(?:\s+\d{5}(?:-\d{4})?\b)?",
            re.IGNORECASE,
        ),
        "[address]",
    ),
    (re.compile(r"\bP\.?\s?O\.?\s?Box\s+\d+", re.IGNORECASE), "[address]"),
    (
        re.compile(
            rf"(?:(?:{_PREFECTURES})\s?(?:{_LOCALITY}\s?){{0,3}}|(?:{_LOCALITY}\s?){{1,3}})"
            r"[一-龥ぁ-んァ-ヶー]{0,10}?\s?\d{1,4}\s?(?:丁目|番地?|号|-)[\d\-丁目番地号の\s]{0,14}"
            r"(?:[一-龥ァ-ヶーA-Za-z]{2,20}\s?\d{2,4}号?室?)?"
        ),
        "[address]",
    ),
    (re.compile(rf"(?:{_PREFECTURES})\s?{_LOCALITY}(?:{_LOCALITY})?"), "[address]"),
    (re.compile(r"〒\s?\d{3}-?\d{4}"), "[postcode]"),
    (re.compile(rf"\b(?:{_STATES})\s+\d{{5}}(?:-\d{{4}})?\b"), "[postcode]"),
    (
        re.compile(r"\bzip(?:\s?code)?(?:\s+is)?[:\s]+\d{5}(?:-\d{4})?\b", re.IGNORECASE),
        "[postcode]",
    ),
    (re.compile(r"\b\d{3}-\d{7}-\d{7}\b"), "[order]"),
    (re.compile(r"(?<!\d)(?:\d[ -]?){12,18}\d(?!\d)"), "[card]"),
    (
        re.compile(
            r"(?:\border\s*(?:number|no\.?|id)?|注文番号(?:は|が)?|ご注文)\s*[:#は]?\s*#?"
            r"(?=[A-Za-z0-9-]*\d)[A-Za-z0-9-]{4,}",
            re.IGNORECASE,
        ),
        "[order]",
    ),
    (re.compile(r"\b(?=[A-Z0-9-]*\d)(?=[A-Z0-9-]*[A-Z])[A-Z0-9-]{8,}\b"), "[order]"),
    (
        re.compile(
            r"(?<![A-Za-z0-9$.])(?=\+?(?:[ .()-]{0,2}\d){9,15}(?!\d))"
            r"\+?\(?\d{1,4}\)?(?:[ .()-]{0,2}\d{2,4}){2,4}(?!\d)"
        ),
        "[number]",
    ),
    (re.compile(r"(?<!\d)\d{3}-\d{4}(?!\d)"), "[postcode]"),
    (re.compile(r"(?<!\d)\d{6,}(?!\d)"), "[number]"),
)
_INTRODUCED = (
    re.compile(
        r"\b(?i:my name is|i am called)\s+(?P<name>[A-Z][\w'-]+(?:\s[A-Z][\w'-]+)?)"
        r"|\bI'm (?P<full>[A-Z][\w'-]+ [A-Z][\w'-]+)"
    ),
    re.compile(r"(?P<name>[一-龥々]{1,6}|[ァ-ヶー]{2,10})(?=と申します|といいます|と言います)"),
)


def redact(text: str) -> str:
    """`text` in one width (NFKC), each thing that points to a person replaced by its kind.

    Redacting twice is redacting once. Prices, volumes and short numbers stay.
    """
    redacted = _plain(text)
    for pattern, word in _PATTERNS:
        redacted = pattern.sub(word, redacted)
    for pattern in _INTRODUCED:
        redacted = pattern.sub(NAME, redacted)
    return redacted


def redact_turn(question: str, answer: str) -> tuple[str, str]:
    """Both texts redacted, and the name that the question gives gone from the answer too.

    In their place stands `NAME` in both, so that a reader still sees how the customer is addressed.
    """
    asked, said = _plain(question), _plain(answer)
    for pattern in _INTRODUCED:
        for match in pattern.finditer(asked):
            name = next(group for group in match.groups() if group)
            for part in sorted({name, *name.split()}, key=len, reverse=True):
                said = re.sub(
                    rf"(?<![^\W一-龥々ぁ-んァ-ヶー]){re.escape(part)}(?![A-Za-z])", NAME, said
                )
    return redact(asked), redact(said)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).replace("\u2010", "-").replace("\u2212", "-")
