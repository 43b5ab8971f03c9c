"""The stratified score process: what a test and a harm sequence read as data accrue."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from canary.statistics.ratio_metric import Sums, ratio_of, residual_sum

__all__ = ["Pair", "Score", "post_stratified", "score"]


class Pair:
    """Both arms of one stratum: the intent drawn in, and the probability then in force.

    `weight` is the Mantel-Haenszel weight n1 * n0 / N, 0 when an arm has fewer than two units;
    with the arms' rates or means it is worked out once, for all who read it.
    """

    __slots__ = (
        "_common",
        "canary",
        "canary_ratio",
        "control",
        "control_ratio",
        "stratum",
        "weight",
    )

    def __init__(self, stratum: str, control: Sums, canary: Sums) -> None:
        self.stratum = stratum
        self.control, self.canary = control, canary
        self.control_ratio, self.canary_ratio = ratio_of(control), ratio_of(canary)
        self.weight = 0.0
        if control.units >= 2 and canary.units >= 2:  # noqa: PLR2004  # else no spread is known
            both = control.n + canary.n
            self.weight = control.n * canary.n / both if both > 0 else 0.0
        self._common: float | None = None

    @property
    def common_variance(self) -> float:
        """Of the difference, with each unit's residual taken about the stratum's common rate.

        So a stratum in which one arm has seen no event yet still has a variance.
        """
        if self._common is None:
            control, canary = self.control, self.canary
            common = (control.y + canary.y) / (control.n + canary.n)
            self._common = sum(
                arm.units / (arm.units - 1) * residual_sum(arm, common) / arm.n**2
                for arm in (control, canary)
            )
        return self._common


class Score(NamedTuple):
    """S, its cluster-robust variance V, and W, so that S / W is the effect (canary - control)."""

    s: float
    v: float
    w: float
    n_control: float
    n_canary: float

    @property
    def estimate(self) -> float:
        """The stratified difference, NaN without data."""
        return self.s / self.w if self.w > 0 else math.nan

    def z(self, shift: float = 0.0) -> float:
        """The standardised score of (effect - shift); 0 while there is no information."""
        return (self.s - shift * self.w) / math.sqrt(self.v) if self.v > 0 else 0.0


def score(pairs: Iterable[Pair]) -> Score:
    """Sum the strata."""
    s = v = w = n_control = n_canary = 0.0
    for pair in pairs:
        n_control += pair.control.n
        n_canary += pair.canary.n
        weight = pair.weight
        if weight <= 0:
            continue
        s += weight * (pair.canary_ratio.estimate - pair.control_ratio.estimate)
        v += weight**2 * pair.common_variance
        w += weight
    return Score(s, v, w, n_control, n_canary)


def post_stratified(pairs: Iterable[Pair], shares: Mapping[str, float]) -> tuple[float, float]:
    """The effect if intents came in `shares`, and its standard error.

    Intents without data are left out and the others' shares raised; NaN when there is none.
    """
    by_intent: dict[str, list[Pair]] = {}
    for pair in pairs:
        if pair.weight > 0 and shares.get(pair.stratum, 0) > 0:
            by_intent.setdefault(pair.stratum, []).append(pair)
    known = sum(shares[stratum] for stratum in by_intent)
    if known <= 0:
        return math.nan, math.nan
    effect = variance = 0.0
    for stratum, group in by_intent.items():
        part = score(group)
        share = shares[stratum] / known
        effect += share * part.estimate
        variance += share**2 * part.v / part.w**2
    return effect, math.sqrt(variance)
