"""Parts of the document whose meaning is not plain from the looks alone."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from canary.decision.record import LookRecord
from canary.policy.compiled import Gate
from canary.release.model import Cause, Hold, Phase
from canary.report.document import report_document
from canary.report.figures import UNKNOWN, text_of
from canary.report.gates import gates
from canary.report.ledger import ledger_status
from canary.report.redaction import LONGEST, redacted
from tests.canary.report.scenes import DAY, policy, story


def noted(record: LookRecord, name: str, outcome: str, **inputs: Any) -> LookRecord:
    rule = {"name": name, "outcome": outcome, "inputs": inputs}
    rules = [*record.decision["rules"], rule]
    return replace(record, decision={**record.decision, "rules": rules})


def verdict_of(**changes: Any) -> dict[str, str]:
    state, records = story(until=4.5 * DAY)
    found: dict[str, str] = report_document(replace(state, **changes), records, at=0.0)["verdict"]
    return found


def test_ledger_shows_its_answer_before_what_it_reserved() -> None:
    """Nothing, then the reservation, then the answer, and what one is told comes first."""
    _, records = story(until=4.5 * DAY)
    assert ledger_status(records) == {"registered": False, "entries": []}
    view = SimpleNamespace(test_id="t1", level=0.001, settled=(0.2, 0.7))
    object.__setattr__(records[-1].facts, "ledger", view)
    reserved = {each["name"]: each["value"] for each in ledger_status(records)["entries"]}
    assert reserved == {
        "answer": "not asked yet",
        "test id": "t1",
        "level": 0.001,
        "tests settled before": 2,
    }
    asked = (*records[:-1], noted(records[-1], "ledger", "consents", p=0.0001, level=0.001))
    answer = {each["name"]: each["value"] for each in ledger_status(asked)["entries"]}
    assert answer == {"answer": "consents", "p": 0.0001, "level": 0.001}
    assert ledger_status(asked, {"state": "abandoned"})["entries"][0]["value"] == "abandoned"


@pytest.mark.parametrize(
    ("changes", "kind", "said"),
    [
        ({}, "running", "The test goes on"),
        ({"phase": Phase.AWAITING_APPROVAL}, "promote", "Promote: every gate holds"),
        ({"phase": Phase.PROMOTED}, "promoted", "Promoted: model-b is the control model now"),
        (
            {"revoked": True, "cause": Cause.CRITICAL_ALARM},
            "rolled_back",
            "Rolled back because of a critical alarm",
        ),
        (
            {"phase": Phase.HELD, "hold": Hold(Cause.OPERATOR, (), 0.0, Phase.BAKING, "lunch.")},
            "held",
            "Held because of an operator's wish: lunch; completion is",
        ),
    ],
)
def test_verdict_follows_the_record(changes: dict[str, Any], kind: str, said: str) -> None:
    """Whatever the last look said, what has happened since comes first."""
    found = verdict_of(**changes)
    assert found["kind"] == kind
    assert found["sentence"].startswith(said)
    assert found["ask"]


def test_looks_alone_say_how_a_release_ended() -> None:
    """Without the record after it, the last look's rejection or hold is the verdict."""
    state, records = story(canary=0.74)
    before = replace(state, revoked=False, cause=None)
    found = report_document(before, records, at=0.0)["verdict"]
    assert found["kind"] == "rejected"
    assert "because of proved harm" in found["sentence"]
    state, records = story(changed={"return_request": {"completion": 0.70}})
    assert report_document(records[-1].state, records, at=0.0)["verdict"]["kind"] == "held"


def test_a_lifted_hold_is_over() -> None:
    """A person resumed after the look that held: the release goes on until the next look."""
    state, records = story(changed={"return_request": {"completion": 0.70}})
    resumed = replace(state, hold=None, phase=Phase.BAKING, resumed_at=records[-1].facts.as_of + 1)
    assert report_document(resumed, records, at=0.0)["verdict"]["kind"] == "running"


@pytest.mark.parametrize(
    ("unit", "better", "limit", "estimate", "used"),
    [
        ("points", "lower", 0.01, 0.005, 0.5),
        ("points", "higher", -0.05, -0.025, 0.5),
        ("relative", "lower", 0.10, -0.05, -0.5),
        ("level", "lower", 0.005, 0.004, 0.8),
        ("level", "higher", 0.95, 0.99, 0.2),
    ],
)
def test_used_part_of_a_margin(
    unit: Any, better: Any, limit: float, estimate: float, used: float
) -> None:
    """0 is no change or no fault, 1 is the limit itself, whatever the gate's unit."""
    _, records = story(until=4.5 * DAY)
    of = policy()
    metrics = tuple(
        replace(each, better=better) if each.name == "error" else each for each in of.metrics
    )
    verdict = {
        "metric": "error",
        "scope": "overall",
        "verdict": "PASS",
        "gate": "must_pass",
        "unit": unit,
        "limit": limit,
        "estimate": estimate,
        "lower": None,
        "upper": None,
        "n_control": 1.0,
        "n_canary": 1.0,
        "sentence": "said",
    }
    record = replace(records[-1], decision={**records[-1].decision, "verdicts": [verdict]})
    (row,) = gates(replace(of, metrics=metrics), (record,))["overall"]
    assert row["used"] == pytest.approx(used)
    assert row["used_lower"] is None


def test_only_observed_metrics_are_no_gates() -> None:
    """They have no limit, count in no total, and are shown apart."""
    _, records = story(until=4.5 * DAY)
    own = {
        "metric": "csat",
        "scope": "overall",
        "verdict": "INCONCLUSIVE",
        "gate": "observed",
        "unit": "relative",
        "limit": None,
        "estimate": 0.1,
        "lower": 0.0,
        "upper": 0.2,
        "n_control": 9.0,
        "n_canary": 9.0,
        "sentence": "only observed",
    }
    known = [*records[3].decision["verdicts"], own]
    found = gates(policy(), (replace(records[3], decision={"verdicts": known}),))
    assert [row["metric"] for row in found["observed"]] == ["csat"]
    assert "csat" not in {row["metric"] for row in (*found["overall"], *found["parts"])}


def test_gates_of_the_policy_are_all_shown() -> None:
    """Each gate of the stage that judged has a row, in its part."""
    of = policy()
    state, records = story()
    document = report_document(state, records, at=0.0)
    wanted = [gate for gate in of.gates if gate.stage == 3]
    assert isinstance(wanted[0], Gate)
    shown = document["gates"]
    assert len(shown["overall"]) == sum(gate.scope == "overall" for gate in wanted)
    assert {row["scope"] for row in shown["parts"]} == {f"intent:{i.name}" for i in of.intents}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Write to ann.lee@example.co.jp now", "Write to [e-mail] now"),
        ("Call 03-1234-5678 or +81 90 1234 5678.", "Call [number] or [number]."),
        ("Card 4111 1111 1111 1111 ends", "Card [card] ends"),
        ("See https://x.example/?id=7 there", "See [link] there"),
        ("Order MS-20261125-77 is on its way", "[order] is on its way"),
        ("I am at 12 Oak Street, Salem, OR 97301", "I am at [address]"),
        ("Volume 12 of Nana costs 480 yen", "Volume 12 of Nana costs 480 yen"),
        ("two\nlines", "two lines"),
    ],
)
def test_answers_are_shown_without_what_points_to_a_person(text: str, shown: str) -> None:
    """Addresses and numbers go, prices and volumes stay."""
    assert redacted(text) == shown


def test_long_answers_are_cut_after_redaction() -> None:
    """The cut never leaves half an address that no pattern finds any more."""
    text = f"{'word ' * 54}ann.lee@example.com"
    cut = redacted(text)
    assert len(cut) <= LONGEST
    assert "ann" not in cut


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (0.0123, "points", "+1.23 points"),
        (-0.0123, "hundredths", "-1.23"),
        (0.05, "relative", "+5.0%"),
        (1234567.0, "count", "1,234,567"),
        (0.00001, "p", "under 0.0001"),
        (90_000, "span", "1.0 d"),
        (0.0, "moment", "1970-01-01 00:00 UTC"),
        (["a", "b"], "value", "a, b"),
        ([], "value", "none"),
        (True, "value", "yes"),
        (10_280.4, "value", "10,280"),
        (None, "points", UNKNOWN),
        (float("nan"), "z", UNKNOWN),
    ],
)
def test_values_are_written_by_kind(value: Any, kind: str, text: str) -> None:
    """One formatter for every number that a person reads."""
    assert text_of(value, kind) == text
