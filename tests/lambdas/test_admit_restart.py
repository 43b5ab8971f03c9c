"""Admission after a rollback: what is asked, what an override lifts, and every race."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from canary.aws.memories import MemoryChangedError
from canary.aws.records import LockHeldError
from canary.policy.compiled import AntiFlapping, CompiledPolicy
from canary.release.memory import Override, Rollback, RootCause
from canary.release.model import Phase
from tests.lambdas.conftest import GUARDED

pytestmark = pytest.mark.usefixtures("stacks")
HOUR, DAY = 3600, 86_400
RULE = AntiFlapping()


def strike(region: Any, release_id: str = "r-0", candidate: str = "model-b") -> None:
    """Remember a rollback of the candidate's own fault, at this moment."""
    rollback = Rollback(release_id, region.clock.time, "critical_alarm", strike=True)
    region.memories.remember(candidate, rollback, RULE)


def root_cause(region: Any, release_id: str = "r-0") -> None:
    """File one and have it approved."""
    digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    filed = RootCause(release_id, 1, "arn:ana", region.clock.time, digest)
    region.memories.file("model-b", filed, "")
    reviewed = replace(filed, reviewed_by="arn:ben", reviewed_at=1.0, approved=True)
    region.memories.review("model-b", reviewed)


def event(region: Any, release_id: str = "r-1", **changes: Any) -> dict[str, Any]:
    """The input of a release whose scores were made now."""
    test_id = f"t-{release_id}"
    if region.ledger.find(test_id) is None:
        candidate = changes.get("candidate", "model-b")
        region.register(test_id, hypothesis="non_inferiority", candidate=candidate)
    scores = {"bert_score": 0.85, "hallucination": 0.01, "evaluated_at": region.clock.time}
    given = {
        "release_id": release_id,
        "test_id": test_id,
        "candidate": "model-b",
        "hypothesis": "non_inferiority",
        "offline_evaluation": scores,
    }
    return {"input": given | changes, "execution_arn": "arn:execution"}


def admit(region: Any, release_id: str = "r-1", **changes: Any) -> Any:
    return region.load("admit").handler(event(region, release_id, **changes), None)


def refused(region: Any, words: str, release_id: str = "r-1", **changes: Any) -> None:
    module = region.load("admit")
    with pytest.raises(module.AdmissionRefused, match=words):
        module.handler(event(region, release_id, **changes), None)
    assert region.releases.load(release_id) is None
    assert region.releases.lock() is None


def first_minimum(region: Any, release_id: str = "r-1") -> int:
    return CompiledPolicy.from_json(region.record(release_id).policy).stages[1].min_seconds


def end(region: Any, release_id: str = "r-1", **changes: Any) -> None:
    """End an active release without a strike."""
    record = region.record(release_id)
    region.releases.save(record, replace(record, phase=Phase.ROLLED_BACK, **changes))


def test_a_candidate_comes_back_after_a_day_with_its_root_cause(region: Any) -> None:
    """Everything that is missing is named at once; then it starts, and stays at 5% for 8 hours."""
    strike(region)
    refused(region, "cooldown: until 2023-11-15 22:13 UTC.*root cause: of r-0's.*offline evaluat")
    root_cause(region)
    refused(region, "^cooldown", offline_evaluation={"evaluated_at": region.clock.time + 1})
    region.clock.time += DAY
    admit(region)
    assert first_minimum(region) == 8 * HOUR
    assert region.record().override is None


def test_no_other_candidate_starts_in_the_cooldown(region: Any) -> None:
    """It is the region's; the other candidate needs no root cause."""
    strike(region, candidate="model-c")
    refused(region, r"^cooldown: until .*r-0 \(model-c\) was rolled back")


def test_a_shared_incident_asks_nothing(region: Any) -> None:
    """Remembered, and no reason not to start."""
    rollback = Rollback("r-0", region.clock.time, "shared", strike=False)
    region.memories.remember("model-b", rollback, RULE)
    admit(region)
    assert first_minimum(region) == 4 * HOUR


def test_the_eight_hours_end_when_a_release_has_left_the_first_stage(region: Any) -> None:
    """A follower that never got past 5% leaves them to the next one."""
    strike(region, candidate="model-c")
    region.clock.time += DAY
    for number, (stage, hours) in enumerate([(1, 8), (2, 8), (0, 4)], start=1):
        admit(region, f"r-{number}")
        assert first_minimum(region, f"r-{number}") == hours * HOUR
        end(region, f"r-{number}", stage=stage)


def test_a_rejected_candidate_is_refused_in_spite_of_an_override(region: Any) -> None:
    """Three strikes in a week: neither time nor leave helps."""
    for number in range(3):
        strike(region, f"r-0{number}")
        region.clock.time += DAY
    assert region.memories.candidate("model-b").rejected
    give(region)
    asked = {"by": "arn:ana", "reason": "please"}
    refused(region, "rejected for good: r-00, r-01, r-02", override=asked)


def give(region: Any, by: str = "arn:ben") -> Override:
    given = Override("o-1", by, region.clock.time, "the alarm was wrong")
    region.memories.give("model-b", given)
    return given


def test_an_override_is_used_once_and_stays(region: Any) -> None:
    """Record and item have both names, both reasons, and what was lifted."""
    strike(region)
    given = give(region)
    refused(region, "override: nobody but arn:ben", override={"by": "arn:ben", "reason": "x"})
    admit(region, override={"by": "arn:ana", "reason": "an outage"})
    use = region.record().override
    assert (use["by"], use["second"], use["reason"]) == ("arn:ana", "arn:ben", "an outage")
    assert [reason.split(":")[0] for reason in use["waived"]] == [
        "cooldown",
        "root cause",
        "offline evaluation",
    ]
    (kept,) = region.memories.past("model-b", region.releases).overrides
    assert kept == replace(given, used_by="r-1")
    end(region)
    refused(region, "override: nobody", "r-2", override={"by": "arn:ana", "reason": "again"})


def test_a_retry_finds_its_own_admission(region: Any) -> None:
    """The override is spent, and the second call asks for none."""
    strike(region)
    give(region)
    given = event(region, override={"by": "arn:ana", "reason": "an outage"})
    module = region.load("admit")
    assert module.handler(given, None) == module.handler(given, None)


def test_a_rollback_between_the_check_and_the_lock_refuses(
    region: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the candidate itself, or of another: nothing is taken, neither lock nor test."""
    for number, candidate in enumerate(["model-b", "model-c"]):
        module = region.load("admit")
        create = module.RELEASES.create

        def late(*arguments: Any, struck: str = candidate, create: Any = create) -> Any:
            strike(region, f"r-0-{struck}", struck)
            return create(*arguments)

        monkeypatch.setattr(module.RELEASES, "create", late)
        with pytest.raises(module.AdmissionRefused, match="a rollback was recorded"):
            module.handler(event(region, f"r-{number}"), None)
        assert region.releases.lock() is None
        assert region.ledger.find(f"t-r-{number}").release_id == ""
        region.clock.time += 8 * DAY
        if candidate == "model-b":
            root_cause(region, "r-0-model-b")


def test_an_override_is_given_back_with_an_admission_that_is_taken_back(region: Any) -> None:
    """A deploy was under way: the leave counts for the start that comes after it."""
    strike(region)
    region.memories.give("model-b", Override("o-1", "arn:ben", region.clock.time, "known"))
    asked = {"by": "arn:ana", "reason": "an outage"}
    region.set_stack(GUARDED[0], "UPDATE_IN_PROGRESS")
    refused(region, "is UPDATE_IN_PROGRESS", override=asked)
    (given,) = region.memories.past("model-b", region.releases).overrides
    assert given.used_by == ""
    region.set_stack(GUARDED[0], "UPDATE_COMPLETE")
    admit(region, override=asked)
    (given,) = region.memories.past("model-b", region.releases).overrides
    assert given.used_by == "r-1"


def test_of_two_admissions_at_once_one_gets_the_override(region: Any) -> None:
    """Both have read the same past; the second finds lock, memory and override taken."""
    strike(region)
    give(region)
    past = region.memories.past("model-b", region.releases)
    admit(region, override={"by": "arn:ana", "reason": "an outage"})
    first = region.record()
    end(region)
    second = replace(first, release_id="r-2", version=0)
    with pytest.raises(LockHeldError):
        region.releases.create(second, region.memories.admission(past, second))
    assert region.releases.lock() is None


def test_a_filing_and_a_review_are_written_once(region: Any) -> None:
    """Not even by someone who read before the other wrote."""
    root_cause(region)
    (known,) = region.memories.past("model-b", region.releases).root_causes
    with pytest.raises(MemoryChangedError):
        region.memories.file("model-b", known, "another")
    with pytest.raises(MemoryChangedError):
        region.memories.review("model-b", replace(known, reviewed_by="arn:eve", approved=False))


def test_a_third_strike_is_recorded_by_the_rollback_itself(
    region: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the rejection, in the region's last strike too."""
    from canary.aws.functions import Function

    monkeypatch.setattr(Function, "start", lambda _self, _event: None)
    for number in range(2):
        strike(region, f"r-0{number}")
    region.release()
    given = {"source": "progression", "release_id": "r-1", "cause": "critical_alarm"}
    region.load("rollback").handler(given | {"strike": True}, None)
    assert region.memories.candidate("model-b").rejected
    last = region.memories.last_strike()
    assert (last.release_id, last.candidate, last.followed_by) == ("r-1", "model-b", "")
