"""The page that a person reads before approving."""

from __future__ import annotations

from typing import Any

from canary.release.model import Phase, ReleaseState
from canary.report.approval import approval_page
from tests.canary import samples


def state(**changes: Any) -> ReleaseState:
    policy = samples.policy()
    known: dict[str, Any] = {
        "release_id": "r-1",
        "test_id": "t-1",
        "candidate": "model-b",
        "control": "model-a",
        "region": "us-east-1",
        "phase": Phase.BAKING,
        "policy": policy.to_json(),
        "policy_digest": policy.digest,
        "admitted_at": 1_700_000_000.0,
        "stage": 3,
    }
    return ReleaseState(**known | changes)


def decision(at: float, kind: str, **more: Any) -> dict[str, Any]:
    return {"at": at, "stage": 3, "decision": kind, "reason": f"why {kind}", **more}


def test_page_shows_decisions_newest_first_with_the_last_verdicts_and_rules() -> None:
    """Verdicts come from the last look that judged, rules from the last look of all."""
    verdict = {"gate": "test", "metric": "completion", "scope": "overall", "verdict": "PASS"}
    judged = decision(1.0, "PROMOTE", verdicts=[{**verdict, "sentence": "completion +2.1"}])
    rules = [{"name": "sample ratio", "outcome": "as asked", "inputs": {"p": 0.4}}]
    page = approval_page(
        state(benefit=True, decisions=(decision(0.0, "EXTEND"), {**judged, "rules": rules})), at=9.0
    )
    assert page.index("why PROMOTE") < page.index("why EXTEND")
    for said in (
        "completion +2.1",
        "sample ratio",
        "p 0.4",
        "<td>yes</td>",
        "1970-01-01 00:00 UTC",
    ):
        assert said in page


def test_page_says_each_stage_s_share() -> None:
    """Rates and shares are those of the release's own policy, not of today's."""
    page = approval_page(state(), at=0.0)
    assert "<td>50%</td>" in page
    assert "<td>100%</td><td>100.0%</td>" in page


def test_page_shows_text_and_no_markup_of_others() -> None:
    """A model's name or a person's words cannot become part of the page."""
    page = approval_page(
        state(candidate="<script>x</script>", decisions=(decision(0.0, "<b>HOLD</b>"),)), at=0.0
    )
    assert "<script>" not in page
    assert "<b>" not in page
    assert "&lt;script&gt;" in page


def test_page_of_a_record_without_decisions_is_whole() -> None:
    """Nothing known is said as such."""
    page = approval_page(state(), at=0.0)
    assert page.count("<p>None.</p>") == 3
    assert page.startswith("<!doctype html>")
