"""The ledger's consent: asked once, at the last look, and not overridden by a person."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from canary.decision.look import Look
from canary.decision.outcome import Decision
from canary.ledger.consent import Consent, consent
from canary.release.model import Cause

__all__ = ["LEDGER", "ask_ledger", "withheld_by_ledger"]

LEDGER = "ledger"
"""The rule's name: a person's resume is recorded under it, and changes nothing."""


def ask_ledger(look: Look, p_value: float | None) -> dict[str, Any]:
    """Ask for consent to the last look's p-value; what the record must keep of the answer.

    A release without a registration is not asked about: nothing is remembered.
    """
    if look.facts.ledger is None or p_value is None:
        return {}
    found = consent(look.facts.ledger, p_value)
    _note(look, found)
    return {"consent": found.given}


def withheld_by_ledger(look: Look) -> Decision | None:
    """The hold of a test that was decided in favour without the ledger's consent.

    There is no root cause to be found by some hour, so nothing makes it overdue.
    """
    if look.remembered.get("consent", look.state.consent) is not False:
        return None
    return replace(look.hold(_refusal(look), Cause.SIGNALS), rule=LEDGER)


def _refusal(look: Look) -> str:
    p = look.remembered.get("p_value", look.state.p_value)
    said = "The ledger did not consent at the last look."
    if look.facts.ledger is not None and p is not None:
        found = consent(look.facts.ledger, p)
        said = found.sentence if not found.given else f"{said} p was {p:.3g}."
    return (
        f"{said} The boundary is crossed, but not by enough after this year's other tests. "
        "A person may end the release, or register a new test; resuming does not promote it."
    )


def _note(look: Look, found: Consent) -> None:
    assert look.facts.ledger is not None
    view = look.facts.ledger
    look.note(
        LEDGER,
        "consents" if found.given else "does not consent",
        test=view.test_id,
        family=view.family,
        method=view.method,
        p=found.p,
        level=found.level,
        q=found.q,
        adjusted_p=found.adjusted,
        tests=found.tests,
    )
