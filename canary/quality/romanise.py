"""Kana in Latin letters, by the Hepburn system without marks for long vowels."""

from __future__ import annotations

__all__ = ["romanised", "syllables"]

_ROWS = {
    "あいうえお": "a i u e o",
    "かきくけこ": "ka ki ku ke ko",
    "さしすせそ": "sa shi su se so",
    "たちつてと": "ta chi tsu te to",
    "なにぬねの": "na ni nu ne no",
    "はひふへほ": "ha hi fu he ho",
    "まみむめも": "ma mi mu me mo",
    "やゆよわを": "ya yu yo wa wo",
    "らりるれろ": "ra ri ru re ro",
    "がぎぐげご": "ga gi gu ge go",
    "ざじずぜぞ": "za ji zu ze zo",
    "だぢづでど": "da ji zu de do",
    "ばびぶべぼ": "ba bi bu be bo",
    "ぱぴぷぺぽ": "pa pi pu pe po",
    "んゔ": "n vu",
}
_KANA = {
    kana: latin
    for row, latins in _ROWS.items()
    for kana, latin in zip(row, latins.split(), strict=True)
}
_SMALL_Y = {"ゃ": "ya", "ゅ": "yu", "ょ": "yo"}
_SMALL_VOWELS = {"ぁ": "a", "ぃ": "i", "ぅ": "u", "ぇ": "e", "ぉ": "o"}
_NO_Y = ("sh", "ch", "j")


def romanised(reading: str) -> str:
    """Hiragana as Latin letters: しんげきのきょじん is "shingekinokyojin"."""
    return "".join(syllables(reading))


def syllables(reading: str) -> list[str]:
    """Hiragana as Latin letters, kana by kana: きょじん is "kyo", "ji", "n".

    Other characters stay, and ー is left out; particles are read as they are written (は is "ha").
    """
    out: list[str] = []
    doubled = False
    for kana in reading:
        if kana in _SMALL_Y and out:
            stem = out[-1][:-1]
            out[-1] = stem + (_SMALL_Y[kana][1:] if stem.endswith(_NO_Y) else _SMALL_Y[kana])
        elif kana in _SMALL_VOWELS and out:
            out[-1] = out[-1][:-1] + _SMALL_VOWELS[kana]
        elif kana == "っ":
            doubled = True
        elif kana != "ー":
            latin = _KANA.get(kana, kana)
            out.append(latin[0] + latin if doubled and latin[:1].isalpha() else latin)
            doubled = False
    return out
