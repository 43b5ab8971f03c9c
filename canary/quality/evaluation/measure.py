"""How good each check is: what it finds of what is there, and how often it is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from canary.quality.detector import CHECKS, Detector
from canary.quality.evaluation.labelled import LabelledTurn
from canary.statistics.intervals import Interval, one_sided_z, wilson

__all__ = ["CLASSES", "Confusion", "Measured", "confusions", "measure", "mistakes"]

CLASSES = (*CHECKS, "hallucination")
"""Each check, and the metric made of the first two: a title, volume, price or promise invented."""
_INVENTED = frozenset({"title", "claim"})


@dataclass(frozen=True)
class Confusion:
    """Turns by what is so and what the detector says."""

    true_positive: int = 0
    false_positive: int = 0
    false_negative: int = 0
    true_negative: int = 0


@dataclass(frozen=True)
class Measured:
    """One class's figures, each with Wilson's interval; without cases 0.5 from 0 to 1."""

    confusion: Confusion
    precision: Interval
    recall: Interval
    specificity: Interval

    @property
    def sensitivity(self) -> Interval:
        """The same as recall, in the words of the correction for a detector's mistakes."""
        return self.recall


def measure(
    turns: Iterable[LabelledTurn], detectors: Mapping[str, Detector], confidence: float = 0.95
) -> dict[str, Measured]:
    """Precision, recall and specificity of each of `CLASSES`, with two-sided intervals.

    `detectors` are by region. Raises `ValueError` for a confidence outside 0 to 1, `KeyError` for a
    turn of a region without detector.
    """
    z = one_sided_z(1 - (1 - confidence) / 2)
    return {
        name: Measured(
            confusion=c,
            precision=wilson(c.true_positive, c.true_positive + c.false_positive, z),
            recall=wilson(c.true_positive, c.true_positive + c.false_negative, z),
            specificity=wilson(c.true_negative, c.true_negative + c.false_positive, z),
        )
        for name, c in confusions(turns, detectors).items()
    }


def confusions(
    turns: Iterable[LabelledTurn], detectors: Mapping[str, Detector]
) -> dict[str, Confusion]:
    """Turns counted by what is so and what is found, for each of `CLASSES`."""
    pairs = [(turn.faults, detectors[turn.region].inspect(turn.turn).faults()) for turn in turns]
    counted = {}
    for name in CLASSES:
        wanted = _INVENTED if name == "hallucination" else frozenset({name})
        cells = [(bool(truth & wanted), bool(found & wanted)) for truth, found in pairs]
        counted[name] = Confusion(
            true_positive=cells.count((True, True)),
            false_positive=cells.count((False, True)),
            false_negative=cells.count((True, False)),
            true_negative=cells.count((False, False)),
        )
    return counted


def mistakes(
    turns: Iterable[LabelledTurn], detectors: Mapping[str, Detector]
) -> list[tuple[LabelledTurn, str, bool]]:
    """Each turn and check where the detector is wrong, and whether it cried out (or kept still)."""
    wrong = []
    for turn in turns:
        found = detectors[turn.region].inspect(turn.turn).faults()
        wrong += [(turn, check, check in found) for check in sorted(found ^ turn.faults)]
    return wrong
