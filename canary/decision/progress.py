"""A test stage: wait for the block's end, then let the stage's gates and the test decide."""

from __future__ import annotations

from dataclasses import replace

from canary.decision.composite import composite_verdict
from canary.decision.confirmatory import last_look, looks_due, middle_look, project_v_max
from canary.decision.duration import planned_seconds
from canary.decision.gates import gate_verdicts, unresolved_verdicts
from canary.decision.ledger import ask_ledger, withheld_by_ledger
from canary.decision.look import Look
from canary.decision.mixed_signals import mixed_signals
from canary.decision.observed import observed_verdicts
from canary.decision.outcome import Decision
from canary.decision.robustness import robustness
from canary.decision.verdicts import Verdict, VerdictKind
from canary.release.model import DecisionKind, Phase

__all__ = ["progress"]


def progress(look: Look) -> Decision:
    """Wait for the block's end, then let the stage's gates and the test decide."""
    plan = look.policy.statistics
    stage = look.policy.stages[look.state.stage]
    tested = 0 < look.state.stage < len(look.policy.stages) - 1
    if not tested or look.state.phase is not Phase.BAKING:
        reason = f"No test runs at stage {look.state.stage} while {look.state.phase}."
        return look.decide(DecisionKind.EXTEND, reason, wait=plan.bake_poll_seconds)
    if not look.facts.late:
        _test(look)
    block = max(1, stage.min_seconds)
    need = float(stage.min_seconds)
    if look.state.extended_until is not None:
        need = max(need, look.in_block + look.state.extended_until - look.facts.as_of)
    if look.is_last_test:
        need = max(need, look.in_block + planned_seconds(look.policy, look.state) - look.exposed)
    blocks = int(look.in_block // block)
    due = look.in_block >= need and blocks > look.state.blocks_judged
    until = need if look.in_block < need else (blocks + 1) * block
    over = 0 < stage.max_seconds <= look.in_block
    look.note(
        "minimum duration",
        "reached" if look.in_block >= need else "not yet",
        in_block=look.in_block,
        needed=need,
        exposed=look.exposed,
    )
    if due and not look.facts.late:
        look.remembered["blocks_judged"] = blocks
        return _judge(look, until, over=over)
    if look.facts.late:
        look.verdicts = unresolved_verdicts(
            look.policy, look.state.stage, "the feed of events is late"
        )
    if over:
        return look.hold(f"{look.unresolved()} The stage's maximum is over.")
    reason = "The block is not over." if not look.facts.late else "The feed of events is late."
    return look.extend(reason, until)


def _judge(look: Look, until: float, *, over: bool) -> Decision:
    """What a block that is over says: a gate, mixed signals, the stage's move, or the test."""
    if stopped := _gates(look) or _mixed(look):
        return stopped
    if unproved := _unproved(look):
        if over:
            return look.hold(f"{look.unresolved()} The stage's maximum is over.")
        return look.extend(" ".join(f"{verdict.sentence}." for verdict in unproved), until)
    if not look.is_last_test:
        return look.decide(DecisionKind.ADVANCE, "Every gate of the stage holds.", wait=0)
    if look.remembered.get("benefit", look.state.benefit):
        return _promote(look, until, over=over)
    said = [verdict.sentence for verdict in look.verdicts if verdict.gate == "test"]
    return look.hold(" ".join(said) or "The test was not decided in favour at its last look.")


def _gates(look: Look) -> Decision | None:
    """A gate that fails holds, whatever the composite and the test say."""
    judged = gate_verdicts(look.policy, look.state.stage, look.facts)
    gates = (*judged, *_composite(look))
    seen = observed_verdicts(look.policy, look.facts)
    look.verdicts = (*gates, *look.verdicts, *seen)
    failed = [verdict for verdict in gates if verdict.kind is VerdictKind.FAIL]
    unproved = _unproved(look)
    outcome = "FAIL" if failed else "INCONCLUSIVE" if unproved else "PASS"
    look.note("gates", outcome, failed=len(failed), unproved=len(unproved), gates=len(gates))
    if not failed:
        return None
    return look.hold(" ".join(f"{verdict.sentence}." for verdict in failed))


def _unproved(look: Look) -> list[Verdict]:
    return [
        verdict
        for verdict in look.verdicts
        if verdict.gate == "must_pass" and verdict.kind is VerdictKind.INCONCLUSIVE
    ]


def _composite(look: Look) -> tuple[Verdict, ...]:
    """From the second test stage on: at the first few intents have matured outcomes."""
    if look.state.stage <= 1:
        return ()
    return (composite_verdict(look.policy, look.facts.block),)


def _mixed(look: Look) -> Decision | None:
    """Gains here and losses there: a person finds out why, before more customers meet it."""
    if look.state.stage <= 1:
        return None
    found = mixed_signals(look.policy, look.facts.block)
    name = "mixed signals"
    accepted = look.accepted(name)
    outcome = "accepted by a person" if accepted else "HOLD" if found.found else "none"
    look.note(name, outcome, harmed=found.harmed, helped=found.helped, much=found.much_harmed)
    if not found.found or accepted:
        return None
    return look.ask(name, found.sentence)


def _promote(look: Look, until: float, *, over: bool) -> Decision:
    """Promote, unless the ledger does not consent, or the effect depends on day or newness."""
    if withheld := withheld_by_ledger(look):
        return withheld
    found = robustness(look.policy, look.state, look.facts)
    look.rules += found.rules
    if found.hold_rule:
        return look.ask(found.hold_rule, found.reason)
    if found.wait_until is None:
        reason = "Every gate holds and the test is decided in favour."
        return look.decide(DecisionKind.PROMOTE, reason, wait=0)
    if over:
        return look.hold(f"{found.reason} The stage's maximum is over.")
    look.remembered |= {"extension": found.extension, "extended_until": found.wait_until}
    return look.extend(found.reason, until)


def _test(look: Look) -> None:
    """Freeze the planned information, and take a look of the test when one is due."""
    policy, state = look.policy, look.state
    if look.is_last_test and state.v_max is None:
        look.remembered["v_max"] = project_v_max(policy, state, look.facts)
        state = replace(state, v_max=look.remembered["v_max"])
    ripe = look.in_block >= policy.stages[state.stage].min_seconds
    final = look.is_last_test and ripe and look.exposed >= planned_seconds(policy, state)
    due = looks_due(policy, look.exposed)
    if final and state.benefit is None:
        taken = last_look(policy, state, look.facts)
        look.remembered |= {"looks_done": taken.number, "benefit": taken.benefit}
        look.remembered |= {"p_value": taken.p_value}
    elif due > state.looks_done and not final:
        taken = middle_look(policy, state, look.facts, due)
        look.remembered |= {"looks_done": due}
        if taken.information > 0:
            look.remembered["information"] = taken.information
    else:
        return
    look.verdicts = (taken.verdict,)
    look.note(
        "confirmatory test",
        taken.verdict.kind.value,
        look=taken.number,
        information=taken.information,
        fraction=taken.fraction,
        z=taken.z,
        bound=taken.bound,
        estimate=taken.estimate,
        post_stratified=taken.post_stratified,
        standard_errors_apart=taken.apart,
        p_value=taken.p_value,
        benefit=taken.benefit,
    )
    look.remembered |= ask_ledger(look, taken.p_value)
