"""Which wording a conversation gets, where its intent has a bandit: drawn once, then kept.

Everything it needs comes with the session, in the same round trip; without it the conversation is
answered as if there were no bandits, and teaches nothing.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import mmh3

from canary.bandits.draw import draw
from canary.bandits.log import Decision
from canary.bandits.plain import decision_of, plain_decision, servings_of
from canary.bandits.question import context_of
from canary.bandits.serving import Servings
from canary.bandits.shares import PARTS
from services.api.sessions import Session

__all__ = ["Variant", "Variants"]

_log = logging.getLogger("canary.api")


@dataclass(frozen=True)
class Variant:
    """What one turn is served under: the decision, and what the model is told besides."""

    decision: Decision
    instruction: str
    scored: bool
    """Whether this answer's quality is scored: a share of the first answers."""
    kept: str | None = None
    """The conversation's decisions to remember, when this one is new."""

    def fields(self, *, scored: bool) -> dict[str, Any]:
        """What the turn's event says of it; `scored` goes with the words of an answer."""
        decision = self.decision
        return {
            "bandit": json.dumps(plain_decision(decision), separators=(",", ":")),
            "bandit_arm": decision.arm,
            "bandit_p": decision.shares[decision.arm] / PARTS,
            "bandit_scored": scored,
        }


class Asked(Protocol):
    """What a draw needs of a question."""

    @property
    def conversation_id(self) -> str:
        """Which draws once."""

    @property
    def unit_id(self) -> str:
        """Who asks."""

    @property
    def message(self) -> str:
        """The question's text."""

    @property
    def prime(self) -> bool:
        """The customer's tier."""


class Variants:
    """Draws by what is published; reads a published document once, not for every turn."""

    def __init__(self) -> None:
        self._text: str | None = None
        self._servings = Servings()

    def choose(
        self,
        session: Session,
        asked: Asked,
        *,
        intent: str,
        release_arm: Literal["control", "canary"] | None,
        now: float,
    ) -> Variant | None:
        """The variant of a turn, or None where nothing learns.

        `release_arm` is the model that answers, while a release is active.
        """
        serving = self._read(session.bandits).intents.get(intent)
        if serving is None:
            return None
        decisions = _kept(session.decided)
        if intent in decisions:
            try:
                decision = decision_of(decisions[intent])
            except ValueError:
                _log.warning("bandits: unreadable decision of a conversation, drawn anew")
            else:
                return Variant(decision, serving.prompts.get(decision.arm, ""), scored=False)
        decision = draw(
            serving,
            conversation_id=asked.conversation_id,
            unit_id=asked.unit_id,
            now=now,
            rules=self._servings.rules,
            context=context_of(asked.message, prime=asked.prime),
            release_arm=release_arm,
        )
        place = mmh3.hash(f"quality:{decision.decision_id}", signed=False) / 2**32
        return Variant(
            decision,
            serving.prompts.get(decision.arm, ""),
            scored=place < self._servings.sampling,
            kept=json.dumps({**decisions, intent: plain_decision(decision)}),
        )

    def _read(self, published: str | None) -> Servings:
        if published != self._text:
            self._text = published
            try:
                self._servings = servings_of(json.loads(published)) if published else Servings()
            except (ValueError, TypeError, AttributeError) as error:
                _log.warning("bandits: what is published cannot be read: %s", error)
                self._servings = Servings()
        return self._servings


def _kept(text: str | None) -> Mapping[str, Any]:
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}
