"""`canary register`, `canary ledger` and `canary start`, against a mocked region."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from canary.cli.ledger import ledger
from canary.cli.main import canary
from canary.cli.operate import start
from canary.cli.register import register
from canary.ledger.entry import Outcome, Settlement

TEXT = ("--text", "model-b completes more conversations", "--by", "ana")
DAY = 86_400.0


def run(command: Any, *arguments: str) -> Result:
    return CliRunner().invoke(command, ["--region", "us-east-1", *arguments])


def test_register_reserves_a_level_and_says_what_it_resolves(region: Any) -> None:
    """What is not stated is the policy's; the level is LORD++'s first."""
    result = run(register, "model-b", "--test-id", "t-1", *TEXT, "--json")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    entry = region.ledger.find("t-1")
    assert (entry.registration.hypothesis, entry.registration.primary_metric) == (
        "superiority",
        "completion",
    )
    assert (entry.registration.registered_by, entry.number) == ("ana", 1)
    assert said["level"] == pytest.approx(entry.level) == pytest.approx(0.000268, rel=1e-2)
    assert 0 < said["resolves"]["by_test"] < said["resolves"]["by_ledger"]


def test_register_tells_the_next_command(region: Any) -> None:
    """In words for a person: the level, its rule, and how the release is started."""
    said = run(register, "model-b", "--test-id", "t-1", *TEXT).stdout.splitlines()
    assert said[0] == "t-1 registered for model-b in us-east-1"
    assert said[-1] == "next: canary start model-b --test-id t-1 --offline SCORES"
    assert any("0.000268 (LORD++): test 1 of the revenue-critical family" in line for line in said)
    assert not any("NOTE" in line for line in said)


def test_a_test_that_hardly_finds_its_effect_is_registered_with_a_note(region: Any) -> None:
    """A hundredth of a point is below what the policy's volumes resolve."""
    result = run(register, "model-b", *TEXT, "--mde", "0.0001")
    assert result.exit_code == 0
    assert "NOTE: at the policy's volumes it will hardly find" in result.stdout


def test_a_dry_run_writes_nothing(region: Any) -> None:
    """The level is shown, the ledger stays empty."""
    result = run(register, "model-b", *TEXT, "--dry-run")
    assert "would be registered" in result.stdout
    assert region.ledger.entries() == ()


def test_a_file_is_a_registration_and_an_option_takes_its_place(
    region: Any, tmp_path: Path
) -> None:
    """Everything of the file, but the margin of the command line."""
    file = tmp_path / "test.toml"
    file.write_text(
        'candidate = "model-b"\ntest_id = "t-7"\ntext = "as good as today, at half the price"\n'
        'hypothesis = "non_inferiority"\nmargin = 0.01\nmde = 0.02\nguardrails = ["error"]\n'
        'secondary_metrics = ["csat"]\nlooks = ["2d", "4d", "7d", "14d"]\nregistered_by = "bo"\n'
    )
    result = run(register, "--file", str(file), "--margin", "0.005")
    assert result.exit_code == 0, result.output
    made = region.ledger.find("t-7").registration
    assert (made.hypothesis, made.margin, made.mde, made.registered_by) == (
        "non_inferiority",
        0.005,
        0.02,
        "bo",
    )
    assert made.looks_seconds == region.policy.statistics.looks_seconds


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("hypotesis = 1", "hypotesis: no such key; the keys are candidate, test_id"),
        ('mde = "1%"', "mde: '1%' is not of the right type"),
        ("= 1", "no TOML"),
        ('looks = ["soon"]\ntext = "a b c"', 'a duration such as "60s"'),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error_of_usage(
    region: Any, tmp_path: Path, content: str, words: str
) -> None:
    """Exit 2 with the file, the key and what would be right."""
    file = tmp_path / "test.toml"
    file.write_text(content)
    result = CliRunner().invoke(canary, ["register", "model-b", "--file", str(file)])
    assert result.exit_code == 2
    assert words in result.stderr


def test_what_the_policy_cannot_run_is_not_registered(region: Any) -> None:
    """Exit 1, every problem at once, nothing written."""
    result = run(register, "model-z", *TEXT, "--primary", "csat", "--margin", "0.5")
    assert result.exit_code == 1
    for word in ("candidate: model-z", "primary metric: 'csat'", "margin: 0.5"):
        assert word in result.stderr
    assert region.ledger.entries() == ()


def test_a_name_is_registered_once(region: Any) -> None:
    """The second time is refused, whatever it says."""
    run(register, "model-b", "--test-id", "t-1", *TEXT)
    result = run(register, "model-b", "--test-id", "t-1", *TEXT, "--mde", "0.2")
    assert result.exit_code == 1
    assert "t-1 was registered before; choose another test id" in result.stderr
    assert region.ledger.find("t-1").registration.mde == 0.01


@pytest.fixture
def scores(tmp_path: Path) -> str:
    file = tmp_path / "scores.json"
    file.write_text("{}")
    return str(file)


def test_start_takes_the_candidates_only_free_test(region: Any, scores: str) -> None:
    """Its name and its hypothesis go into the machine's input."""
    region.register("t-1", hypothesis="non_inferiority")
    result = run(start, "model-b", "--offline", scores, "--json")
    assert result.exit_code == 0, result.output
    described = region.client("stepfunctions").describe_execution(
        executionArn=json.loads(result.stdout)["execution_arn"]
    )
    data = json.loads(described["input"])
    assert (data["test_id"], data["hypothesis"]) == ("t-1", "non_inferiority")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("model-c",), "no test of model-c is free: `canary register model-c` first"),
        (("model-b",), "more than one free test, choose by --test-id: t-1, t-2"),
        (("model-b", "--test-id", "t-9"), "t-9 is not registered: `canary register model-b"),
        (("model-c", "--test-id", "t-1"), "t-1 was registered for model-b, not model-c"),
        (("model-b", "--test-id", "t-3"), "t-3 is running: a new attempt needs a test of its own"),
        (
            ("model-b", "--test-id", "t-1", "--hypothesis", "non_inferiority"),
            "t-1 was registered for superiority, not non_inferiority",
        ),
    ],
)
def test_start_without_its_test_is_refused(
    region: Any, scores: str, arguments: tuple[str, ...], words: str
) -> None:
    """Exit 1 with the way out; no execution starts."""
    region.register("t-1")
    region.register("t-2")
    region.take(region.register("t-3"), "r-0")
    result = run(start, *arguments, "--offline", scores)
    assert result.exit_code == 1
    assert words in result.stderr
    executions = region.client("stepfunctions").list_executions(stateMachineArn=region.machine_arn)
    assert executions["executions"] == []


@pytest.fixture
def year(region: Any) -> None:
    """A doubtful promotion, three tests without an effect, and one that nobody has started."""
    for number, p in enumerate((0.04, 0.6, 0.7, 0.8), start=1):
        name, release = f"t-{number}", f"r-{number}"
        region.take(region.register(name), release)
        outcome = Outcome.PROMOTED if number == 1 else Outcome.ROLLED_BACK
        region.clock.time += 14 * DAY
        ended = Settlement(region.clock.time, outcome, p, discovery=number == 1)
        region.ledger.settle(name, release, ended)
    region.register("t-5")


def test_the_ledger_shows_every_test_by_every_rule(region: Any, year: None) -> None:
    """State, level, p-value, LORD++'s word, the adjusted p-value and the wealth of each."""
    said = json.loads(run(ledger, "--json").stdout)
    critical, other = said["families"]
    assert (said["fdr"], critical["family"], critical["q"]) == ("lord", "revenue_critical", 0.05)
    assert other["tests"] == []
    states = {each["test_id"]: each["state"] for each in critical["tests"]}
    assert states == {
        "t-1": "promoted",
        **dict.fromkeys(("t-2", "t-3", "t-4"), "rolled_back"),
        "t-5": "registered",
    }
    first = critical["tests"][0]
    assert (first["p"], first["passes_lord"], first["adjusted_then"]) == (0.04, False, 0.04)
    assert first["adjusted_now"] == pytest.approx(0.16)
    assert critical["discoveries"] == 1
    assert critical["next"]["wealth"] > 0
    shown = run(ledger).stdout
    for word in ("t-5", "does not", "RISEN", "rolled_back", "LORD++", "5 tests, 1 discoveries"):
        assert word in shown


def test_the_review_names_what_has_become_doubtful(region: Any, year: None) -> None:
    """The decision stands; the quarter's tests and their false discoveries are counted."""
    said = json.loads(run(ledger, "--review", "--json").stdout)
    assert [each["test_id"] for each in said["risen"]] == ["t-1"]
    assert (said["discoveries"], said["expected_false"]) == (1, 0.05)
    shown = run(ledger, "--review").stdout
    assert "t-1: adjusted p 0.04 when it was settled, 0.16 now, q 0.05" in shown
    assert region.ledger.find("t-1").discovered


def test_an_empty_ledger_says_what_the_first_test_would_find(region: Any) -> None:
    """No test is no error."""
    result = run(ledger)
    assert result.exit_code == 0
    assert "0 tests, 0 discoveries. The next one: LORD++ 0.000268" in result.stdout


def test_a_test_that_never_started_is_abandoned(region: Any) -> None:
    """By name; one that a release runs ends with its release."""
    region.register("t-1")
    region.take(region.register("t-2"))
    assert run(ledger, "--abandon", "t-1").stdout == "t-1: abandoned\n"
    assert region.ledger.find("t-1").settlement.discovery is False
    assert run(ledger, "--abandon", "t-2").exit_code == 1
    missing = run(ledger, "--abandon", "t-3")
    assert (missing.exit_code, "t-3 is not registered" in missing.stderr) == (1, True)


def test_a_region_without_the_table_is_one_line(region: Any) -> None:
    """Exit 2, not a traceback."""
    region.client("dynamodb").delete_table(TableName="canary-tests")
    result = run(ledger)
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
