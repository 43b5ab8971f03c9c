"""Lines on their way to a reader that may be slow, over a real pipe."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator

import pytest

from services.api import events
from services.api.event_buffer import EventBuffer

LINE = "x" * 999


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe that nobody reads yet."""
    reading, writing = os.pipe()
    yield reading, writing
    for end in (reading, writing):
        os.close(end)


def read(descriptor: int) -> list[str]:
    """The lines that are in the pipe."""
    os.set_blocking(descriptor, False)
    found = b""
    while True:
        try:
            found += os.read(descriptor, 65_536)
        except BlockingIOError:
            return found.decode().splitlines()


def test_a_line_is_with_its_reader_at_once(pipe: tuple[int, int]) -> None:
    """Nothing waits while the reader keeps up, however long a line is."""
    buffer = EventBuffer(pipe[1])
    buffer.put("turn", b"short")
    buffer.put("turn", b"y" * 9_000)
    assert read(pipe[0]) == ["short", "y" * 9_000]


def test_what_a_slow_reader_leaves_waits_and_then_the_newest_is_dropped(
    pipe: tuple[int, int],
) -> None:
    """Nobody waits, nothing is torn or out of order, and each line is kept or counted."""
    buffer = EventBuffer(pipe[1], limit_bytes=50_000)
    for number in range(200):
        buffer.put("turn" if number % 2 else "metrics", f"{number:03d}{LINE}".encode())
    dropped = buffer.take_dropped()
    kept: list[str] = []
    while lines := read(pipe[0]):
        kept += lines
        buffer.drain()
    assert [line[:3] for line in kept] == [f"{n:03d}" for n in range(len(kept))]
    assert all(line[3:] == LINE for line in kept)
    assert len(kept) + sum(dropped.values()) == 200
    assert dropped["turn"] > 0
    assert dropped["metrics"] > 0
    assert buffer.take_dropped() == {}
    buffer.put("turn", b"again")
    assert read(pipe[0]) == ["again"]


def test_a_broken_event_is_counted_and_told_and_not_written(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """By its fields, never by what was said in them."""
    events.BUFFER.take_dropped()
    with caplog.at_level(logging.ERROR):
        events.write_event({**events.envelope("turn", 0.0, "us-east-1"), "text": "secret"})
    assert capsys.readouterr().out == ""
    assert "conversation_id: missing" in caplog.text
    assert "secret" not in caplog.text
    line = events.dropped_line("Space", 1.0)
    assert line is not None
    assert json.loads(json.dumps(line))["EventsDropped"] == 1
    assert events.dropped_line("Space", 1.0) is None
