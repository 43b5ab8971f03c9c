"""The ledger's word on one p-value: it must hold beside the test's own boundary."""

from __future__ import annotations

from dataclasses import dataclass

from canary.ledger.view import LedgerView
from canary.statistics.multiplicity import benjamini_hochberg, rejected

__all__ = ["Consent", "adjusted_p", "consent"]


@dataclass(frozen=True)
class Consent:
    """Whether the ledger consents to a discovery, with both views whichever of them decides."""

    given: bool
    p: float
    level: float
    adjusted: float
    """The Benjamini-Hochberg adjusted p-value among what was settled in the window."""
    q: float
    tests: int
    """How many tests that is, this one among them."""
    sentence: str


def consent(view: LedgerView, p: float) -> Consent:
    """Hold `p` to the reserved level, or to Benjamini-Hochberg where the policy says so.

    Raises `ValueError` for a p-value that is not within 0 to 1.
    """
    adjusted = adjusted_p(p, view.settled)
    by_bh = bool(rejected([adjusted], view.q)[0])
    given = by_bh if view.method == "bh" else p <= view.level
    tests = len(view.settled) + 1
    words = {"lord": "LORD++", "bh": "Benjamini-Hochberg", "alpha_investing": "alpha investing"}
    bar = f"q {view.q:g}, adjusted p {adjusted:.3g}" if view.method == "bh" else f"{view.level:.3g}"
    sentence = (
        f"The ledger {'consents' if given else 'does not consent'}: p {p:.3g} against {bar} "
        f"by {words.get(view.method, view.method)}"
    )
    if view.method != "bh":
        sentence += f" (Benjamini-Hochberg over {tests}: adjusted p {adjusted:.3g}, q {view.q:g})"
    return Consent(given, p, view.level, adjusted, view.q, tests, f"{sentence}.")


def adjusted_p(p: float, others: tuple[float, ...]) -> float:
    """The Benjamini-Hochberg adjusted p-value of `p` among `others`. Raises `ValueError`."""
    return float(benjamini_hochberg([p, *others])[0])
