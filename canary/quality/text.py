"""Texts brought into one form, and what script their characters are of.

Every check reads `surface` forms, so that a position found by one means the same to another.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

__all__ = [
    "chinese_only",
    "hiragana",
    "is_han",
    "is_kana",
    "name_key",
    "reading_key",
    "romanised_key",
    "sentences",
    "surface",
    "without_accents",
]

_ALIKE = str.maketrans("\u00d7\u2018\u2019\u2010\u2011\u2012\u2013\u2014", "x''-----")
_COMBINING = re.compile(r"[\u0300-\u036f]")
_LETTERS = re.compile(r"[^\W_]|ー")
_SENTENCE = re.compile(r"[^。!?\n]*?(?:\.(?=\s|$)|[。!?\n])|[^。!?\n]+?(?=$|\.\s)")
_DOTS = re.compile(r"\b(vol|no|dr|mr|ms|mrs|st)\.(?=\s)", re.IGNORECASE)
_LONG = re.compile(r"(?<=[おこそとのほもよろごぞどぼぽょうくすつぬふむゆるぐずづぶぷゅ])[うお]")
"""A vowel that lengthens the one before it."""
_ABBREVIATED = "\ue000"
"""Stands for a dot that ends an abbreviation while sentences are cut."""


def surface(text: str) -> str:
    """A text in one width (NFKC), with one apostrophe, one hyphen, and x for a times sign."""
    return unicodedata.normalize("NFKC", text).translate(_ALIKE)


def name_key(name: str) -> str:
    """A title as it is looked up: letters and digits only, without accents or a leading "the".

    Marks of width, case, spacing and punctuation differ between shops; kanji and kana do not, and
    are kept as they are.
    """
    text = unicodedata.normalize("NFD", surface(name).casefold().replace("&", " and "))
    text = unicodedata.normalize("NFC", _COMBINING.sub("", text))
    words = re.sub(r"^[\W_]*the\s+(?=\w)", "", text)
    key = "".join(_LETTERS.findall(words))
    return key or text.strip()


def reading_key(kana: str) -> str:
    """A reading as it is compared: hiragana, with no difference between ways to write long vowels.

    とーきょー, トウキョウ and とうきょう are one reading.
    """
    return _LONG.sub("", "".join(_LETTERS.findall(hiragana(surface(kana)))).replace("ー", ""))


def romanised_key(name: str) -> str:
    """A romanised name without what systems differ in: long vowels, wo or o, hyphens, spaces."""
    key = name_key(name)
    key = re.sub(r"(?<=[ou])[u]|(?<=o)[o]|(?<=[aeiou])h(?![aeiouy])", "", key)
    return key.replace("dzu", "zu").replace("wo", "o").replace("mb", "nb").replace("mp", "np")


def sentences(text: str) -> list[str]:
    """The sentences of a surface text, each with its closing mark; "vol." ends none."""
    kept = _DOTS.sub(rf"\1{_ABBREVIATED}", text)
    found = (piece.strip().replace(_ABBREVIATED, ".") for piece in _SENTENCE.findall(kept))
    return [piece for piece in found if _LETTERS.search(piece)]


def without_accents(text: str) -> str:
    """Latin letters with their accents off, one for one, so that positions stay: ō is o."""
    return text if text.isascii() else "".join(map(_base, text))


def hiragana(text: str) -> str:
    """`text` with its katakana as hiragana."""
    return "".join(chr(ord(c) - 0x60) if "\u30a1" <= c <= "\u30f6" else c for c in text)


def is_kana(character: str) -> bool:
    """Hiragana or katakana: what only Japanese is written with."""
    return "\u3041" <= character <= "\u30ff" and character != "・"


def is_han(character: str) -> bool:
    """A character that Chinese and Japanese may share."""
    return "\u4e00" <= character <= "\u9fff" or character == "々"


@lru_cache(maxsize=8192)
def chinese_only(character: str) -> bool:
    """In mainland China's character set (GB 2312) and not in Japan's (JIS X 0208)."""
    if not is_han(character):
        return False
    return _in_set(character, "gb2312") and not _in_set(character, "shift_jis")


@lru_cache(maxsize=8192)
def _base(character: str) -> str:
    first = unicodedata.normalize("NFD", character)[0]
    return first if first.isascii() else character


def _in_set(character: str, codec: str) -> bool:
    try:
        character.encode(codec)
    except UnicodeEncodeError:
        return False
    return True
