"""The scenario's engineer: a test is registered by the command, and its end is told once."""

from __future__ import annotations

from typing import Any, cast

import pytest

from canary.aws.ledger import Registrations
from canary.ledger.entry import Entry, Outcome, Settlement
from canary.local.region import EmbeddedRegion, StartError
from canary.local.registering import TEST_ID, register_test, settlement_line
from canary.local.scenario import SCENARIOS, named_scenario
from tests.canary.ledger.years import Year, settled


class Region:
    """An embedded region as far as its commands go."""

    def __init__(self, code: int = 0, said: str = "") -> None:
        self.answer = (code, said)
        self.called: tuple[str, ...] = ()

    def command(self, *arguments: str) -> tuple[int, str]:
        self.called = arguments
        return self.answer

    def client(self, _service: str) -> Any:
        return None


def register(region: Region) -> str:
    return register_test(cast(EmbeddedRegion, region), "model-b", named_scenario("good", SCENARIOS))


def test_a_scenario_registers_its_test_by_the_command() -> None:
    """The scenario's sentence is the hypothesis."""
    region = Region()
    assert register(region) == f"canary register: {TEST_ID}"
    assert region.called[:4] == ("register", "model-b", "--test-id", TEST_ID)
    assert region.called[5].startswith("scenario good: a better candidate")


def test_a_registration_that_is_refused_starts_nothing() -> None:
    """What the command said is the error."""
    with pytest.raises(StartError, match="canary register: canary: refused: mde"):
        register(Region(1, "canary: refused: mde"))


@pytest.mark.parametrize(
    ("p", "outcome", "said"),
    [
        (None, None, None),
        (1e-9, Outcome.PROMOTED, f"ledger: {TEST_ID} promoted, p 1e-09 against 0.000268"),
        (None, Outcome.REJECTED, f"ledger: {TEST_ID} rejected, no last look against 0.000268"),
    ],
)
def test_the_view_says_how_the_ledger_settled(
    monkeypatch: pytest.MonkeyPatch, p: float | None, outcome: Outcome | None, said: str | None
) -> None:
    """Nothing until the reconciler has settled; then the end, and the p-value against its level."""
    entry: Entry = Year().register()
    if outcome:
        entry = settled(entry, p, outcome=outcome)
        assert isinstance(entry.settlement, Settlement)
    monkeypatch.setattr(Registrations, "find", lambda _self, _test_id: entry)
    assert settlement_line(cast(EmbeddedRegion, Region())) == said
