"""Levels for tests that come one after another for years: LORD++, SAFFRON, ADDIS, LOND.

Each takes the p-values decided so far and gives the level of each and of the next one. A level
depends on earlier tests only, so a decision never changes. A test is rejected when p <= level.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from canary.statistics.validation import fraction, not_negative, probabilities

__all__ = [
    "OnlineLevels",
    "addis",
    "lond",
    "lord_gamma",
    "lord_plus_plus",
    "saffron",
    "saffron_gamma",
]

Gamma = Sequence[float] | Callable[[int], float]
"""Shares that sum to at most 1: by their index from 1, or as numbers, with 0 beyond the last."""

_LORD = 0.07720838
"""Makes `lord_gamma` sum to 1 (Javanmard and Montanari 2018)."""
_SAFFRON = 0.4374901658
"""1 / zeta(1.6): makes `saffron_gamma` sum to 1."""


@dataclass(frozen=True)
class OnlineLevels:
    """The level each test was held to, whether it was rejected, and the level of the next one."""

    levels: list[float]
    rejected: list[bool]
    next_level: float


def lord_gamma(j: int) -> float:
    """LORD's share of test j: 0.0772 * ln(max(j, 2)) / (j * exp(sqrt(ln j)))."""
    return _LORD * math.log(max(j, 2)) / (j * math.exp(math.sqrt(math.log(j))))


def saffron_gamma(j: int) -> float:
    """SAFFRON's and ADDIS's share of test j: proportional to j^-1.6."""
    return float(_SAFFRON / j**1.6)


def lord_plus_plus(
    p_values: Sequence[float],
    alpha: float = 0.05,
    w0: float | None = None,
    gamma: Gamma = lord_gamma,
) -> OnlineLevels:
    """LORD++ (Ramdas, Yang, Wainwright and Jordan 2017); this product's default.

    level_t = w0 g_t + (alpha - w0) g_(t - r1) + alpha * sum over later rejections of g_(t - r).
    Controls the false discovery rate at `alpha` at every time for independent p-values. `w0` is
    the wealth to begin with, alpha / 10 by default. Raises `ValueError` for a p-value or alpha
    outside its range, w0 above alpha, and shares that are negative or sum to more than 1.
    """
    p, level, wealth, share = _arguments(p_values, alpha, w0, gamma, alpha / 10)
    levels: list[float] = []
    hits: list[int] = []
    for t in range(1, len(p) + 2):
        now = wealth * share(t)
        for order, hit in enumerate(hits):
            now += (level - wealth if order == 0 else level) * share(t - hit)
        levels.append(now)
        if t <= len(p) and p[t - 1] <= now:
            hits.append(t)
    return _levels(levels, p)


def saffron(
    p_values: Sequence[float],
    alpha: float = 0.05,
    w0: float | None = None,
    gamma: Gamma = saffron_gamma,
    *,
    candidate: float = 0.5,
) -> OnlineLevels:
    """SAFFRON (Ramdas, Zrnic, Wainwright and Jordan 2018): candidates (p <= `candidate`) are free.

    level_t = min(c, (1 - c)(w0 g_(t - C0) + (alpha - w0) g_(t - r1 - C1) + alpha * sum(...)))
    with C the candidates since. `w0` is alpha / 2 by default. Raises `ValueError`.
    """
    p, level, wealth, share = _arguments(p_values, alpha, w0, gamma, alpha / 2)
    lam = float(fraction("lambda", candidate))
    return _adaptive(p, level, wealth, share, lam=lam, tau=1.0)


def addis(
    p_values: Sequence[float],
    alpha: float = 0.05,
    w0: float | None = None,
    gamma: Gamma = saffron_gamma,
    *,
    candidate: float = 0.25,
    discard: float = 0.5,
) -> OnlineLevels:
    """ADDIS (Tian and Ramdas 2019): as SAFFRON, and p-values above `discard` cost nothing.

    For conservative null tests. `w0` is alpha / 2 by default. Raises `ValueError` unless
    0 < candidate < discard <= 1.
    """
    p, level, wealth, share = _arguments(p_values, alpha, w0, gamma, alpha / 2)
    lam = float(fraction("lambda", candidate))
    if not lam < discard <= 1:
        raise ValueError(f"tau: {discard} is not above lambda = {lam} and at most 1")
    return _adaptive(p, level, wealth, share, lam=lam, tau=float(discard))


def lond(p_values: Sequence[float], alpha: float = 0.05, beta: Gamma | None = None) -> OnlineLevels:
    """LOND (Javanmard and Montanari 2015): level_t = beta_t * (rejections so far + 1).

    `beta` sums to at most alpha; alpha * `lord_gamma` by default. Raises `ValueError`.
    """
    level = float(fraction("alpha", alpha))
    p = [float(x) for x in probabilities("p_values", p_values)]
    share = (lambda j: level * lord_gamma(j)) if beta is None else _shares("beta", beta, level)
    levels: list[float] = []
    count = 0
    for t in range(1, len(p) + 2):
        levels.append(min(1.0, share(t) * (count + 1)))
        count += t <= len(p) and p[t - 1] <= levels[-1]
    return _levels(levels, p)


def _adaptive(
    p: list[float],
    alpha: float,
    wealth: float,
    share: Callable[[int], float],
    *,
    lam: float,
    tau: float,
) -> OnlineLevels:
    """SAFFRON's recursion on the clock of tests that are not discarded (p <= tau)."""
    levels: list[float] = []
    clock, candidates = 1, 0
    # For each rejection: the clock just after it, and the candidates up to and with it.
    hits: list[tuple[int, int]] = []
    for t in range(1, len(p) + 2):
        now = wealth * share(clock - candidates)
        for order, (then, before) in enumerate(hits):
            weight = alpha - wealth if order == 0 else alpha
            now += weight * share(clock - then - (candidates - before) + 1)
        now = min(lam, (tau - lam) * now)
        levels.append(now)
        if t > len(p):
            break
        clock += p[t - 1] <= tau
        candidates += p[t - 1] <= lam
        if p[t - 1] <= now:
            hits.append((clock, candidates))
    return _levels(levels, p)


def _arguments(
    p_values: Sequence[float], alpha: float, w0: float | None, gamma: Gamma, default: float
) -> tuple[list[float], float, float, Callable[[int], float]]:
    level = float(fraction("alpha", alpha))
    p = [float(x) for x in probabilities("p_values", p_values)]
    wealth = float(not_negative("w0", default if w0 is None else w0))
    if wealth > level:
        raise ValueError(f"w0: {wealth} is more than alpha = {level}")
    return p, level, wealth, _shares("gamma", gamma, 1.0)


def _shares(name: str, gamma: Gamma, most: float) -> Callable[[int], float]:
    if callable(gamma):
        return gamma
    given = [float(x) for x in not_negative(name, gamma).ravel()]
    if sum(given) > most * (1 + 1e-6):
        raise ValueError(f"{name}: sums to {sum(given)}, more than {most}")

    def share(j: int) -> float:
        return given[j - 1] if j <= len(given) else 0.0

    return share


def _levels(levels: list[float], p: list[float]) -> OnlineLevels:
    held = levels[: len(p)]
    return OnlineLevels(held, [x <= a for x, a in zip(p, held, strict=True)], levels[-1])
