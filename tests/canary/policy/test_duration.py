"""Durations are written as people say them and read as seconds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.policy.duration import duration_text, duration_words, parse_duration


@given(st.integers(0, 10**9))
def test_what_is_written_is_read_back(seconds: int) -> None:
    """Every whole number of seconds survives being written and read."""
    assert parse_duration(duration_text(seconds)) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"), [("60s", 60), ("30m", 1800), ("4h", 14_400), ("28d", 2_419_200)]
)
def test_units(text: str, seconds: int) -> None:
    """Seconds, minutes, hours and days are the units."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("wrong", ["", "4", "4 h", "-4h", "1.5h", "4H", "4w", 4, None, True])
def test_anything_else_is_refused(wrong: object) -> None:
    """A bare number, a sign, a fraction or another unit is no duration."""
    with pytest.raises(ValueError, match="a duration such as"):
        parse_duration(wrong)


def test_words_know_the_singular() -> None:
    """A sentence says "1 hour" and "24 hours", and days from two on."""
    said = [duration_words(seconds) for seconds in (3600, 86_400, 172_800, 60, 1)]
    assert said == ["1 hour", "24 hours", "2 days", "1 minute", "1 second"]
