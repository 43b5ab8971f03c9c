"""Where chance comes from: a generator of its own for each purpose, so that no two share draws."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

__all__ = ["Purpose", "generator"]


class Purpose(IntEnum):
    """What a generator is for."""

    START = 1
    STREAM = 2
    SLOTS = 3
    EXPOSURE = 4
    MINUTES = 5


def generator(
    seed: tuple[int, int], purpose: Purpose, place: int = 0, part: int = 0
) -> np.random.Generator:
    """The generator of release `seed` (study, number) for that purpose, place and part.

    Always as many numbers: numpy takes a seed and the same seed with zeros behind it for one.
    """
    return np.random.default_rng((*seed, int(purpose), place, part))
