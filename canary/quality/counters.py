"""The counters that hold what the detector found, and which column of a policy each is.

A turn of the control arm is counted a second time, weighted, as the canary's fair comparison.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from canary.quality.detector import Findings
from canary.routing.matching import MATCHED, matching_weight

__all__ = ["COUNTERS", "count_findings"]

COUNTERS = {
    "checked": "TurnsChecked",
    "hallucinated": "Hallucinations",
    "names": "NamesQuoted",
    "name_correct": "NamesCorrect",
    "japanese_names": "JapaneseNames",
    "name_preserved": "JapaneseNamesKept",
    "honorifics": "Honorifics",
    "honorific_correct": "HonorificsCorrect",
    "language_correct": "LanguageCorrect",
}
"""The columns that metrics of source `detector` name, and the metrics that count them by arm."""


def count_findings(
    inspected: Iterable[tuple[str, float | None, Findings]],
) -> Mapping[str, Mapping[str, float]]:
    """`{metric: {arm: count}}` of turns given as arm, `p_canary` of their draw, and findings."""
    counts: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for arm, p_canary, findings in inspected:
        weights = {arm: 1.0}
        if arm == "control":
            weights[MATCHED] = matching_weight(p_canary)
        for column, value in findings.counts().items():
            for counted, weight in weights.items():
                counts[COUNTERS[column]][counted] += weight * value
    return {name: dict(by_arm) for name, by_arm in counts.items()}
