"""Local days: closures and midnights where the customers are."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import pytest

from canary.policy.compiled import Closure
from canary.release.calendar import closure_at, closure_end, closure_spans, local_midnights

SALE = Closure("sale", "2026-12-26", "2027-01-04")


def epoch(text: str) -> float:
    return dt.datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("zone", "at", "closed"),
    [
        ("Asia/Tokyo", "2026-12-25T14:59:59+00:00", False),
        ("Asia/Tokyo", "2026-12-25T15:00:00+00:00", True),
        ("America/New_York", "2026-12-26T04:59:59+00:00", False),
        ("America/New_York", "2027-01-05T04:59:59+00:00", True),
        ("America/New_York", "2027-01-05T05:00:00+00:00", False),
    ],
)
def test_a_closure_is_of_the_regions_own_days(zone: str, at: str, closed: bool) -> None:
    """First and last day count whole, and begin at local midnight."""
    assert (closure_at((SALE,), zone, epoch(at)) is SALE) is closed


def test_a_closure_ends_with_its_last_day() -> None:
    """The first second after it."""
    assert closure_end(SALE, "Asia/Tokyo") == epoch("2027-01-05T00:00:00+09:00")


def test_only_closures_that_touch_the_window_are_its_spans() -> None:
    """From the first second to the first second after."""
    start, end = epoch("2026-12-26T00:00:00+09:00"), epoch("2027-01-05T00:00:00+09:00")
    assert closure_spans((SALE,), "Asia/Tokyo", start - 1, start) == [(start, end)]
    assert closure_spans((SALE,), "Asia/Tokyo", end, end + 9) == []


def test_days_follow_the_local_clock_over_a_change_of_time() -> None:
    """The day on which New York's clocks go back has 25 hours, and its weekday."""
    since = epoch("2026-10-31T12:00:00-04:00")
    days = list(local_midnights("America/New_York", since, since + 3 * 86_400))
    assert [weekday for _, weekday in days] == [5, 6, 0, 1]
    hours = [(later - earlier) / 3600 for (earlier, _), (later, _) in pairwise(days)]
    assert hours == [24, 25, 24]
