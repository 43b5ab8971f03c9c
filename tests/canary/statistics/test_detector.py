"""Correcting for a detector's mistakes."""

from __future__ import annotations

import pytest

from canary.statistics.detector import corrected_rate


def test_correction_undoes_the_detectors_mistakes() -> None:
    """What a detector would flag of 3% gives back 3%."""
    flagged = 0.9 * 0.03 + 0.005 * 0.97
    assert corrected_rate(flagged, 0.9, 0.995) == pytest.approx(0.03)


def test_correction_stays_a_rate() -> None:
    """Fewer flags than false alarms alone is zero; more than it can find is one."""
    assert corrected_rate(0.001, 0.9, 0.995) == 0
    assert corrected_rate(1.0, 0.9, 0.995) == 1


def test_a_useless_detector_is_refused() -> None:
    """A coin toss corrects nothing."""
    with pytest.raises(ValueError, match="sensitivity"):
        corrected_rate(0.1, 0.5, 0.5)
    with pytest.raises(ValueError, match="flagged"):
        corrected_rate(1.1, 0.9, 0.9)
