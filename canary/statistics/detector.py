"""From what a fallible detector flags to what is there."""

from __future__ import annotations

__all__ = ["corrected_rate", "flagged_rate"]


def corrected_rate(flagged: float, sensitivity: float, specificity: float) -> float:
    """The true rate behind a flagged rate (Rogan and Gladen 1978), kept within 0 and 1.

    Raises `ValueError` for a detector that is no better than chance.
    """
    power = sensitivity + specificity - 1
    if not (0 <= sensitivity <= 1 and 0 <= specificity <= 1 and power > 0):
        raise ValueError(f"sensitivity, specificity: {sensitivity}, {specificity} tell nothing")
    if not 0 <= flagged <= 1:
        raise ValueError(f"flagged: {flagged} is outside 0 to 1")
    return min(1.0, max(0.0, (flagged + specificity - 1) / power))


def flagged_rate(true: float, sensitivity: float, specificity: float) -> float:
    """What a detector flags, on average, where a share `true` of cases is faulty."""
    return true * sensitivity + (1 - true) * (1 - specificity)
