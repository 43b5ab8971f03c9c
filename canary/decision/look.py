"""What one look reads, what it has noted so far, and the ways in which it may end."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

from canary.decision.facts import Facts
from canary.decision.outcome import Decision, Rule
from canary.decision.verdicts import Verdict, VerdictKind
from canary.policy.compiled import CompiledPolicy
from canary.release.model import Cause, DecisionKind, ReleaseState

__all__ = ["Look"]


@dataclass
class Look:
    """The look under way; each rule notes what it read, and may end the look with a decision."""

    policy: CompiledPolicy
    state: ReleaseState
    facts: Facts
    rules: list[Rule] = field(default_factory=list)
    remembered: dict[str, Any] = field(default_factory=dict)
    """What the record must keep of this look, by the decision's own field names."""
    verdicts: tuple[Verdict, ...] = ()

    @property
    def is_last_test(self) -> bool:
        """Whether this is the stage that ends with a person's approval."""
        return self.state.stage == len(self.policy.stages) - 2

    @property
    def in_block(self) -> float:
        """Seconds since the present block of looks started."""
        start = self.state.block_started_at
        return 0.0 if start is None else max(0.0, self.facts.as_of - start)

    @property
    def exposed(self) -> float:
        """Seconds since the first customer could have met the candidate."""
        start = self.state.first_exposure_at
        return 0.0 if start is None else max(0.0, self.facts.as_of - start)

    def decide(self, kind: DecisionKind, reason: str, *, wait: float, **more: Any) -> Decision:
        """End the look, with everything noted on the way."""
        return Decision(
            kind=kind,
            reason=reason,
            wait_seconds=math.ceil(wait),
            at=self.facts.as_of,
            stage=self.state.stage,
            verdicts=self.verdicts,
            rules=tuple(self.rules),
            **more,
            **self.remembered,
        )

    def note(self, name: str, outcome: str, **inputs: Any) -> None:
        """Put down a rule as it was applied."""
        self.rules.append(Rule(name, inputs, outcome))

    def hold(
        self, reason: str, cause: Cause = Cause.GATE, alarms: tuple[str, ...] = ()
    ) -> Decision:
        """Hold the release where it is, for that cause."""
        wait = self.policy.statistics.bake_poll_seconds
        return self.decide(DecisionKind.HOLD, reason, wait=wait, cause=cause, alarms=alarms)

    def ask(self, rule: str, reason: str) -> Decision:
        """Hold for a person who finds the root cause; their resume settles the rule here."""
        held = self.hold(reason, Cause.SIGNALS)
        until = self.facts.as_of + self.policy.checks.mixed_hold_seconds
        return replace(held, rule=rule, hold_until=until)

    def accepted(self, rule: str) -> bool:
        """Whether a person has resumed over that rule at this stage."""
        return f"{rule}@{self.state.stage}" in self.state.accepted

    def extend(self, reason: str, until: float) -> Decision:
        """Go on as it is, and look again at the latest `until` seconds into the block."""
        poll = self.policy.statistics.bake_poll_seconds
        wait = max(1.0, min(float(poll), until - self.in_block))
        return self.decide(DecisionKind.EXTEND, reason, wait=wait)

    def unresolved(self) -> str:
        """Every verdict that is not a PASS, in words."""
        unsure = [
            verdict.sentence
            for verdict in self.verdicts
            if verdict.kind is not VerdictKind.PASS and verdict.gate != "observed"
        ]
        return " ".join(f"{sentence}." for sentence in unsure) or "Not every gate was resolved."
