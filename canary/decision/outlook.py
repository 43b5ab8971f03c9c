"""What would change a decision next: the block's end, more data, a person, or nothing at all."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from canary.decision.duration import planned_seconds
from canary.decision.record import LookRecord
from canary.decision.wording import subject_words
from canary.policy.compiled import CompiledPolicy
from canary.policy.duration import duration_words
from canary.release.model import Cause, DecisionKind

__all__ = ["moment", "outlook"]

_FINAL = {
    DecisionKind.ROLLBACK: "Nothing: all traffic goes back to the old model, and the release ends.",
    DecisionKind.REJECT: "Nothing: the release ends, and the candidate is not tried again.",
    DecisionKind.PROMOTE: "A person approves all traffic (pipeline `promotion` or `canary "
    "approve`) or rejects it; until then traffic stays as it is.",
}


def outlook(record: LookRecord) -> tuple[str, ...]:
    """Sentences, the next event first. Moments are in UTC."""
    policy = CompiledPolicy.from_json(record.state.policy)
    kind = DecisionKind(record.decision["decision"])
    if kind in _FINAL:
        return (_FINAL[kind],)
    if kind is DecisionKind.ADVANCE:
        nxt = policy.stages[record.state.stage + 1]
        return (
            f"Traffic moves to stage {nxt.index} ({nxt.rate:.0%}), and a new block begins there.",
        )
    if kind is DecisionKind.HOLD:
        return tuple(_held(record, policy))
    return tuple(_extended(record, policy))


def moment(epoch: float) -> str:
    """A moment as people read it."""
    return dt.datetime.fromtimestamp(epoch, tz=dt.UTC).strftime("%Y-%m-%d %H:%M UTC")


def _held(record: LookRecord, policy: CompiledPolicy) -> Iterator[str]:
    cause = record.decision.get("cause")
    if record.state.terminal or record.state.revoked:
        yield "Nothing: the release is over."
        return
    if cause == Cause.SHARED:
        well = duration_words(policy.statistics.shared_lift_seconds)
        yield f"The hold lifts itself once both arms have been well for {well}."
        return
    yield (
        "A person: `canary resume` goes on (and settles the rule that asked), "
        "`canary rollback` ends the release."
    )
    until = record.decision.get("remembered", {}).get("hold_until")
    if until is not None:
        yield f"The root cause is wanted by {moment(until)}; later the hold is overdue, and stays."


def _extended(record: LookRecord, policy: CompiledPolicy) -> Iterator[str]:
    state, facts, decision = record.state, record.facts, record.decision
    if decision["shift_needed"]:
        yield f"Traffic moves to stage {record.asked_stage} first."
        return
    if facts.late:
        yield "Events must arrive again: while the feed is late nothing is judged."
    block_end = _block_end(record)
    if block_end is not None and block_end > facts.as_of:
        gates = sum(gate.stage == state.stage for gate in policy.gates)
        yield f"The block is over at {moment(block_end)}: then {gates} gates are judged anew."
    for verdict in decision["verdicts"]:
        if verdict["gate"] == "must_pass" and verdict["verdict"] == "INCONCLUSIVE":
            subject = subject_words(verdict["metric"], verdict["scope"])
            yield f"{subject}: {_lacks(verdict, policy.metric(verdict['metric']).better)}."
    yield from _dates(record, policy)
    latest = moment(facts.as_of + decision["wait_seconds"])
    yield f"The next look comes at {latest} at the latest."


def _dates(record: LookRecord, policy: CompiledPolicy) -> Iterator[str]:
    """The test's next look, and when the stage has lasted its maximum."""
    state, plan = record.state, policy.statistics
    start = state.first_exposure_at
    remembered = record.decision.get("remembered", {})
    done = max(state.looks_done, remembered.get("looks_done") or 0)
    if start is not None and done < len(plan.looks_seconds):
        last = done == len(plan.looks_seconds) - 1
        at = start + (planned_seconds(policy, state) if last else plan.looks_seconds[done])
        if at > record.facts.as_of:
            yield f"Look {done + 1} of {len(plan.looks_seconds)} of the test is due {moment(at)}."
    most = policy.stages[state.stage].max_seconds
    if most and state.block_started_at is not None:
        yield (
            f"At {moment(state.block_started_at + most)} the stage's maximum is over: what is "
            "open then is a person's to decide."
        )


def _block_end(record: LookRecord) -> float | None:
    """When gates are judged next, by the rule that noted how long the block must last."""
    start = record.state.block_started_at
    for rule in record.decision["rules"]:
        if rule["name"] == "minimum duration" and start is not None:
            inputs: Mapping[str, Any] = rule["inputs"]
            if inputs["in_block"] < inputs["needed"]:
                return float(start + inputs["needed"])
            policy = CompiledPolicy.from_json(record.state.policy)
            block = max(1, policy.stages[record.state.stage].min_seconds)
            return float(start + (inputs["in_block"] // block + 1) * block)
    return None


def _lacks(verdict: Mapping[str, Any], better: str) -> str:
    """How far an open gate is from its proof, if the estimate stays where it is."""
    estimate, limit = verdict["estimate"], verdict["limit"]
    bound = verdict["lower"] if better == "higher" else verdict["upper"]
    if estimate is None or bound is None:
        return "there is nothing to compare yet"
    sign = 1.0 if better == "higher" else -1.0
    room, spread = sign * (estimate - limit), abs(estimate - bound)
    if room <= 0:
        return "the estimate itself does not keep the limit; more data alone will not prove it"
    times = (spread / room) ** 2
    if times <= 1:
        return "too few observations as yet"
    return f"about {times:.1f} times the data it has would prove it, if the estimate stays"
