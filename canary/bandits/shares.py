"""Probabilities as they are served and logged: whole ten-thousandths.

So what the log, DynamoDB, Redis and an analysis read is the probability that was in force, to the
last digit, and not a rounding of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from canary.statistics.exploration import floor_mixture

__all__ = ["PARTS", "Shares", "arm_at", "check_shares", "shares_of", "whole_parts"]

PARTS = 10_000
"""The places of the hash that assignments are drawn by, too."""

_ROUNDING = 1e-6

Shares = Mapping[str, int]
"""Ten-thousandths by arm; they sum to `PARTS`."""


def shares_of(arms: Sequence[str], chances: ArrayLike, floor: float) -> dict[str, int]:
    """The mixture floor + (1 - K * floor) * chance in whole parts, by largest remainders.

    No arm is as much as one part from the mixture, and none is below the floor. Raises `ValueError`
    when arms and chances are not as many, and for a floor that is too high or no whole parts.
    """
    whole_parts("floor", floor)
    wanted = floor_mixture(chances, floor) * PARTS
    if len(wanted) != len(arms) or len(set(arms)) != len(arms):
        raise ValueError(f"arms: {list(arms)} with {len(wanted)} chances")
    # A mixture at its floor may lie a rounding error below it, and is not to lose a part for that.
    whole = np.floor(wanted + _ROUNDING).astype(int)
    remainder = wanted - whole
    for index in np.argsort(-remainder, kind="stable")[: PARTS - int(whole.sum())]:
        whole[index] += 1
    return {arm: int(parts) for arm, parts in zip(arms, whole, strict=True)}


def whole_parts(name: str, probability: float) -> int:
    """The probability in parts; raises `ValueError` when it is not a whole number of them."""
    parts = round(probability * PARTS)
    if abs(probability * PARTS - parts) > _ROUNDING:
        raise ValueError(f"{name}: {probability} is not a whole number of ten-thousandths")
    return parts


def arm_at(shares: Shares, place: int) -> str:
    """The arm of a unit whose hash is `place`, 0 to 9,999; raises `ValueError` outside."""
    if not 0 <= place < PARTS:
        raise ValueError(f"place: {place} is outside 0 to {PARTS - 1}")
    for arm, parts in shares.items():
        place -= parts
        if place < 0:
            return arm
    raise ValueError(f"shares: {dict(shares)} do not sum to {PARTS}")


def check_shares(shares: Shares) -> None:
    """Raises `ValueError` unless all are above 0 and they sum to `PARTS`."""
    if sum(shares.values()) != PARTS or any(parts <= 0 for parts in shares.values()):
        raise ValueError(f"shares: {dict(shares)} are not above 0 with the sum {PARTS}")
