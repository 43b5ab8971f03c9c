"""What came of a release so far, in one sentence, and what is asked of the person who reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from canary.decision.record import LookRecord
from canary.decision.wording import effect_words
from canary.policy.compiled import Metric
from canary.release.model import Cause, Phase, ReleaseState
from canary.report.figures import effect_kind, text_of
from canary.statistics.intervals import Interval

__all__ = ["Kind", "decisions", "rules", "ruling"]

Kind = Literal["promote", "promoted", "rejected", "rolled_back", "held", "running"]
_CAUSES = {
    Cause.CRITICAL_ALARM: "a critical alarm",
    Cause.WARNING: "a warning",
    Cause.SHARED: "a fault in both arms",
    Cause.SILENCE: "silence from the canary",
    Cause.ESCALATED: "a warning that stayed raised",
    Cause.HARM_SEQUENCE: "proved harm",
    Cause.GATE: "a gate that failed",
    Cause.SIGNALS: "signals that need a person",
    Cause.OPERATOR: "an operator's wish",
    Cause.MACHINERY: "failed machinery",
    Cause.APPROVAL: "an approval that was not given",
}

_APPROVE = (
    "Approve to give {candidate} all traffic, or reject to hold the release at its present share. "
    "Read what speaks against it below: the intents, the gates that are not PASS, and the sample "
    "conversations."
)
_ROOT_CAUSE = (
    "Find the root cause and file it, and let somebody else review it before this candidate "
    "starts again."
)


def ruling(
    state: ReleaseState, last: Mapping[str, Any] | None, test: dict[str, Any], metric: Metric
) -> dict[str, str]:
    """`kind`, `sentence` and `ask`; `last` is the last decision.

    `test` is the document's part on `metric`, the primary.

    A release that was stopped keeps its phase until every step of its rollback is done: it is
    over all the same.
    """
    kind = _kind(state, last)
    cause = state.cause or (last or {}).get("cause")
    why = f" because of {_CAUSES[Cause(cause)]}" if cause else ""
    reason = _within(str(last["reason"])) if last else "no look was taken yet"
    effect = _effect(test, metric)
    # An alarm or a person ends a release between looks; the last look then says nothing of it.
    ended = last is not None and last["decision"] in ("REJECT", "ROLLBACK")
    said = reason if ended else effect
    said = said[:1].upper() + said[1:]
    candidate = state.candidate
    sentence, ask = {
        "promote": (
            f"Promote: every gate holds and {effect}.",
            _APPROVE.format(candidate=candidate),
        ),
        "promoted": (
            f"Promoted: {candidate} is the control model now; {effect}.",
            "Nothing is asked.",
        ),
        "rejected": (
            f"Rejected{why}: {candidate} was taken off and is not tried again. {said}.",
            "Find the root cause and file it; another candidate may start after its review.",
        ),
        "rolled_back": (
            f"Rolled back{why}: traffic went back to {state.control}. {said}.",
            _ROOT_CAUSE,
        ),
        "held": (
            f"Held{_held(state, reason)}; {effect}.",
            "Find out why, then resume the release or roll it back.",
        ),
        "running": (f"The test goes on: {reason}; {effect}.", "Nothing is asked yet."),
    }[kind]
    return {"kind": kind, "sentence": sentence, "ask": ask}


def decisions(state: ReleaseState, records: Sequence[LookRecord]) -> list[dict[str, Any]]:
    """What each look decided, equal ones in a row as one; the record's own without looks."""
    taken = [record.decision for record in records] or list(state.decisions)
    found: list[dict[str, Any]] = []
    for each in taken:
        last = found[-1] if found else None
        key = (each["decision"], each["reason"], each.get("stage"))
        if last and (last["decision"], last["reason"], last["stage"]) == key:
            last["until"] = each["at"]
            last["looks"] += 1
            continue
        found.append(
            {
                "at": each["at"],
                "until": each["at"],
                "looks": 1,
                "stage": each.get("stage"),
                "decision": each["decision"],
                "cause": each.get("cause"),
                "reason": each["reason"],
            }
        )
    return found


def rules(last: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Every rule of a decision with what it read and what it said."""
    return [
        {
            "name": rule["name"],
            "outcome": rule["outcome"],
            "inputs": [
                {"name": name, "value": _plain(value)} for name, value in rule["inputs"].items()
            ],
        }
        for rule in (last or {}).get("rules", ())
    ]


def _kind(state: ReleaseState, last: Mapping[str, Any] | None) -> Kind:
    decision = last["decision"] if last else ""
    if state.phase is Phase.PROMOTED:
        return "promoted"
    if state.phase is Phase.REJECTED or decision == "REJECT":
        return "rejected"
    if state.phase is Phase.ROLLED_BACK or state.revoked or decision == "ROLLBACK":
        return "rolled_back"
    if state.hold is not None or (decision == "HOLD" and not _resumed(state, last)):
        return "held"
    if state.phase in (Phase.AWAITING_APPROVAL, Phase.PROMOTING) or decision == "PROMOTE":
        return "promote"
    return "running"


def _effect(test: Mapping[str, Any], metric: Metric) -> str:
    """The primary effect as it is known now; with an interval once the last look is taken."""
    name, final = metric.name.replace("_", " "), test["final"]
    if final:
        interval = Interval(*(final[end] for end in ("estimate", "lower", "upper")))
        # Effects of the test are turned so that more is better.
        words = effect_words(interval, test["unit"], replace(metric, better="higher"))
        return f"{name} is {words}"
    point = test["course"][-1] if test["course"] else None
    if point is None or point["estimate"] is None:
        return f"nothing is known of {name} yet"
    kind = effect_kind(test["unit"])
    return f"{name} is {text_of(point['estimate'], kind)} against the old model so far"


def _within(sentence: str) -> str:
    """A sentence as a part of another one."""
    return sentence[:1].lower() + sentence[1:].rstrip(". ")


def _resumed(state: ReleaseState, last: Mapping[str, Any] | None) -> bool:
    """Whether a person lifted the hold after the last look."""
    return last is not None and state.resumed_at is not None and state.resumed_at > last["at"]


def _held(state: ReleaseState, reason: str) -> str:
    if state.hold is None:
        return f": {reason}"
    said = state.hold.detail or ", ".join(state.hold.alarms)
    why = f" because of {_CAUSES[state.hold.cause]}"
    return f"{why}: {said.rstrip('. ')}" if said else why


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
