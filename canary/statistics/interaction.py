"""Do effects of different parts of the data point in opposite directions?"""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["gail_simon"]


def gail_simon(effects: Sequence[float], variances: Sequence[float]) -> float:
    """The p-value of Gail and Simon's (1985) likelihood ratio test of qualitative interaction."""
    squares = [(d, d * d / v) for d, v in zip(effects, variances, strict=True)]
    q = min(sum(s for d, s in squares if d > 0), sum(s for d, s in squares if d < 0))
    if q <= 0:
        return 1.0
    k = len(squares)
    return sum(
        math.comb(k - 1, h) / float(2 ** (k - 1)) * _chi_square_tail(q, h) for h in range(1, k)
    )


def _chi_square_tail(x: float, df: int) -> float:
    if df == 1:
        return math.erfc(math.sqrt(x / 2))
    if df == 2:  # noqa: PLR2004  # degrees of freedom
        return math.exp(-x / 2)
    term: float = (x / 2) ** (df / 2 - 1) * math.exp(-x / 2) / math.gamma(df / 2)
    return _chi_square_tail(x, df - 2) + term
