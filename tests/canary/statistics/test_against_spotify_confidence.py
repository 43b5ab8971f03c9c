"""Our figures against spotify-confidence's, with its plotting libraries left out."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType
from unittest.mock import MagicMock

import numpy as np
import pandas as pd
import pytest

from canary.statistics.multiplicity import bonferroni, holm
from canary.statistics.sample_ratio import chi_square_mismatch
from canary.statistics.spending import boundaries, kim_demets_spend
from canary.statistics.two_proportions import score_test

pytestmark = [
    # It is written for an older pandas, and says of Holm that it has no intervals.
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:Confidence intervals not supported:UserWarning"),
]

PLOTTING = ("chartify", "ipywidgets", "bokeh", "bokeh.models", "IPython", "IPython.display")


@pytest.fixture(scope="module")
def confidence() -> Iterator[ModuleType]:
    """The library; its imports of plotting answer with nothing."""
    absent = [name for name in PLOTTING if name not in sys.modules]
    for name in absent:
        sys.modules[name] = MagicMock()
    import spotify_confidence
    import spotify_confidence.analysis.frequentist.sample_ratio_test
    import spotify_confidence.analysis.frequentist.sequential_bound_solver

    yield spotify_confidence
    for name in absent:
        del sys.modules[name]


@pytest.mark.parametrize("rho", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("fractions", [(0.5, 1.0), (0.2, 0.4, 0.7, 1.0), (0.1, 0.9)])
def test_power_family_boundaries_match(
    confidence: ModuleType, rho: float, fractions: tuple[float, ...]
) -> None:
    """Kim-DeMets bounds at uneven looks; theirs, on a coarser grid, to four digits."""
    solver = confidence.analysis.frequentist.sequential_bound_solver
    theirs = solver.bounds(np.array(fractions), alpha=0.05, rho=rho, ztrun=8.0, sides=2)
    bounds = theirs.df.zb.to_numpy()
    ours = boundaries(fractions, [kim_demets_spend(t, 0.025, rho) for t in fractions])
    assert ours == pytest.approx(bounds, abs=2e-4)


def test_sample_ratio_matches(confidence: ModuleType) -> None:
    """The chi-square p-value at 95/5."""
    frame = pd.DataFrame({"arm": ["control", "canary"], "units": [95_210, 4_790]})
    p_value, _ = confidence.analysis.frequentist.sample_ratio_test.sample_ratio_test(
        frame, ["arm"], "units", {"control": 0.95, "canary": 0.05}
    )
    found = chi_square_mismatch([95_210, 4_790], [0.95, 0.05])
    assert found.p_value == pytest.approx(p_value, rel=1e-9)


def test_unpooled_test_of_rates_differs_from_the_score_test(confidence: ModuleType) -> None:
    """Its z is unpooled: at p near the score test's, but not the same; ours is the pooled one."""
    frame = pd.DataFrame(
        {"arm": ["control", "canary"], "x": [780, 850], "xx": [780, 850], "n": [1000, 1050]}
    )
    test = confidence.ZTest(
        frame,
        numerator_column="x",
        numerator_sum_squares_column="xx",
        denominator_column="n",
        categorical_group_columns="arm",
        interval_size=0.95,
    )
    row = test.difference("control", "canary").iloc[0]
    found = score_test(780, 1000, 850, 1050)
    assert row["difference"] == pytest.approx(found.difference, rel=1e-12)
    assert row["p-value"] == pytest.approx(found.p_two_sided, rel=0.01)
    assert row["p-value"] != pytest.approx(found.p_two_sided, rel=1e-6)


def test_corrections_match(confidence: ModuleType) -> None:
    """Holm and Bonferroni over three arms, by the p-values it corrects itself."""
    frame = pd.DataFrame(
        {
            "arm": ["control", "a", "b", "c"],
            "x": [780, 850, 800, 870],
            "xx": [780, 850, 800, 870],
            "n": [1000, 1050, 1010, 1060],
        }
    )
    for method, ours in (("holm", holm), ("bonferroni", bonferroni)):
        test = confidence.ZTest(
            frame,
            numerator_column="x",
            numerator_sum_squares_column="xx",
            denominator_column="n",
            categorical_group_columns="arm",
            correction_method=method,
        )
        rows = test.multiple_difference("control", level_as_reference=True)
        assert rows["adjusted p-value"].to_numpy() == pytest.approx(ours(rows["p-value"]), rel=1e-9)
