"""A thread that goes on until it is told to end, as several parts of a region have one."""

from __future__ import annotations

import threading
from collections.abc import Callable

__all__ = ["LastingThread"]


class LastingThread(threading.Thread):
    """Runs `work`, which must return soon after `ending` is set.

    A daemon: a process that ends does not wait for it.
    """

    def __init__(self, name: str, work: Callable[[], None]) -> None:
        super().__init__(target=work, name=name, daemon=True)
        self.ending = threading.Event()

    def end(self, within: float | None = None) -> None:
        """Tell it, and wait for its end: so many real seconds, or as long as that takes."""
        self.ending.set()
        if self.is_alive():
            self.join(within)
