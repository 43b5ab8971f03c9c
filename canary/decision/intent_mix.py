"""Do customers ask for other things with the new model? The mix of intents, arm against arm.

Only messages after a customer's first count: the first one's intent drew the arm, so it cannot
depend on it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from canary.decision.facts import IntentCell
from canary.statistics.mix_shift import MixShift, mix_shift

__all__ = ["Shift", "intent_shift"]

_LEAST_UNITS = 30
"""Customers an arm below which a normal approximation is not to be trusted."""


@dataclass(frozen=True)
class Shift:
    """By intent, in the policy's order: the share's difference (canary - control), its variance."""

    differences: tuple[float, ...]
    variances: tuple[float, ...]
    test: MixShift
    n_control: float
    """Messages after customers' first, by arm."""
    n_canary: float


def intent_shift(cells: Iterable[IntentCell], intents: int) -> Shift | None:
    """Compare the arms within strata and add up, weighted by n1 * n0 / N; None without data.

    Shares are ratios over customers, so one who writes much is one cluster.
    """
    pairs: dict[tuple[str, float], dict[str, IntentCell]] = {}
    for cell in cells:
        pairs.setdefault((cell.stratum, cell.p_canary), {})[cell.arm] = cell
    sided = [
        (arms["control"], arms["canary"]) for _, arms in sorted(pairs.items()) if len(arms) > 1
    ]
    both = [(one, other) for one, other in sided if min(one.units, other.units) > 1]
    least = min((sum(arm.units for arm in arms) for arms in zip(*both, strict=True)), default=0.0)
    if least < _LEAST_UNITS:
        return None
    weights = [one.n * other.n / (one.n + other.n) for one, other in both]
    whole = sum(weights)
    differences = [0.0] * intents
    shares = [0.0] * intents
    covariance = [[0.0] * intents for _ in range(intents)]
    for weight, (control, canary) in zip(weights, both, strict=True):
        part = weight / whole
        for j in range(intents):
            old, new = control.y[j] / control.n, canary.y[j] / canary.n
            differences[j] += part * (new - old)
            shares[j] += part * (new + old) / 2
            for k in range(intents):
                covariance[j][k] += part**2 * (
                    _covariance(control, j, k) + _covariance(canary, j, k)
                )
    return Shift(
        differences=tuple(differences),
        variances=tuple(covariance[j][j] for j in range(intents)),
        test=mix_shift(differences, covariance, shares),
        n_control=math.fsum(control.n for control, _ in both),
        n_canary=math.fsum(canary.n for _, canary in both),
    )


def _covariance(cell: IntentCell, j: int, k: int) -> float:
    """Of two intents' shares in one arm, by the delta method over customers."""
    p_j, p_k = cell.y[j] / cell.n, cell.y[k] / cell.n
    residuals = cell.yy[min(j, k)][abs(j - k)] - p_j * cell.ny[k] - p_k * cell.ny[j]
    residuals += p_j * p_k * cell.nn
    if j == k:
        residuals = max(0.0, residuals)
    return cell.units / (cell.units - 1) * residuals / cell.n**2
