"""The order of regions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from canary.policy.compiled import Model
from canary.release.admission import Request, admit
from canary.release.model import Phase, ReleaseState
from canary.release.waves import Earlier, wave_refusals
from tests.canary.samples import policy

REQUEST = Request("r1", "t1", "model-b", "non_inferiority", {})


def promoted(**changes: object) -> ReleaseState:
    """The first wave's record of the same release, finished."""
    state = admit(REQUEST, policy(), control="model-a", at=5.0)
    return replace(state, phase=Phase.PROMOTED, **changes)  # type: ignore[arg-type]


def test_the_first_wave_asks_nobody() -> None:
    """Without a wave before there is nothing to wait for."""
    assert wave_refusals(REQUEST, policy(), []) == ()


def test_a_promoted_release_is_followed() -> None:
    """The same release, promoted in each region of the wave before, may start."""
    before = [Earlier("us-east-1", promoted()), Earlier("us-west-2", promoted())]
    assert wave_refusals(REQUEST, policy(), before) == ()


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.PROMOTED])
def test_only_a_promoted_release_is_followed(phase: Phase) -> None:
    """Any other phase refuses, and the reason says which it is."""
    (reason,) = wave_refusals(
        REQUEST, policy(), [Earlier("us-east-1", replace(promoted(), phase=phase))]
    )
    assert f"r1 is {phase.value}, not PROMOTED" in reason


@pytest.mark.parametrize(
    ("earlier", "words"),
    [
        (Earlier("us-east-1"), "us-east-1: has no release r1"),
        (Earlier("us-east-1", fault="timed out"), "cannot be asked"),
        (Earlier("us-east-1", promoted(), fault="timed out"), "cannot be asked"),
        (Earlier("us-east-1", promoted(), active="r2"), "r2 is active"),
        (Earlier("us-east-1", promoted(candidate="model-c")), "promoted model-c"),
    ],
)
def test_whatever_is_not_plainly_done_refuses(earlier: Earlier, words: str) -> None:
    """No record, no answer, another release under way, another candidate: fails closed."""
    (reason,) = wave_refusals(REQUEST, policy(), [earlier])
    assert words in reason


def test_one_region_of_several_is_enough_to_refuse() -> None:
    """Each region of the wave before must have promoted it."""
    before = [Earlier("us-east-1", promoted()), Earlier("us-west-2")]
    (reason,) = wave_refusals(REQUEST, policy(), before)
    assert "us-west-2" in reason


def test_another_candidate_starts_only_by_naming_what_it_follows() -> None:
    """A region may need a model of its own; the request then names the release it follows."""
    other = Earlier("us-east-1", promoted(candidate="model-c"))
    request = replace(REQUEST, release_id="r1-jp", follows="r1")
    assert request.follows_id == "r1"
    assert wave_refusals(request, policy(), [other]) == ()


def in_region(geography: str) -> tuple[Model, ...]:
    """One model under the profile that its region has."""
    return (Model("maker.old"), Model(f"{geography}.maker.new-v2", ("somewhere-1",)))


def test_one_model_has_another_profile_in_each_region() -> None:
    """`us.` and `jp.` are ways to the same model: it is the same candidate."""
    there = replace(policy(), models=in_region("us"))
    record = promoted(candidate="us.maker.new-v2", policy=there.to_json())
    here = replace(policy(), models=in_region("jp"))
    same = replace(REQUEST, candidate="jp.maker.new-v2")
    assert wave_refusals(same, here, [Earlier("us-east-1", record)]) == ()
    other = replace(REQUEST, candidate="maker.old")
    assert (
        "promoted us.maker.new-v2" in wave_refusals(other, here, [Earlier("us-east-1", record)])[0]
    )


def test_a_record_whose_policy_cannot_be_read_is_compared_by_its_id() -> None:
    """A policy of another version is no reason to take two models for one."""
    record = promoted(candidate="us.maker.new-v2", policy="{}")
    here = replace(policy(), models=in_region("us"))
    same = replace(REQUEST, candidate="us.maker.new-v2")
    assert wave_refusals(same, here, [Earlier("us-east-1", record)])
