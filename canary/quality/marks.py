"""Where an answer sets words apart, and whether what is set apart is meant as a title.

A shop's assistant also quotes buttons, pages and its customer. What is taken for a title decides
how often a good answer is flagged, so the rules err on the side of silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from canary.quality.text import is_han, is_kana

__all__ = ["Mark", "looks_like_title", "marks"]

_MARKS = re.compile(
    r"『(?P<book>[^『』\n]{1,80})』"
    r"|「(?P<corner>[^「」\n]{1,80})」"
    r"|《(?P<chinese>[^《》\n]{1,80})》"
    r"|“(?P<curly>[^“”\n]{1,80})”"
    r'|"(?P<straight>[^"\n]{1,80})"'
    r"|\*\*(?P<bold>[^*\n]{1,80})\*\*"
    r"|(?<![*\w])\*(?P<italic>[^*\s][^*\n]{0,79})\*(?![*\w])"
    r"|(?<!\w)_(?P<under>[^_\s][^_\n]{0,79})_(?!\w)"
    r"|(?<![\w'])'(?P<single>[^'\n]{2,60})'(?!\w)"
)
_EMPHASIS = frozenset({"bold", "italic", "under"})
_BOOK = frozenset({"book", "chinese"})
_SPEECH = re.compile(
    r"(?:です|ます|ません|ください|ましょう|でした|たい|ない|か)[。!?]?$|[。?、]|[.!?]\s"
)
_CONTROL_AFTER = re.compile(
    r"\s*(?:(?:の)?(?:ボタン|ページ|画面|メニュー|タブ|欄|項目|リンク|アイコン|コーナー|フォーム"
    r"|プラン|便|設定|ステータス|キャンペーン|セール|クーポン|コード|メール|プログラム)"
    r"|(?:を|から|より|に|へ|で)(?:タップ|クリック|選|お選び|開|押|お進み|手続|お手続|ご?確認"
    r"|変更|お申|申|進)"
    r"|(?:と|という)(?:表示|記載|入力|件名|お伝え|書|読み|読む|よみ)"
    r"|(?:\s*(?:>|→|/))"
    r"|\b(?:button|page|tab|menu|link|section|icon|screen|option|field|status|message|email|label"
    r"|form|code|means|under|in (?:your|the (?:menu|app|header|cart))"
    r"|at the top|at checkout|then|program|plan|sale|event|edition"
    r"|delivery|shipping|condition)\b)",
    re.IGNORECASE,
)
_CONTROL_BEFORE = re.compile(
    r"\b(?:click|tap|select|choose|press|open|visit|under|see|says|saying|marked|labell?ed|words?|note|tag|badge"
    r"|term|phrase|sign"
    r"|code|subject|status|reads|enter|type|go to|via|our|and then|, then|shows?|condition)\s*"
    r"(?:on|the|to|a|an|is|in)?\s*[:]?\s*$|(?:→|>)\s*$|(?:クリック|タップ|ステータスは|状態は)\s*$",
    re.IGNORECASE,
)
_BOOKISH = re.compile(
    r"\b(?:manga|series|comics?|titles?|author|written|drawn|volumes?|vol|story|read|reading|fans?"
    r"|genre|recommend(?:ed)?|follows|artist|spin-?off|sequel|prequel)\b"
    r"|漫画|マンガ|コミック|作品|シリーズ|巻|作者|著|物語|読|おすすめ|続編|外伝|新刊|連載",
    re.IGNORECASE,
)
_SMALL = frozenset(
    (  # words that a title's capitals leave out
        *("a", "an", "and", "at", "but", "by", "for", "from", "in", "into", "is", "my", "no"),
        *("of", "on", "or", "s", "the", "to", "vs", "with", "your", "wa", "ni", "wo", "ga"),
    )
)


@dataclass(frozen=True)
class Mark:
    """Text set apart: what is inside, where it stands with its signs, and which signs they are."""

    inner: str
    start: int
    end: int
    kind: str


def marks(text: str) -> Iterator[Mark]:
    """Every quotation and emphasis of a surface text, the outer of two nested ones."""
    for match in _MARKS.finditer(text):
        kind = match.lastgroup or ""
        inner = match[kind].strip(' \t"“”「」『』*_')
        if inner:
            yield Mark(inner, match.start(), match.end(), kind)


def looks_like_title(mark: Mark, text: str, question: str) -> bool:
    """Whether a text in marks that is no known title is put forward as one.

    Buttons, pages, speech and lower-case words are not, nor what only repeats the customer;
    emphasis and single Japanese quotes are where the line speaks of books.
    """
    if mark.inner.isascii() and " " not in mark.inner and mark.inner.lower() in question:
        return False  # A word that the customer asked about: "seinen", not "Seinen Diaries".
    if _is_control(mark, text) or _SPEECH.search(mark.inner) or not _is_name(mark.inner):
        return False
    if mark.kind in _BOOK or _BOOKISH.search(_line(text, mark)):
        return True
    return mark.kind not in _EMPHASIS | {"corner"} and mark.inner not in question


def _is_control(mark: Mark, text: str) -> bool:
    before, after = text[max(0, mark.start - 24) : mark.start], text[mark.end : mark.end + 24]
    heading = mark.inner.endswith(":") or (mark.kind in _EMPHASIS and after.startswith(":"))
    return heading or bool(_CONTROL_AFTER.match(after) or _CONTROL_BEFORE.search(before))


def _is_name(inner: str) -> bool:
    """Japanese, or English with each word but the small ones in a capital."""
    if any(is_kana(character) or is_han(character) for character in inner):
        return len(inner) > 1
    words = [word for word in re.findall(r"[^\W\d_][\w'-]*", inner) if word.lower() not in _SMALL]
    return bool(words) and all(word[0].isupper() for word in words)


def _line(text: str, mark: Mark) -> str:
    left = text.rfind("\n", 0, mark.start) + 1
    right = text.find("\n", mark.end)
    return text[left : mark.start] + " " + text[mark.end : right if right >= 0 else len(text)]
