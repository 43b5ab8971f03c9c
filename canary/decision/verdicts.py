"""What one metric says about one gate, with the numbers that say it."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from canary.policy.compiled import Unit
from canary.statistics.intervals import Interval

__all__ = ["Verdict", "VerdictKind", "exact", "judge", "plain"]


class VerdictKind(StrEnum):
    """Whether a limit is kept."""

    PASS = "PASS"  # noqa: S105 - a verdict
    """The limit is kept: proved, not merely not refuted."""
    FAIL = "FAIL"
    """The limit is broken: proved."""
    INCONCLUSIVE = "INCONCLUSIVE"
    """The data do not say."""


@dataclass(frozen=True)
class Verdict:
    """One metric, in one scope, against one limit; `estimate` and bounds are in `unit`."""

    metric: str
    scope: str
    """`overall`, `intent:{name}` or `tier:{name}`."""
    kind: VerdictKind
    gate: Literal["must_pass", "must_not_fail", "test", "observed"]
    """`observed` never decides: it has no limit (NaN), and neither passes nor fails."""
    unit: Unit
    limit: float
    estimate: float
    lower: float
    upper: float
    n_control: float
    n_canary: float
    say: Callable[[], str] = field(compare=False, repr=False)
    """Makes the sentence: most verdicts are never read by anybody."""

    @functools.cached_property
    def sentence(self) -> str:
        """What a manager reads."""
        return self.say()

    def to_dict(self, number: Callable[[float], float | None]) -> dict[str, Any]:
        """JSON-ready, each number by `number` (`plain` or `exact`); what is not known is null."""
        return {
            "metric": self.metric,
            "scope": self.scope,
            "verdict": self.kind.value,
            "gate": self.gate,
            "unit": self.unit,
            "limit": number(self.limit),
            "estimate": number(self.estimate),
            "lower": number(self.lower),
            "upper": number(self.upper),
            "n_control": number(self.n_control),
            "n_canary": number(self.n_canary),
            "sentence": self.sentence,
        }


def judge(
    interval: Interval, limit: float, better: Literal["higher", "lower"], *, by_point: bool = False
) -> VerdictKind:
    """Compare an interval with a limit: PASS and FAIL need it wholly on one side.

    `by_point` asks of a PASS only that the estimate keeps the limit.
    """
    estimate, worst, best = interval.estimate, interval.lower, interval.upper
    if better == "lower":
        estimate, worst, best, limit = -estimate, -best, -worst, -limit
    if math.isnan(estimate) or math.isnan(worst) or math.isnan(best):
        return VerdictKind.INCONCLUSIVE
    worst, best = min(worst, best), max(worst, best)
    if best < limit:
        return VerdictKind.FAIL
    if (estimate if by_point else worst) >= limit:
        return VerdictKind.PASS
    return VerdictKind.INCONCLUSIVE


def plain(value: float) -> float | None:
    """A number that JSON can carry: six significant digits, `None` when not finite."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


def exact(value: float) -> float | None:
    """A number that JSON can carry with every digit, `None` when not finite."""
    return float(value) if math.isfinite(value) else None
