"""One look: every rule of the progression in order of urgency, and what they decide together.

No data is never a pass: what is not known extends, and in the end waits for a person.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

from canary.decision.confirmatory import last_look, looks_due, middle_look, project_v_max
from canary.decision.facts import Facts
from canary.decision.gates import gate_verdicts, unresolved_verdicts
from canary.decision.harm import harm_lines
from canary.decision.outcome import Decision, Rule
from canary.decision.verdicts import Verdict, VerdictKind
from canary.policy.compiled import CompiledPolicy
from canary.release.model import Cause, DecisionKind, Phase, ReleaseState
from canary.statistics.srm import mismatch_p_value

__all__ = ["CRITICAL_ALARM", "evaluate"]

CRITICAL_ALARM = "canary-critical"
_COMPOSITES = frozenset({CRITICAL_ALARM, "canary-warning"})


def evaluate(
    policy: CompiledPolicy, state: ReleaseState, facts: Facts, *, asked_stage: int | None = None
) -> Decision:
    """Decide on a release by what is known at `facts.as_of`.

    `asked_stage` is the stage that the progression believes it bakes; when the record is at an
    earlier one (a hold came before the shift), the decision asks for the shift first.
    """
    look = _Look(policy, state, facts)
    rules = (look.over, look.critical, look.harm, look.held, look.warnings, look.mismatch)
    for rule in rules:
        if decision := rule():
            return decision
    if asked_stage is not None and asked_stage > state.stage:
        waiting = look.decide(DecisionKind.EXTEND, "Traffic is not at the stage yet.", wait=0)
        return replace(waiting, shift_needed=True)
    return look.progress()


@dataclass
class _Look:
    """The look under way: what it reads, and the rules applied so far."""

    policy: CompiledPolicy
    state: ReleaseState
    facts: Facts
    rules: list[Rule] = field(default_factory=list)
    remembered: dict[str, Any] = field(default_factory=dict)
    verdicts: tuple[Verdict, ...] = ()

    @property
    def is_last_test(self) -> bool:
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
        self.rules.append(Rule(name, inputs, outcome))

    def hold(
        self, reason: str, cause: Cause = Cause.GATE, alarms: tuple[str, ...] = ()
    ) -> Decision:
        wait = self.policy.statistics.bake_poll_seconds
        return self.decide(DecisionKind.HOLD, reason, wait=wait, cause=cause, alarms=alarms)

    def over(self) -> Decision | None:
        """A finished release has nothing to decide."""
        if not (self.state.revoked or self.state.terminal):
            return None
        self.note("over", self.state.phase.value)
        return self.decide(DecisionKind.HOLD, f"The release is {self.state.phase}.", wait=0)

    def critical(self) -> Decision | None:
        """A raised critical alarm rolls back, even when its transition was missed."""
        raised = CRITICAL_ALARM in self.facts.raised
        self.note("critical alarm", "ROLLBACK" if raised else "quiet", raised=raised)
        if not raised:
            return None
        return self.decide(
            DecisionKind.ROLLBACK,
            f"{CRITICAL_ALARM} is in ALARM.",
            wait=0,
            cause=Cause.CRITICAL_ALARM,
            alarms=tuple(sorted(self.facts.raised)),
        )

    def harm(self) -> Decision | None:
        """The harm sequence: rejects overall or in a revenue-critical intent, holds elsewhere."""
        if self.facts.late:
            self.note("harm sequence", "not read: the feed is late")
            return None
        lines = harm_lines(self.policy, self.facts)
        overall = lines[0]
        harmed = [line for line in lines if line.harmed]
        self.note(
            "harm sequence",
            ", ".join(line.scope for line in harmed) or "no harm proved",
            upper=overall.upper,
            limit=overall.limit,
            n_control=overall.n_control,
            n_canary=overall.n_canary,
            from_outcomes=self.policy.statistics.harm_min_outcomes,
        )
        metric = self.policy.statistics.primary_metric
        for line in sorted(harmed, key=lambda line: not line.rejects):
            reason = (
                f"{metric} {line.scope} is harmed: the effect is below "
                f"{100 * line.upper:+.2f} points at every moment so far."
            )
            if line.rejects:
                return self.decide(DecisionKind.REJECT, reason, wait=0, cause=Cause.HARM_SEQUENCE)
            if self.state.phase is not Phase.HELD:
                return self.hold(reason, Cause.HARM_SEQUENCE)
        return None

    def held(self) -> Decision | None:
        """A hold stays until it is lifted."""
        if self.state.hold is None:
            return None
        held = self.state.hold
        self.note("held", held.cause.value, since=held.since)
        why = ", ".join(held.alarms) or held.detail
        return self.hold(f"Held: {held.cause}. {why}".rstrip(), held.cause, held.alarms)

    def warnings(self) -> Decision | None:
        """A raised warning holds, even when its transition was missed.

        One that was raised already when a person resumed the release is that person's business.
        """
        accepted = self.state.resumed_at or 0.0
        raised = tuple(
            name
            for name, since in sorted(self.facts.raised.items())
            if name not in _COMPOSITES and since > accepted
        )
        self.note("warnings", ", ".join(raised) or "quiet")
        if not raised:
            return None
        cause = Cause.WARNING
        if any(name.startswith("shared-") for name in raised):
            cause = Cause.SHARED
        elif raised == ("canary-silent",):
            cause = Cause.SILENCE
        return self.hold(f"In ALARM: {', '.join(raised)}.", cause, raised)

    def mismatch(self) -> Decision | None:
        """Arms that are not as large as asked say that something else differs too."""
        limit = self.policy.statistics.srm_alpha
        p = mismatch_p_value((d.p_canary, d.control, d.canary) for d in self.facts.draws)
        self.note("sample ratio", "mismatch" if p < limit else "as asked", p=p, alpha=limit)
        if p >= limit:
            return None
        return self.hold(f"The arms' sizes are not those asked for (p = {p:.2g}).")

    def progress(self) -> Decision:
        """Wait for the block's end, then let the stage's gates and the test decide."""
        plan = self.policy.statistics
        stage = self.policy.stages[self.state.stage]
        tested = 0 < self.state.stage < len(self.policy.stages) - 1
        if not tested or self.state.phase is not Phase.BAKING:
            reason = f"No test runs at stage {self.state.stage} while {self.state.phase}."
            return self.decide(DecisionKind.EXTEND, reason, wait=plan.bake_poll_seconds)
        if not self.facts.late:
            self._test()
        block = max(1, stage.min_seconds)
        need = float(stage.min_seconds)
        if self.is_last_test:
            need = max(need, self.in_block + plan.test_seconds - self.exposed)
        blocks = int(self.in_block // block)
        due = self.in_block >= need and blocks > self.state.blocks_judged
        until = need if self.in_block < need else (blocks + 1) * block
        over = 0 < stage.max_seconds <= self.in_block
        self.note(
            "minimum duration",
            "reached" if self.in_block >= need else "not yet",
            in_block=self.in_block,
            needed=need,
            exposed=self.exposed,
        )
        if due and not self.facts.late:
            self.remembered["blocks_judged"] = blocks
            return self._judge(until, over=over)
        if self.facts.late:
            self.verdicts = unresolved_verdicts(
                self.policy, self.state.stage, "the feed of events is late"
            )
        if over:
            return self.hold(f"{self._resolution()} The stage's maximum is over.")
        reason = "The block is not over." if not self.facts.late else "The feed of events is late."
        return self._extend(reason, until)

    def _judge(self, until: float, *, over: bool) -> Decision:
        self.verdicts = (*gate_verdicts(self.policy, self.state.stage, self.facts), *self.verdicts)
        gates = [verdict for verdict in self.verdicts if verdict.gate != "test"]
        failed = [v for v in gates if v.kind is VerdictKind.FAIL]
        unproved = [
            v for v in gates if v.gate == "must_pass" and v.kind is VerdictKind.INCONCLUSIVE
        ]
        outcome = "FAIL" if failed else "INCONCLUSIVE" if unproved else "PASS"
        self.note("gates", outcome, failed=len(failed), unproved=len(unproved), gates=len(gates))
        if failed:
            return self.hold(" ".join(f"{verdict.sentence}." for verdict in failed))
        if unproved:
            if over:
                return self.hold(f"{self._resolution()} The stage's maximum is over.")
            return self._extend(" ".join(f"{verdict.sentence}." for verdict in unproved), until)
        if not self.is_last_test:
            return self.decide(DecisionKind.ADVANCE, "Every gate of the stage holds.", wait=0)
        benefit = self.remembered.get("benefit", self.state.benefit)
        if benefit:
            reason = "Every gate holds and the test is decided in favour."
            return self.decide(DecisionKind.PROMOTE, reason, wait=0)
        said = [verdict.sentence for verdict in self.verdicts if verdict.gate == "test"]
        return self.hold(" ".join(said) or "The test was not decided in favour at its last look.")

    def _test(self) -> None:
        """Freeze the planned information, and take a look of the test when one is due."""
        policy, state = self.policy, self.state
        if self.is_last_test and state.v_max is None:
            self.remembered["v_max"] = project_v_max(policy, state, self.facts)
            state = replace(state, v_max=self.remembered["v_max"])
        ripe = self.in_block >= policy.stages[state.stage].min_seconds
        final = self.is_last_test and ripe and self.exposed >= policy.statistics.test_seconds
        due = looks_due(policy, self.exposed)
        if final and state.benefit is None:
            look = last_look(policy, state, self.facts)
            self.remembered |= {"looks_done": look.number, "benefit": look.benefit}
        elif due > state.looks_done and not final:
            look = middle_look(policy, state, self.facts, due)
            self.remembered |= {"looks_done": due}
            if look.information > 0:
                self.remembered["information"] = look.information
        else:
            return
        self.verdicts = (look.verdict,)
        self.note(
            "confirmatory test",
            look.verdict.kind.value,
            look=look.number,
            information=look.information,
            fraction=look.fraction,
            z=look.z,
            bound=look.bound,
            estimate=look.estimate,
            post_stratified=look.post_stratified,
            benefit=look.benefit,
        )

    def _extend(self, reason: str, until: float) -> Decision:
        poll = self.policy.statistics.bake_poll_seconds
        wait = max(1.0, min(float(poll), until - self.in_block))
        return self.decide(DecisionKind.EXTEND, reason, wait=wait)

    def _resolution(self) -> str:
        unsure = [v.sentence for v in self.verdicts if v.kind is not VerdictKind.PASS]
        return " ".join(f"{sentence}." for sentence in unsure) or "Not every gate was resolved."
