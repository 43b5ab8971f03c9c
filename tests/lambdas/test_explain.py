"""`canary explain`, over looks that the decide function kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from canary.aws.looks import Looks, pack
from canary.cli.explain import OUTPUT, explain
from canary.cli.stack_outputs import STATE_STACK
from canary.policy.compiled import CompiledPolicy, Gate
from tests.canary import samples
from tests.canary.aws.events import Events
from tests.lambdas.crowds import behind_athena, crowd

HOUR = 3600


@pytest.fixture
def policy() -> CompiledPolicy:
    """One gate that a few customers leave open, and one that they prove."""
    return samples.policy(
        gates=(
            Gate("error", 1, "must_pass", "points", 0.0025),
            Gate("completion", 1, "must_pass", "points", -0.05),
        )
    )


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> Events:
    """The events table behind Athena."""
    return behind_athena(monkeypatch)


@pytest.fixture
def looks(region: Any, events: Events) -> Looks:
    """Two looks of one release: before the block's end, and after it with a gate still open."""
    now = region.clock.time
    region.release(first_exposure_at=now - 12 * HOUR, block_started_at=now - 3.5 * HOUR)
    for arm in ("control", "canary"):
        crowd(events, now - 60, arm, completed=78, count=2500)
        crowd(events, now - 3.4 * HOUR, arm, completed=78, count=10, stratum="faq")
    decide = region.load("decide").handler
    decide({"release_id": "r-1", "stage": 1}, None)
    region.clock.time += 1800
    crowd(events, region.clock.time - 60, "control", completed=78, count=1)
    decide({"release_id": "r-1", "stage": 1}, None)
    return Looks(region.client("s3"), "reports")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(explain, ["--region", "us-east-1", *arguments])


def shown(*arguments: str) -> dict[str, Any]:
    result = run("r-1", "--bucket", "reports", "--json", *arguments)
    assert result.exit_code in (0, 1), result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def test_the_last_look_is_a_page(region: Any, looks: Looks) -> None:
    """Decision, verdicts, rules with what they read, what comes next, and the replay."""
    result = run("r-1", "--bucket", "reports")
    assert result.exit_code == 0, result.output
    page = result.stdout
    for part in (
        "model-b against model-a in us-east-1",
        "look 2 of 2, stage 1, 2023-11-14 22:43 UTC",
        "EXTEND: completion, overall: no data to compare; at most 5.00 points worse wanted",
        "minimum duration",
        "in_block 14400, needed 14400",
        "completion, overall: there is nothing to compare yet.",
        "The block is over at 2023-11-15 02:43 UTC: then 2 gates are judged anew.",
        "replayed: same",
    ):
        assert part in page, page


def test_the_looks_can_be_listed_and_named(region: Any, looks: Looks) -> None:
    """Each from 1 on, or from the end; all of them as a line each."""
    assert [each["look"] for each in shown("--all")["looks"]] == [1, 2]
    (first,) = shown("--look", "1")["looks"]
    assert (first["look"], first["decision"]["reason"]) == (1, "The block is not over.")
    assert first["replayed"] == "same"
    assert shown("--look", "-2")["looks"] == [first]
    lines = run("r-1", "--bucket", "reports", "--all").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["1", "2"]
    assert all("replayed: same" in line for line in lines)


@pytest.mark.parametrize("number", ["0", "3", "-3"])
def test_a_look_that_is_not_there_is_usage(region: Any, looks: Looks, number: str) -> None:
    """Exit 2, and which there are."""
    result = run("r-1", "--bucket", "reports", "--look", number)
    assert result.exit_code == 2
    assert "r-1 has looks 1 to 2" in result.stderr


def test_a_decision_that_comes_out_otherwise_is_shown_and_fails(
    region: Any, looks: Looks, tmp_path: Path
) -> None:
    """Exit 1, with the place, what was kept and what comes out now."""
    record = looks.read("r-1")[-1]
    forged = {**record.decision, "reason": "all is well", "wait_seconds": 1}
    file = tmp_path / "look.json.gz"
    file.write_bytes(pack(replace(record, decision=forged)))
    result = run("--file", str(file))
    assert result.exit_code == 1
    assert "replayed: differs in 2 places" in result.stdout
    assert "reason: kept 'all is well', now 'completion" in result.stdout
    document = json.loads(run("--file", str(file), "--json").stdout)
    assert (document["same"], document["looks"][0]["entered"]) == (False, None)
    paths = [each["path"] for each in document["looks"][0]["differences"]]
    assert paths == ["reason", "wait_seconds"]


def test_a_look_that_never_entered_the_record_is_marked(
    region: Any, looks: Looks, events: Events
) -> None:
    """Its function died between the look and the record."""
    record = looks.read("r-1")[-1]
    looks.write(replace(record, facts=replace(record.facts, as_of=record.facts.as_of + 7)))
    assert [each["entered"] for each in shown("--all")["looks"]] == [True, True, False]
    assert "it never entered the release's record" in run("r-1", "--bucket", "reports").stdout


def test_the_stack_names_the_bucket(region: Any, looks: Looks) -> None:
    """Without --bucket its output does; without the release named, the active one is meant."""
    template = {
        "Resources": {"T": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {OUTPUT: {"Value": "reports"}},
    }
    region.client("cloudformation").create_stack(
        StackName=STATE_STACK, TemplateBody=json.dumps(template)
    )
    result = run()
    assert result.exit_code == 0, result.output
    assert "r-1" in result.stdout


def test_without_a_release_or_a_look_there_is_nothing_to_show(region: Any) -> None:
    """Refused with exit 1: which release, and when its looks begin."""
    assert run().stderr == "canary: refused: no release is active\n"
    assert run("r-9").stderr == "canary: refused: there is no release r-9\n"
    region.release()
    result = run("r-1", "--bucket", "reports")
    assert result.exit_code == 1
    assert "r-1 has no looks yet" in result.stderr


def test_a_file_that_is_no_look_is_one_line(tmp_path: Path) -> None:
    """Exit 2; and --file goes with nothing that names other looks."""
    file = tmp_path / "x.json"
    file.write_text("{}")
    result = run("--file", str(file))
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
    assert "x.json: not a look" in result.stderr
    assert run("r-1", "--file", str(file)).exit_code == 2
    assert run("r-1", "--all", "--look", "1").exit_code == 2
