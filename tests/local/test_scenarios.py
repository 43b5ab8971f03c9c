"""Every scenario of the product, to its end: `make scenarios`, an hour on two cores."""

from __future__ import annotations

import pytest

from canary.local.scenario import SCENARIOS, known_scenarios, load_scenario
from tests.local.test_region import assert_clean, run

pytestmark = pytest.mark.scenario

KNOWN = known_scenarios(SCENARIOS)
SEEN = {"shared"}
"""Both models are down for a while there: nobody is left to answer."""


@pytest.mark.parametrize("name", sorted(KNOWN.keys() - {"killed"}))
def test_a_scenario_comes_to_what_it_expects(name: str) -> None:
    """Its outcome, brought about by whom it says, with no arm changed and no event lost."""
    expected = load_scenario(KNOWN[name]).expect
    status, result, said = run("--scenario", name)
    assert (status, result.get("outcome")) == (0, expected.outcome), said
    assert_clean(result, said)
    if name not in SEEN:
        assert result["customer_errors"] == 0, said
    if name == "unfit":
        assert not any(result["requests"].get("canary", {}).values()), said


def test_whatever_is_killed_no_customer_sees_an_error() -> None:
    """`killed`: without classifier or cache control answers, without the canary's model too."""
    status, result, said = run("--scenario", "killed")
    assert (status, result.get("outcome")) == (0, "ROLLED_BACK"), said
    assert result["customer_errors"] == 0
    assert result["reassigned"].keys() <= {"canary_unavailable", "canary_rollback"}
    assert result["reassigned"]["canary_unavailable"] > 0
    assert result["requests"]["canary"]["error"] > 0
    assert_clean(result, said)
