"""A question's context: language by script, complexity by length and joints."""

from __future__ import annotations

import pytest

from canary.bandits.question import context_of


@pytest.mark.parametrize(
    ("message", "language"),
    [
        ("Where is my order?", "en"),
        ("注文はどこですか", "ja"),
        ("進撃の巨人 volume 3?", "ja"),
        ("注文", "ja"),
        ("Где мой заказ?", "other"),
        ("...", "en"),
        ("", "en"),
    ],
)
def test_the_language_is_the_scripts(message: str, language: str) -> None:
    """Kana or bare kanji are Japanese, Latin letters English, the rest another."""
    assert context_of(message, prime=True).language == language


def test_a_case_is_more_complex_than_a_greeting() -> None:
    """Length and joints both count, and neither goes past 1."""
    greeting = context_of("hi", prime=False).complexity
    question = context_of("Where is my order, and when does it come?", prime=False).complexity
    case = context_of(
        "If it is late, and I am away, can you hold it? " * 20, prime=False
    ).complexity
    assert 0 <= greeting < 0.05 < question < 0.5 < case == 1


def test_any_text_has_a_context() -> None:
    """A customer may write anything."""
    for text in ("\x00", "?" * 4000, "あ" * 4000, "🙂"):
        context_of(text, prime=False)
