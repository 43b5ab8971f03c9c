"""Admit a release or refuse it: its test, the lock, the copied policy, the first record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from canary.aws import clock
from canary.aws.alarms import Alarms
from canary.aws.clients import client
from canary.aws.faults import AdmissionRefused
from canary.aws.ledger import Registrations
from canary.aws.memories import Memories
from canary.aws.parameters import Parameters
from canary.aws.policy_store import load_policy
from canary.aws.records import LockHeldError, Releases
from canary.aws.settings import from_environment
from canary.aws.stacks import GuardedStacks, Stacks, StacksUnreadError
from canary.aws.wave import ask_region
from canary.ledger.admission import registered_policy, registration_refusals
from canary.ledger.entry import Entry
from canary.policy.compiled import CompiledPolicy
from canary.release.admission import Request, admit, brought_result, deploy_refusals, refusals
from canary.release.calendar import closure_at
from canary.release.memory import Past
from canary.release.model import Phase, ReleaseState
from canary.release.restart import after_rollback, judge_restart
from canary.release.waves import wave_refusals


@dataclass(frozen=True)
class Settings:
    """What this function is given."""

    releases_table: str
    tests_table: str
    parameter_prefix: str


SETTINGS = from_environment(Settings)
DYNAMODB = client("dynamodb")
RELEASES = Releases(DYNAMODB, SETTINGS.releases_table)
MEMORIES = Memories(DYNAMODB, SETTINGS.releases_table)
LEDGER = Registrations(DYNAMODB, SETTINGS.tests_table)
PARAMETERS = Parameters(client("ssm"), SETTINGS.parameter_prefix)
ALARMS = Alarms(client("cloudwatch"))
S3 = client("s3")
STACKS = Stacks(client("cloudformation"), from_environment(GuardedStacks))


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Take the lock and the test, and write the record; a retry of the same release finds them.

    The answer is the verdict on the scores that the request brought, and how long the policy soaks,
    lets an approval take, and waits after a fault.
    Raises `AdmissionRefused` with every reason, and `StacksUnreadError` when it is not known
    whether a deploy is under way; nothing is held then.
    """
    request = Request.from_dict(event["input"])
    policy = load_policy(PARAMETERS, S3)
    control = PARAMETERS.get("control/model-id")
    lock = RELEASES.lock()
    entry = LEDGER.find(request.test_id) if request.test_id else None
    reasons = refusals(
        request,
        models={model.id for model in policy.models},
        control=control,
        alarms=ALARMS.states(),
        closure=closure_at(policy.calendar, policy.timezone, clock.now()),
        lock_holder=lock.release_id if lock else None,
    )
    past = MEMORIES.past(request.candidate, RELEASES)
    verdict = judge_restart(request, past, policy.anti_flapping, clock.now())
    if lock is None:  # who has been admitted has had its turn: a retry does not ask again
        reasons += out_of_turn(request, policy)
        reasons += registration_refusals(request, entry, policy)
        reasons += verdict.reasons
    if reasons:
        raise AdmissionRefused("; ".join(reasons))
    if lock is None:
        assert entry is not None  # or it was refused
        first = admit(
            request,
            after_rollback(registered_policy(policy, entry), past),
            registered=True,
            control=control,
            at=clock.now(),
            execution_arn=event.get("execution_arn", ""),
            override=verdict.record(request),
        )
        claims = LEDGER.claim(entry, first.release_id, first.admitted_at)
        claims += MEMORIES.admission(past, first)
        try:
            held: ReleaseState | None = RELEASES.create(first, claims)
        except LockHeldError as error:
            raise AdmissionRefused(str(error)) from error
    else:
        held = RELEASES.load(request.release_id)
    if held is not None and held.phase is Phase.ADMITTED:
        stand_still(held, entry, past)
    result = brought_result(policy, request.offline_evaluation)
    return {
        "offline": result.verdict,
        "detail": result.detail,
        "soak_seconds": policy.promotion.soak_seconds,
        "approval_seconds": policy.promotion.approval_seconds,
        "fault_wait_seconds": policy.fault_wait_seconds,
    }


def stand_still(held: ReleaseState, entry: Entry | None, past: Past) -> None:
    """Give everything back unless the stacks under this release stand still.

    Raises what the handler does.
    """
    try:
        reasons = deploy_refusals(STACKS.states())
    except StacksUnreadError:
        give_back(held, entry, past)
        raise
    if reasons:
        give_back(held, entry, past)
        raise AdmissionRefused("; ".join(reasons))


def give_back(held: ReleaseState, entry: Entry | None, past: Past) -> None:
    """The lock, the test and the override: the same release may be started again."""
    assert entry is not None  # or it was not admitted
    taken = LEDGER.unclaim(entry, held.release_id)
    RELEASES.withdraw(held, [*taken, *MEMORIES.unspend(past, held)])


def out_of_turn(request: Request, policy: CompiledPolicy) -> tuple[str, ...]:
    """Why the wave before does not let this region start; the first wave asks nobody."""
    table = SETTINGS.releases_table
    answers = [ask_region(each, table, request.follows_id) for each in policy.wave_before]
    return wave_refusals(request, policy, answers)
