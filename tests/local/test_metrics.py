"""The metric store: points at their resolution, statistics over windows, bounded memory."""

from __future__ import annotations

import threading

import pytest

from canary.local.metrics import (
    MetricStore,
    StatisticSet,
    UnsupportedStatisticError,
    parse_statistic,
    series_key,
)

REQUESTS = series_key("Shop", "Requests", {"Arm": "canary"})


def test_dimensions_when_they_differ_are_different_metrics() -> None:
    """A custom dimension never rolls up: [Arm] sees nothing published as [Arm, Intent]."""
    store = MetricStore()
    store.put(series_key("Shop", "Requests", {"Arm": "canary", "Intent": "x"}), 5, at=0)
    assert store.statistic(REQUESTS, "Sum", 0, 60) is None


@pytest.mark.parametrize(
    ("statistic", "expected"),
    [
        ("Sum", 36.0),
        ("SampleCount", 5.0),
        ("Average", 7.2),
        ("Minimum", 1.0),
        ("Maximum", 20.0),
        ("p50", 5.0),
        ("p99", 20.0),
        ("p0", 1.0),
        ("p100", 20.0),
        ("PR(:5)", 80.0),
        ("PR(1:5)", 60.0),
        ("PR(5:)", 20.0),
    ],
)
def test_statistic_when_values_have_counts_then_weighs_them(
    statistic: str, expected: float
) -> None:
    """Each statistic counts a value as often as it was reported, over all points of the window."""
    store = MetricStore()
    store.put_values(REQUESTS, [1, 5], [1, 3], at=0, resolution=1)
    store.put(REQUESTS, 20, at=59, resolution=1)
    store.put(REQUESTS, 1000, at=60, resolution=1)
    assert store.statistic(REQUESTS, statistic, 0, 60) == pytest.approx(expected)


def test_statistic_when_unknown_then_is_refused_by_name() -> None:
    """A statistic we cannot compute is an error, never a plausible number."""
    with pytest.raises(UnsupportedStatisticError, match=r"tm99"):
        parse_statistic("tm99")


def test_statistic_set_when_it_spreads_then_has_no_percentile() -> None:
    """The values behind a statistic set are unknown, unless it holds a single one."""
    store = MetricStore()
    store.put_statistics(REQUESTS, StatisticSet(3, 12, 4, 4), at=0)
    assert store.statistic(REQUESTS, "p90", 0, 60) == 4
    store.put_statistics(REQUESTS, StatisticSet(2, 10, 1, 9), at=0)
    assert store.statistic(REQUESTS, "p90", 0, 60) is None
    assert store.statistic(REQUESTS, "Sum", 0, 60) == 22
    assert store.statistic(REQUESTS, "Minimum", 0, 60) == 1


def test_windows_when_standard_resolution_then_ten_second_windows_have_holes() -> None:
    """A one-minute metric gives a ten-second alarm one point a minute, as on AWS."""
    store = MetricStore()
    for second in range(0, 60, 10):
        store.put(REQUESTS, 1, at=second)
    coarse = store.windows(REQUESTS, "Sum", period=10, end=60, count=6)
    assert coarse == [6, None, None, None, None, None]
    fine = MetricStore()
    for second in range(0, 60, 10):
        fine.put(REQUESTS, 1, at=second, resolution=1)
    assert fine.windows(REQUESTS, "Sum", period=10, end=60, count=6) == [1] * 6


def test_windows_when_end_is_no_multiple_of_the_period_then_slide() -> None:
    """A five-minute window can end at any minute."""
    store = MetricStore()
    for minute in range(10):
        store.put(REQUESTS, minute, at=minute * 60)
    assert store.windows(REQUESTS, "Sum", period=300, end=420, count=1) == [2 + 3 + 4 + 5 + 6]


def test_put_when_points_come_late_then_they_are_in_order() -> None:
    """A late point lands in its own window."""
    store = MetricStore()
    for at in (50, 10, 30, 10):
        store.put(REQUESTS, 1, at=at, resolution=1)
    windows = store.windows(REQUESTS, "Sum", period=20, end=60, count=3)
    assert windows == [2, 1, 1]
    assert store.last_at(REQUESTS) == 50


def test_store_when_full_then_drops_the_oldest_and_refuses_more_metrics() -> None:
    """Memory is bounded in points and in metrics."""
    store = MetricStore(max_points=100, max_series=1)
    for at in range(1000):
        store.put(REQUESTS, 1, at=at, resolution=1)
    kept = store.statistic(REQUESTS, "SampleCount", 0, 1000)
    assert kept is not None
    assert 80 <= kept <= 100
    assert store.statistic(REQUESTS, "Sum", 999, 1000) == 1
    with pytest.raises(ValueError, match="more than 1 metrics"):
        store.put(series_key("Shop", "Other"), 1, at=0)


def test_put_when_threads_race_then_nothing_is_lost() -> None:
    """Writers in several threads lose no point."""
    store = MetricStore()

    def write() -> None:
        for at in range(500):
            store.put(REQUESTS, 1, at=at, resolution=1)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.statistic(REQUESTS, "Sum", 0, 500) == 2000
