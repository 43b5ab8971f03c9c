"""The wave before, where one region runs: its record is there to be read, in its own region."""

from __future__ import annotations

from dataclasses import replace

from canary.aws.wave import ask_region
from canary.local.emulator import Emulator
from canary.local.wave_before import promote_in_wave_before
from canary.release.admission import Request
from canary.release.model import Phase
from canary.release.waves import wave_refusals
from tests.canary.samples import policy
from tests.local.emulator.bench import REGION, make_stack

TABLE = "canary-releases"
ELSEWHERE = "eu-west-1"
RELEASE = {
    "release_id": "r-1",
    "test_id": "t-1",
    "candidate": "model-b",
    "hypothesis": "superiority",
    "offline_evaluation": {},
}


def test_a_later_wave_finds_its_release_promoted_elsewhere(emulator: Emulator) -> None:
    """The deployed read across regions is answered, and lets the release start."""
    later = replace(policy(), wave=2, wave_before=(ELSEWHERE,))
    done = promote_in_wave_before(emulator, later, RELEASE, table=TABLE, now=1e9)
    assert done == (ELSEWHERE,)
    answer = ask_region(ELSEWHERE, TABLE, "r-1")
    assert answer.fault == ""
    assert answer.active is None
    assert answer.followed is not None
    assert (answer.followed.phase, answer.followed.region) == (Phase.PROMOTED, ELSEWHERE)
    assert wave_refusals(Request.from_dict(RELEASE), later, [answer]) == ()


def test_the_region_itself_gets_no_record(emulator: Emulator) -> None:
    """What was written elsewhere is not seen here: the two regions are two."""
    later = replace(policy(), wave=2, wave_before=("eu-central-1",))
    promote_in_wave_before(emulator, later, RELEASE, table=TABLE, now=1e9)
    assert "ResourceNotFound" in ask_region(REGION, TABLE, "r-1").fault


def test_the_first_wave_needs_nothing_written(emulator: Emulator) -> None:
    """Without a wave before, no region is invented."""
    assert promote_in_wave_before(emulator, policy(), RELEASE, table=TABLE, now=1e9) == ()


def test_tags_stop_no_resource(emulator: Emulator) -> None:
    """A key and a parameter take tags in the two forms that CloudFormation has."""
    template = {
        "Resources": {
            "Key": {
                "Type": "AWS::KMS::Key",
                "Properties": {
                    "KeyPolicy": {"Version": "2012-10-17", "Statement": []},
                    "Tags": [{"Key": "component", "Value": "canary"}],
                },
            },
            "Parameter": {
                "Type": "AWS::SSM::Parameter",
                "Properties": {
                    "Name": "/tagged",
                    "Type": "String",
                    "Value": "yes",
                    "Tags": {"component": "canary"},
                },
            },
        }
    }
    make_stack(emulator, "tagged", template)
    assert emulator.client("ssm").get_parameter(Name="/tagged")["Parameter"]["Value"] == "yes"
