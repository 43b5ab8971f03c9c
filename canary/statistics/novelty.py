"""Does an effect wear off: early days against late ones, by days since a unit's first exposure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canary.statistics.normal import lower_tail, two_sided, upper_tail
from canary.statistics.validation import Values, finite, fraction, not_negative

__all__ = ["Decay", "NoveltyContrast", "effect_decay", "novelty_contrast"]


@dataclass(frozen=True)
class Decay:
    """Early minus late effect, its standard error, z, and p-values; informative with an error."""

    decay: Values
    standard_error: Values
    z: Values
    p_two_sided: Values
    p_decay: Values
    informative: NDArray[np.bool_]


@dataclass(frozen=True)
class NoveltyContrast:
    """late - kept * early, its z, the early effect's z, and whether both say novelty."""

    contrast: Values
    z: Values
    early_z: Values
    novelty: NDArray[np.bool_]


def effect_decay(
    early: ArrayLike, early_variance: ArrayLike, late: ArrayLike, late_variance: ArrayLike
) -> Decay:
    """The test z = (early - late) / sqrt(v_early + v_late), the periods independent.

    Effects are canary minus control in any one unit. Without variance z is 0 and p 1. Raises
    `ValueError` for a negative variance or anything not finite.
    """
    decay = finite("early", early) - finite("late", late)
    variance = not_negative("early_variance", early_variance) + not_negative(
        "late_variance", late_variance
    )
    error = np.sqrt(variance)
    known = error > 0
    z = np.where(known, decay / np.where(known, error, 1.0), 0.0)[()]
    p_decay = np.where(known, upper_tail(z), 1.0)[()]
    return Decay(decay, error, z, two_sided(z), p_decay, np.asarray(known)[()])


def novelty_contrast(
    early: ArrayLike,
    early_variance: ArrayLike,
    late: ArrayLike,
    late_variance: ArrayLike,
    *,
    kept: float = 0.5,
    alpha: float = 0.05,
) -> NoveltyContrast:
    """Novelty: the early effect is above 0 (two-sided alpha), and less than `kept` of it stays.

    The contrast c = late - kept * early has variance v_late + kept^2 v_early, and counts when its
    lower tail is below alpha. "Less than half is left" by itself is true of most null tests.
    Raises `ValueError`.
    """
    first, last = finite("early", early), finite("late", late)
    v1 = not_negative("early_variance", early_variance)
    v2 = not_negative("late_variance", late_variance)
    share, level = fraction("kept", kept), fraction("alpha", alpha)
    contrast = last - share * first
    error, early_error = np.sqrt(v2 + share**2 * v1), np.sqrt(v1)
    z = np.divide(contrast, error, out=np.zeros_like(contrast + error), where=error > 0)
    early_z = np.divide(first, early_error, out=np.zeros_like(first + v1), where=early_error > 0)
    flagged = (upper_tail(early_z) < level / 2) & (lower_tail(z) < level)
    return NoveltyContrast(contrast, z[()], early_z[()], np.asarray(flagged)[()])
