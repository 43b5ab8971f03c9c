"""What a customer reads when no model answered."""

from __future__ import annotations

import re

__all__ = ["RETRY_SECONDS", "apology", "is_japanese"]

RETRY_SECONDS = 5
_JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")


def is_japanese(message: str) -> bool:
    """Whether a message has Japanese script."""
    return _JAPANESE.search(message) is not None


def apology(message: str) -> str:
    """A sentence in the language of the customer's message: English, or Japanese by its script."""
    if is_japanese(message):
        return (
            "申し訳ございません。ただいまお答えできません。少し待ってから、もう一度お試しください。"
        )
    return "Sorry, I cannot answer right now. Please try again in a moment."
