"""`canary policy` checks a file with useful exit codes and shows it in words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from canary.cli.main import canary
from canary.policy.compile import compile_policy, load_policy
from canary.policy.compiled import CompiledPolicy

POLICY_FILE = Path(__file__).parents[2] / "policy" / "mangaassist.toml"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(canary, ["policy", *(str(each) for each in arguments)])


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """The default policy with two things wrong."""
    file = tmp_path / "broken.toml"
    text = POLICY_FILE.read_text()
    text = text.replace("rate = 0.25\ntask_percent = 40", "rate = 0.05\ntask_percent = 40")
    text = text.replace("wave = 2", "wave = 3")
    file.write_text(text)
    return file


def test_check_of_a_valid_file_says_so_in_one_line() -> None:
    """A valid policy exits 0 with a summary."""
    result = run("check", POLICY_FILE)
    assert result.exit_code == 0
    (line,) = result.stdout.splitlines()
    assert line.startswith(f"{POLICY_FILE}: valid; us-east-1, ap-northeast-1; stages 0 0.05 0.25")


def test_check_of_a_broken_file_has_a_line_for_each_problem(broken: Path) -> None:
    """A broken policy exits 2 and says each problem on a line of its own, with the file."""
    result = run("check", broken)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        f"{broken}: regions[1].wave: 3; waves count up from 1; no region is in wave 2",
        f"{broken}: stages[2].rate: 0.05; above 0.05, the rate of stages[1]",
    ]


def test_check_as_json(broken: Path) -> None:
    """With --json the verdict, the versions and the problems are data."""
    valid = run("check", "--json", POLICY_FILE)
    assert valid.exit_code == 0
    policy = load_policy(POLICY_FILE)
    assert json.loads(valid.stdout) == {
        "file": str(POLICY_FILE),
        "valid": True,
        "versions": {
            region.name: compile_policy(policy, region.name).digest for region in policy.regions
        },
    }
    refused = run("check", "--json", broken)
    assert refused.exit_code == 2
    report = json.loads(refused.stdout)
    assert report["valid"] is False
    assert [problem["path"] for problem in report["problems"]] == [
        "regions[1].wave",
        "stages[2].rate",
    ]
    assert report["problems"][1]["value"] == 0.05


def test_check_of_values_that_json_lacks(tmp_path: Path) -> None:
    """A date in the wrong place is still reported as JSON."""
    file = tmp_path / "dated.toml"
    file.write_text(POLICY_FILE.read_text().replace("slow_ms = 8000 ", "slow_ms = 2026-01-02 "))
    result = run("check", "--json", file)
    assert result.exit_code == 2
    assert json.loads(result.stdout)["problems"][0]["value"] == "2026-01-02"


def test_check_of_a_missing_or_broken_file(tmp_path: Path) -> None:
    """No file, and no TOML, are one line and exit 2."""
    missing = run("check", tmp_path / "none.toml")
    assert missing.exit_code == 2
    assert len(missing.stderr.splitlines()) == 1
    file = tmp_path / "syntax.toml"
    file.write_text("name =")
    syntax = run("check", file)
    assert syntax.exit_code == 2
    assert syntax.stderr.startswith(f"{file}: line 1: 'name ='; TOML (")


def test_show_says_rates_gates_and_triggers_in_words() -> None:
    """The tables show the asked share, each intent's rate, gates, and triggers as sentences."""
    result = run("show", POLICY_FILE)
    assert result.exit_code == 0
    shown = " ".join(result.stdout.split())
    for words in (
        "mangaassist in us-east-1",
        "1 0.05 9.5% 20% 4h 24h",
        "return_request 18,000 low / 3 0.100 0% 25% 25% 50% 100%",
        "csat 2 3 overall proved at least -1% of control's 500 an arm",
        "Errors of Requests surely above 2%",
        "surely worse than control by more than 5 points, over 6h: pause, rollback after 12h",
        "2d, 4d, 7d, 14d",
    ):
        assert words in shown


def test_show_of_another_region() -> None:
    """--region shows that region's own criteria."""
    japan = " ".join(run("show", "--region", "ap-northeast-1", POLICY_FILE).stdout.split())
    assert "honorifics 3 overall proved at least 98%" in japan
    assert "honorifics" not in run("show", POLICY_FILE).stdout
    unknown = run("show", "--region", "eu-west-1", POLICY_FILE)
    assert unknown.exit_code == 2
    assert unknown.stderr.strip().endswith("one of us-east-1, ap-northeast-1")


def test_show_as_json_is_the_compiled_policy() -> None:
    """--json prints what a release reads, readable by what reads it."""
    result = run("show", "--json", POLICY_FILE)
    expected = compile_policy(load_policy(POLICY_FILE), "us-east-1")
    assert CompiledPolicy.from_json(result.stdout) == expected
