"""`canary samplesize` and `canary policy explain`: words, JSON and exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from canary.cli.main import canary

POLICY_FILE = Path(__file__).parents[2] / "policy" / "mangaassist.toml"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(canary, [str(each) for each in arguments])


def test_samplesize_answers_the_source_s_question() -> None:
    """6,507 conversations an arm, who is taken for whom, and a line for each intent."""
    result = run("samplesize", "--policy", POLICY_FILE)
    assert result.exit_code == 0
    assert "6,507 control and 6,507 canary" in result.stdout
    assert "customers taken as independent" in result.stdout
    assert "4.3 h at 0.5" in result.stdout
    assert "escalation" in result.stdout


def test_samplesize_as_json_holds_question_sizes_and_days() -> None:
    """Non-inferiority defaults to one side of .025 and an identical candidate."""
    result = run("samplesize", "--policy", POLICY_FILE, "--margin", "0.01", "--json")
    document = json.loads(result.stdout)
    assert document["question"]["sides"] == 1
    assert document["question"]["alpha"] == 0.025
    assert document["question"]["effect"] == 0
    assert document["control"] == document["canary"] == 26_938
    assert document["total"] == 2 * 26_938
    assert len(document["intents"]) == 10
    assert document["region"] == "us-east-1"


def test_samplesize_needs_no_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside a checkout it says the sizes, and asks for the baseline that it cannot read."""
    monkeypatch.chdir(tmp_path)
    result = run("samplesize", "--baseline", "0.78", "--mde", "0.02", "--json")
    assert json.loads(result.stdout)["control"] == 6_507
    assert run("samplesize").exit_code == 2
    assert "--baseline" in run("samplesize").stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--mde", "0"), "--mde: 0"),
        (("--mde", "0.5"), "--mde: 0.5"),
        (("--share", "1"), "--share: 1.0"),
        (("--alpha", "2"), "--alpha: 2.0"),
        (("--margin", "0.01", "--mde", "-0.02"), "--margin: 0.01"),
        (("--sd", "0.9"), "--baseline"),
        (("--sides", "3"), "'--sides'"),
    ],
)
def test_samplesize_refuses_in_one_line_that_names_the_option(
    arguments: tuple[str, ...], named: str
) -> None:
    """Exit 2, nothing on the output."""
    result = run("samplesize", "--policy", POLICY_FILE, *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert named in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_explain_says_what_resolves_what_takes_long_and_what_would_help() -> None:
    """Stages, gates, the test, intents, and computed changes."""
    result = run("policy", "explain", POLICY_FILE)
    assert result.exit_code == 0
    for said in (
        "customers taken as independent (design effect 1)",
        "24h 0.00  2d 0.80",
        "escalation (bottleneck)",
        "Not planned, because the baseline does not tell their spread: fallback",
        "all intents together reach power .8",
        "the minimum durations rule",
        "a minimum of 2d makes it 0.8",
    ):
        assert said in result.stdout


def test_explain_as_json_of_another_region_and_target() -> None:
    """The same as data; a point is sought with a design effect of 1.5."""
    options = ("--region", "ap-northeast-1", "--target", "0.015", "--design-effect", "1.5")
    result = run("policy", "explain", POLICY_FILE, "--json", *options)
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert document["region"] == "ap-northeast-1"
    assert document["test"]["target"] == 0.015
    assert document["design_effect"] == 1.5
    assert {"stages", "gates", "test", "gate_changes", "stage_changes"} <= set(document)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--target", "-1"), "target"),
        (("--design-effect", "0"), "design_effect"),
        (("--region", "eu-west-1"), "region"),
    ],
)
def test_explain_refuses_in_one_line(arguments: tuple[str, ...], named: str) -> None:
    """Exit 2 for a target that is none, a design effect below 1, an unknown region."""
    result = run("policy", "explain", POLICY_FILE, *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert named in result.stderr
