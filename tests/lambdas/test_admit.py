"""Admission: the lock, the copied policy, the offline gate."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from canary.aws.records import LockHeldError, StaleRecordError
from canary.ledger.entry import Entry, Outcome, Settlement
from canary.policy.compiled import CompiledPolicy
from canary.release.model import Phase
from tests.lambdas.conftest import GUARDED

pytestmark = pytest.mark.usefixtures("stacks")
INPUT = {
    "release_id": "r-1",
    "test_id": "t-1",
    "candidate": "model-b",
    "hypothesis": "non_inferiority",
    "offline_evaluation": {"bert_score": 0.85, "hallucination": 0.01},
}


@pytest.fixture(autouse=True)
def registered(region: Any) -> Entry:
    """Every release here has a test that was registered for it."""
    entry: Entry = region.register(hypothesis="non_inferiority")
    return entry


def admit(region: Any, **changes: Any) -> Any:
    event = {"input": INPUT | changes, "execution_arn": "arn:execution"}
    return region.load("admit").handler(event, None)


def test_an_admitted_release_holds_the_lock_and_its_own_policy(region: Any) -> None:
    """The record copies the policy with the registered hypothesis; the lock names the release."""
    answer = admit(region)
    assert answer["offline"] == "PASS"
    assert (answer["soak_seconds"], answer["approval_seconds"]) == (3600, 604800)
    record = region.record()
    assert (record.phase, record.control, record.version) == (Phase.ADMITTED, "model-a", 1)
    copy = CompiledPolicy.from_json(record.policy)
    assert copy.statistics.hypothesis == "non_inferiority"
    assert copy.digest == record.policy_digest
    assert region.releases.lock().release_id == "r-1"
    assert record.registered


def test_admission_takes_the_test(region: Any) -> None:
    """In the same transaction as the lock: the test is this release's, and on the open list."""
    admit(region)
    entry = region.ledger.find("t-1")
    assert (entry.release_id, entry.started_at) == ("r-1", region.clock.time)
    assert region.ledger.open_tests() == (("r-1", "t-1"),)


def test_the_registration_decides_what_the_release_runs(region: Any) -> None:
    """A stricter margin than the policy's stands in the release's copy."""
    region.register("t-2", hypothesis="non_inferiority", margin=0.005)
    admit(region, test_id="t-2")
    copy = CompiledPolicy.from_json(region.record().policy)
    assert copy.statistics.margin == 0.005


def test_a_retry_finds_its_own_admission(region: Any) -> None:
    """The state machine may call twice; the second call changes nothing."""
    admit(region)
    before = region.record()
    assert admit(region)["offline"] == "PASS"
    assert region.record() == before


def test_a_low_offline_score_fails_the_gate(region: Any) -> None:
    """The answer says so, and which score it was."""
    answer = admit(region, offline_evaluation={"bert_score": 0.5})
    assert answer["offline"] == "FAIL"
    assert "bert_score" in answer["detail"]


@pytest.mark.parametrize("brought", [{}, {"hallucination": 0.01}])
def test_scores_that_are_not_brought_are_left_to_the_offline_gate(
    region: Any, brought: dict[str, float]
) -> None:
    """The region measures every gate itself: nobody has to bring a score."""
    assert admit(region, offline_evaluation=brought)["offline"] == "PASS"


def refused(region: Any, words: str, **changes: Any) -> None:
    module = region.load("admit")
    with pytest.raises(module.AdmissionRefused, match=words):
        module.handler({"input": INPUT | changes}, None)
    assert region.releases.load("r-2") is None


def test_a_second_release_is_refused_while_one_is_active(region: Any) -> None:
    """One release at a time in a region."""
    admit(region)
    refused(region, "r-1 is active", release_id="r-2")


def test_a_raised_alarm_refuses(region: Any) -> None:
    """Nothing starts into a fault."""
    region.set_alarm("canary-5xx", "ALARM")
    refused(region, "canary-5xx")


def test_a_policy_that_is_not_what_its_parameter_says_is_not_used(region: Any) -> None:
    """The digest guards the object."""
    region.client("s3").put_object(
        Bucket="policies", Key="p.json", Body=region.policy.to_json().replace("8000", "9000")
    )
    with pytest.raises(RuntimeError, match="digest"):
        admit(region)
    assert region.releases.lock() is None


def test_a_finished_release_cannot_be_admitted_again(region: Any) -> None:
    """Its record stays as it is."""
    admit(region)
    record = region.record()
    region.releases.save(record, replace(record, phase=Phase.PROMOTED))
    refused(region, "r-1")
    assert region.record().phase is Phase.PROMOTED


@pytest.mark.parametrize("stack", GUARDED)
def test_beside_a_deploy_nothing_starts_and_nothing_is_held(region: Any, stack: str) -> None:
    """Whichever guarded stack it is: the lock and the test are free, and the same start goes on."""
    region.set_stack(stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
    refused(region, f"stack {stack} is UPDATE_COMPLETE_CLEANUP_IN_PROGRESS; start again when")
    assert region.releases.lock() is None
    assert region.releases.load("r-1") is None
    assert region.ledger.open_tests() == ()
    assert region.ledger.find("t-1").state == "registered"
    region.set_stack(stack, "UPDATE_COMPLETE")
    assert admit(region)["offline"] == "PASS"
    assert region.releases.lock().release_id == "r-1"


@pytest.mark.parametrize("status", ["UPDATE_ROLLBACK_FAILED", "ROLLBACK_COMPLETE"])
def test_a_stack_that_does_not_stand_refuses(region: Any, status: str) -> None:
    """What failed to go back may be made to without asking the guard again."""
    region.set_stack(GUARDED[0], status)
    refused(region, f"stack {GUARDED[0]} is {status}; mend it")
    assert region.releases.lock() is None


@pytest.mark.parametrize(
    "status", ["CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"]
)
def test_stacks_that_stand_still_admit(region: Any, status: str) -> None:
    """Also after an update that went back."""
    for name in GUARDED:
        region.set_stack(name, status)
    assert admit(region)["offline"] == "PASS"


def test_where_no_stack_can_be_read_nothing_starts(region: Any) -> None:
    """Not knowing is no leave: the call fails, and the lock is free for the next try."""
    region.client("cloudformation").delete_stack(StackName=GUARDED[1])
    module = region.load("admit")
    with pytest.raises(module.StacksUnreadError, match=f"stack {GUARDED[1]} cannot be read"):
        module.handler({"input": INPUT}, None)
    assert region.releases.lock() is None
    assert region.releases.load("r-1") is None


def test_a_retry_that_finds_its_own_lock_asks_again(region: Any) -> None:
    """The first call may have died between the lock and the question."""
    admit(region)
    region.set_stack(GUARDED[2], "UPDATE_IN_PROGRESS")
    refused(region, "UPDATE_IN_PROGRESS")
    assert region.releases.lock() is None
    assert region.ledger.open_tests() == ()


def test_a_release_that_went_on_is_not_taken_back(region: Any) -> None:
    """Only an admission that touched nothing can be given back."""
    admit(region)
    record = region.record()
    region.releases.save(record, replace(record, phase=Phase.PREPARING))
    region.set_stack(GUARDED[0], "UPDATE_IN_PROGRESS")
    assert admit(region)["offline"] == "PASS"
    with pytest.raises(StaleRecordError):
        region.releases.withdraw(record)
    assert region.record().phase is Phase.PREPARING


def test_a_release_without_a_registration_is_refused(region: Any) -> None:
    """The refusal is the command that mends it."""
    refused(region, "canary register model-b --test-id t-9", test_id="t-9")
    assert region.releases.lock() is None


def test_a_test_serves_one_attempt(region: Any) -> None:
    """After a rollback the next attempt needs a registration of its own."""
    admit(region)
    record = region.record()
    region.releases.save(record, replace(record, phase=Phase.ROLLED_BACK))
    refused(region, "t-1 was taken by release r-1; register a test of its own", release_id="r-2")
    ended = Settlement(1.0, Outcome.ROLLED_BACK, None, discovery=False)
    region.ledger.settle("t-1", "r-1", ended)
    refused(region, r"t-1 is over \(rolled_back\)", release_id="r-2")
    region.register("t-2", hypothesis="non_inferiority")
    assert admit(region, release_id="r-2", test_id="t-2")["offline"] == "PASS"


def test_another_hypothesis_than_the_registered_one_is_refused(region: Any) -> None:
    """What is shown cannot be chosen at the start."""
    refused(region, "t-1 was registered for non_inferiority", hypothesis="superiority")


def test_of_two_admissions_of_one_test_the_later_gets_nothing(region: Any) -> None:
    """Between the read and the write another release took it: no lock, no record."""
    stale = region.ledger.find("t-1")
    admit(region)
    record = region.record()
    region.releases.save(record, replace(record, phase=Phase.ROLLED_BACK))
    other = replace(record, release_id="r-2", version=0)
    with pytest.raises(LockHeldError, match="its test was taken"):
        region.releases.create(other, region.ledger.claim(stale, "r-2", 1.0))
    assert region.releases.lock() is None
