"""Each minute: do rules, capacity and ledger say what the record says? Repair toward safety."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from canary.aws import clock
from canary.aws.capacity import Capacity
from canary.aws.clients import client
from canary.aws.drills import Drills
from canary.aws.functions import Function
from canary.aws.ledger import Registrations
from canary.aws.metrics import Metrics
from canary.aws.records import Releases
from canary.aws.rollbacks import Owed, RollbackRecord, Rollbacks
from canary.aws.settings import from_environment
from canary.aws.task_sets import Service
from canary.aws.traffic import Rules, Traffic
from canary.ledger.entry import settlement_of
from canary.policy.compiled import CompiledPolicy
from canary.release.drill import LONGEST_SECONDS
from canary.release.model import Cause, Phase, ReleaseState
from canary.release.traffic import allowed_forms
from canary.routing.rates import asked_share
from canary.routing.weights import ALL_ON_PRIMARY, safe_form

PATIENCE_SECONDS = 60.0
"""A rollback this young is still at work."""
FORGOTTEN = "The function of this drill is gone."
UNMARKED = "Traffic was taken off the canary, and no rollback has marked the release."


@dataclass(frozen=True)
class Settings:
    """What this function is given."""

    releases_table: str
    rollbacks_table: str
    tests_table: str
    metrics_namespace: str
    rollback_function: str


SETTINGS = from_environment(Settings)
RELEASES = Releases(client("dynamodb"), SETTINGS.releases_table)
ROLLBACKS = Rollbacks(client("dynamodb"), SETTINGS.rollbacks_table)
DRILLS = Drills(client("dynamodb"), SETTINGS.releases_table)
LEDGER = Registrations(client("dynamodb"), SETTINGS.tests_table)
TRAFFIC = Traffic(client("elbv2"), from_environment(Rules))
METRICS = Metrics(client("cloudwatch"), SETTINGS.metrics_namespace)
CAPACITY = Capacity(client("application-autoscaling"), from_environment(Service))
ROLLBACK = Function(client("lambda"), SETTINGS.rollback_function)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Repair the rules, finish a rollback that stopped half-way, publish what is asked.

    While a release is active no task is taken away: its rollback needs a primary that carries all.
    """
    state = RELEASES.active()
    repaired = repair(state)
    if state is not None and (state.revoked or taken_off(state) or forgotten(state, clock.now())):
        record = ROLLBACKS.find(state.release_id)
        try:
            finish(state, record)
        finally:  # above all when it cannot be finished
            if record:
                METRICS.put({"RollbackSeconds": record.age(clock.now())})
    shares = shares_asked(state)
    METRICS.put_by_arm({"AskedShare": shares})
    METRICS.put(standing(state) | owed(clock.now()) | drilled(state, clock.now()))
    CAPACITY.hold(held=state is not None)
    settle()
    return {"repaired": repaired, "asked_share": shares}


def repair(state: ReleaseState | None) -> bool:
    """Put the rules into an allowed form when they are in none; without a release, the safe one.

    The record is read again before anything is written: a shift may have been confirmed between.
    """
    if TRAFFIC.read() in allowed(state):
        return False
    now = RELEASES.active()
    wanted = allowed(now)
    if TRAFFIC.read() in wanted:
        return False
    if now is not None and not now.revoked and taken_off(now):
        TRAFFIC.put(safe_form(now.safe_arm))
        return True
    TRAFFIC.put(wanted[0])
    return True


def taken_off(state: ReleaseState) -> bool:
    """Whether a rule gives the canary less than its release may have.

    A rollback that died before its mark leaves this, and so does a person who moved the rules by
    hand. Nobody puts traffic back on a canary because of that: the release is ended instead. A
    shift under way is no such thing; past the point of no return the canary itself is safe.
    """
    if state.phase is Phase.PROMOTING or state.terminal:
        return False
    live, forms = TRAFFIC.read().to_dict(), [form.to_dict() for form in allowed_forms(state)]
    return any(live[rule] < min(form[rule] for form in forms) for rule in live)


def allowed(state: ReleaseState | None) -> tuple[Any, ...]:
    """The forms that the record allows; the first is the one to repair to."""
    return allowed_forms(state) if state else (ALL_ON_PRIMARY,)


def finish(state: ReleaseState, record: RollbackRecord | None) -> None:
    """Call the rollback function again: it does only the steps that are not ticked off."""
    if record and record.age(clock.now()) < PATIENCE_SECONDS:
        return
    fields = record.fields if record else {}
    ROLLBACK.start(
        {
            "source": "reconcile",
            "release_id": state.release_id,
            "cause": (state.cause or Cause(fields.get("cause", Cause.MACHINERY))).value,
            "strike": state.strike if state.revoked else bool(fields.get("strike")),
            "reject": bool(fields.get("reject")),
            "detail": str(fields.get("detail") or why(state)),
        }
    )


def why(state: ReleaseState) -> str:
    """What to say of a rollback that nobody gave a reason for."""
    if state.revoked:
        return ""
    return UNMARKED if taken_off(state) else FORGOTTEN


def owed(now: float) -> dict[str, float]:
    """How long rollbacks have waited for a person's answer and for their root cause, if any do."""
    names: dict[Owed, str] = {
        "answer": "RollbackUnansweredSeconds",
        "root_cause": "RootCauseOwedSeconds",
    }
    since = {name: ROLLBACKS.owed_since(what) for what, name in names.items()}
    return {name: now - at for name, at in since.items() if at is not None}


def settle() -> None:
    """Settle the test of each release that is over, however it ended; here and nowhere else."""
    for release_id, test_id in LEDGER.open_tests():
        state = RELEASES.load(release_id)
        if state is not None and state.terminal:
            LEDGER.settle(test_id, release_id, settlement_of(state, clock.now()))


def forgotten(state: ReleaseState, now: float) -> bool:
    """Whether a drill outlived its function: its rollback gives the lock back."""
    return state.drill is not None and now - state.admitted_at > LONGEST_SECONDS


def drilled(state: ReleaseState | None, now: float) -> dict[str, float]:
    """How long ago a drill passed; while a release is active none can be run, and none is late."""
    last = DRILLS.last_passed_at() if state is None else None
    return {} if last is None else {"DrillAgeSeconds": now - last}


def shares_asked(state: ReleaseState | None) -> dict[str, float]:
    """Each arm's asked share of new units; nothing is asked of either without a live release."""
    returned = state is not None and state.phase is Phase.PROMOTING and state.safe_arm == "primary"
    if state is None or state.revoked or state.terminal or state.stage == 0 or returned:
        return {"canary": 0.0, "control": 0.0}
    canary = asked_share(CompiledPolicy.from_json(state.policy), state.stage)
    return {"canary": canary, "control": 1.0 - canary}


def standing(state: ReleaseState | None) -> dict[str, float]:
    """What the dashboards show of the release: whether there is one, held or not, and its stage."""
    if state is None:
        return {"ReleaseActive": 0.0, "ReleaseHeld": 0.0, "StagePercent": 0.0}
    stages = CompiledPolicy.from_json(state.policy).stages
    percent = 0.0 if state.revoked else 100.0 * stages[state.stage].rate
    held = float(state.phase is Phase.HELD)
    return {"ReleaseActive": 1.0, "ReleaseHeld": held, "StagePercent": percent}
