"""What one draw costs: the hash, the rate, the arm; and beside it the hash alone.

A microsecond differs from machine to machine, and on a busy one from second to second. So both are
timed in turns, the fastest of many rounds counts, and the ratio is what can be compared.
"""

from __future__ import annotations

import timeit

import mmh3

from canary.routing.assignment import draw

__all__ = ["print_decision"]

CALLS = 20_000
ROUNDS = 60


def print_decision() -> None:
    """One line: microseconds of both, and how many bare hashes a draw is."""
    names = {"unit": "u7-012345", "test": "t-001", "rate": 0.05, "mmh3": mmh3, "draw": draw}
    timers = [
        timeit.Timer("draw(unit, test, rate)", globals=names),
        timeit.Timer("mmh3.hash(f'{unit}:{test}')", globals=names),
    ]
    rounds = [[timer.timeit(CALLS) for timer in timers] for _ in range(ROUNDS)]
    drawn, hashed = (1e6 * min(each) / CALLS for each in zip(*rounds, strict=True))
    print(  # noqa: T201 - what was asked for
        f"one draw {drawn:.2f} us, a bare mmh3 {hashed:.2f} us: {drawn / hashed:.1f} times"
    )


if __name__ == "__main__":
    print_decision()
