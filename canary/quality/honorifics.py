"""Courtesy in Japanese answers: how the customer is addressed, and the level of the sentences.

Counted are each word of address, each use of the customer's name, and the register of the whole
answer once. Titles and quotations are taken out before: characters in them may be rude.
"""

from __future__ import annotations

import re

from canary.quality.text import sentences
from canary.quality.turn import Tally

__all__ = ["check_honorifics"]

_RIGHT = re.compile(r"(?<!の)お客(?:様|さま)(?!さん|様|さま|君|くん|ちゃん)|皆(?:様|さま)")
_WRONG = re.compile(
    r"お客さん|お客(?:様|さま)(?:さん|様|さま|君|くん|ちゃん)|お客(?!様|さま|さん)|(?<![一-龥])客(?=は|が|の|に|を|、)"
    r"|あなた(?!様)|あんた|お前|おまえ|てめえ|貴様|(?<![一-龥ぁ-んァ-ヶ])君(?=は|が|の|に|も|、|たち)"
    r"|(?:当店|弊社|私|わたし|当社)(?:様|さま|さん)|きみ(?=は|が|の|に|も|、)"
)
_INTRODUCED = re.compile(
    r"(\[name\]|[一-龥々]{1,4}|[ァ-ヶー]{2,8}|[ぁ-ん]{2,5}?)(?:と申します|といいます|と言います|という者です)"
)
_HONOURED = ("様", "さま", "さん")
_POLITE = re.compile(
    r"(?:です|ます|ません|でした|ました|ましょう|でしょう|ください|下さい|くださいませ|ませ|致します|ございます"
    r"|願います|おります)(?:か|ね|よ|が|ので|けれど|けど|から|よね|かね)?[。!?…♪~〜\s)]*$"
)
_PLAIN = re.compile(
    r"(?:だ|だよ|だね|だよね|だな|だぞ|だぜ|である|のだ|なのだ|じゃん|じゃない|する|するよ|するね|した|したよ|したね"
    r"|しろ|してね|してよ|してくれ|しな|いる|いるよ|いるね|ある|あるよ|あるね|ない|ないよ|ないね|なる|なるよ|なった"
    r"|できる|できるよ|できない|った|ったよ|んだ|んだよ|いいよ|いいね|いい|よろしく|思う|思うよ|くれ|なさい|るよ|るね"
    r"|かな|よー|じゃあね|まって|待って|見て|みて|てね|てて|届く|届くよ|わからない|知らない|うん)[。!?…♪~〜\s)]*$"
)


def check_honorifics(question: str, answer: str) -> Tally:
    """How many honorifics of a surface answer there are, and how many are as they should be.

    An answer that is not in Japanese sentences has none. The customer's name is what the question
    introduces (と申します, といいます), redacted or not; after it stands 様 or さん.
    """
    if not re.search(r"[ぁ-ん]", answer):
        return Tally(0, 0)
    right, wrong = len(_RIGHT.findall(answer)), len(_WRONG.findall(answer))
    for name in _INTRODUCED.findall(question):
        named = [answer[match.end() :] for match in re.finditer(re.escape(name), answer)]
        honoured = sum(after.startswith(_HONOURED) for after in named)
        right += honoured
        wrong += len(named) - honoured
    ends = [sentence for sentence in sentences(answer) if re.search(r"[ぁ-ん]", sentence)]
    plain = [end for end in ends if _PLAIN.search(end) and not _POLITE.search(end)]
    if plain or any(_POLITE.search(end) for end in ends):
        right, wrong = right + (not plain), wrong + bool(plain)
    return Tally(right, right + wrong)
