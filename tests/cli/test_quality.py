"""`canary quality`: one table of what was measured."""

from __future__ import annotations

import json

from click.testing import CliRunner

from canary.cli.quality import quality
from canary.quality.evaluation.measure import CLASSES


def test_each_class_and_language_has_its_figures_with_intervals() -> None:
    """The document has every class in both parts; the table has the same rows."""
    result = CliRunner().invoke(quality, ["--json"])
    assert result.exit_code == 0, result.output
    document = json.loads(result.output)
    assert {(row["part"], row["class"]) for row in document["detector"]} == {
        (part, name) for part in ("held_out", "tuned") for name in CLASSES
    }
    for row in document["detector"]:
        for name in ("precision", "recall", "specificity"):
            assert 0 <= row[name]["lower"] <= row[name]["estimate"] <= row[name]["upper"] <= 1
    english, japanese = document["classifier"]
    assert english["accuracy"]["estimate"] > japanese["accuracy"]["lower"] > 0.7
    assert document["assumed"] == {"sensitivity": 0.9, "specificity": 0.995}
    shown = CliRunner().invoke(quality, [])
    assert shown.exit_code == 0
    for name in (*CLASSES, "intents, english", "intents, japanese"):
        assert name in shown.output
