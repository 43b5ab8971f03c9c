"""Sample ratio mismatch: are as many units in each arm as were asked for, at any time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from canary.statistics.validation import require_not_negative

__all__ = ["CONCENTRATION", "mismatch_p_value", "multinomial_log_e"]

CONCENTRATION = 1000.0
"""How closely the alternatives crowd around the asked shares: tuned to some thousand units."""


def multinomial_log_e(
    counts: Sequence[float], shares: Sequence[float], concentration: float
) -> float:
    """The logarithm of the e-value against `shares` (Lindon and Malek 2022).

    A Dirichlet mixture of multinomials; under the asked shares it exceeds 1 / alpha at any time
    with probability at most alpha. Raises `ValueError`.
    """
    if len(counts) != len(shares) or abs(sum(shares) - 1) > 1e-9:  # noqa: PLR2004  # rounding
        raise ValueError(f"shares: {list(shares)} do not match {len(counts)} counts or sum to 1")
    if any(not share > 0 for share in shares):
        raise ValueError(f"shares: {list(shares)} are not all above 0")
    require_not_negative(concentration=concentration)
    if concentration == 0:
        raise ValueError("concentration: 0 is not above 0")
    for count in counts:
        require_not_negative(counts=count)
    value = math.lgamma(concentration) - math.lgamma(concentration + sum(counts))
    for count, share in zip(counts, shares, strict=True):
        prior = concentration * share
        value += math.lgamma(prior + count) - math.lgamma(prior) - count * math.log(share)
    return value


def mismatch_p_value(draws: Iterable[tuple[float, int, int]]) -> float:
    """An always-valid p-value over draws at several rates: (p_canary, control, canary) each.

    The e-values' mean is an e-value; rates of 0 and 1 leave nothing to chance and are left out.
    """
    logs = [
        multinomial_log_e((control, canary), (1 - p, p), CONCENTRATION)
        for p, control, canary in draws
        if 0 < p < 1 and control + canary > 0
    ]
    if not logs:
        return 1.0
    top = max(logs)
    mean = top + math.log(sum(math.exp(value - top) for value in logs) / len(logs))
    return math.exp(-max(0.0, mean))
