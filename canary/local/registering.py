"""What the scenario's engineer does for the ledger: register the test, and see how it ended."""

from __future__ import annotations

from canary.aws.ledger import Registrations
from canary.local.region import EmbeddedRegion, StartError
from canary.local.scenario import Scenario

__all__ = ["TEST_ID", "register_test", "settlement_line"]

TEST_ID = "ab-test-001"
TESTS_TABLE = "canary-tests"


def register_test(region: EmbeddedRegion, candidate: str, scenario: Scenario) -> str:
    """Call `canary register` as a person would; a line for the view.

    Raises `StartError` when it is refused: no release starts without a test.
    """
    text = f"scenario {scenario.name}: {scenario.description}"
    words = (candidate, "--test-id", TEST_ID, "--text", text, "--by", "scenario")
    code, said = region.command("register", *words)
    if code != 0:
        raise StartError(f"canary register: {said}")
    return f"canary register: {TEST_ID}"


def settlement_line(region: EmbeddedRegion) -> str | None:
    """How the ledger settled the test, once the reconciler has; None before."""
    entry = Registrations(region.client("dynamodb"), TESTS_TABLE).find(TEST_ID)
    if entry is None or entry.settlement is None:
        return None
    p = entry.settlement.p
    held = "no last look" if p is None else f"p {p:.3g}"
    return f"ledger: {TEST_ID} {entry.state}, {held} against {entry.level:.3g}"
