"""`canary simulate` runs worlds, holds them against targets, and says what a wrong call lacks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from canary.cli.main import canary

POLICY_FILE = Path(__file__).parents[2] / "policy" / "mangaassist.toml"
SHARE = {"estimate", "lower", "upper"}


def run(*arguments: str | Path) -> Result:
    """One call, from the repository's own policy."""
    own = [str(each) for each in arguments]
    return CliRunner().invoke(canary, ["simulate", "--policy", str(POLICY_FILE), *own])


def document(result: Result) -> dict[str, Any]:
    """The object on the last line of standard output."""
    assert result.exit_code in (0, 1), result.output
    found: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return found


def test_the_last_line_is_one_object_with_outcomes_and_their_errors() -> None:
    """World, releases, seconds, and the four outcomes, which make up all releases."""
    found = document(run("--world", "fault_errors", "--releases", "20", "--json"))
    assert (found["world"], found["releases"]) == ("fault_errors", 20)
    assert found["seconds"] > 0
    outcomes = [found[name] for name in ("promote", "rollback", "hold", "reject")]
    assert all(set(each) == SHARE for each in outcomes)
    assert sum(each["estimate"] for each in outcomes) == pytest.approx(1)
    assert found["rollback"]["lower"] < found["rollback"]["estimate"] == 1
    assert found["hours_to_stop"]["n"] == 20


def test_the_same_seed_gives_the_same_figures() -> None:
    """Whatever the number of workers; another seed gives others."""
    call = ("--world", "fault_errors", "--releases", "25", "--json")
    one = document(run(*call, "--workers", "1"))
    two = document(run(*call, "--workers", "2"))
    other = document(run(*call, "--seed", "2"))
    for each in (one, two, other):
        each.pop("seconds")
    assert one == two
    assert one["hours_to_stop"] != other["hours_to_stop"]


def test_a_missed_target_is_an_exit_status() -> None:
    """0 when every target holds, 1 and the measure when one does not."""
    kept = run("--world", "worse", "--releases", "12", "--targets", "--json")
    assert kept.exit_code == 0
    assert {each["measure"] for each in document(kept)["targets"]} == {"reject", "hours_to_stop"}
    shown = run("--world", "worse", "--releases", "12", "--targets")
    assert "holds" in shown.stdout


def test_a_policy_that_waits_for_nothing_misses_the_targets(tmp_path: Path) -> None:
    """A harm sequence that starts from very many outcomes finds the worse candidate too late."""
    text = POLICY_FILE.read_text().replace("harm_min_outcomes = 100", "harm_min_outcomes = 400_000")
    file = tmp_path / "late.toml"
    file.write_text(text)
    call = ["--policy", str(file), "--world", "worse", "--releases", "6", "--targets", "--json"]
    result = CliRunner().invoke(canary, ["simulate", *call])
    assert result.exit_code == 1
    missed = [each["measure"] for each in document(result)["targets"] if not each["holds"]]
    assert missed


def test_people_get_tables_and_the_origin_of_the_figures() -> None:
    """Outcomes, causes, delays; seed and policy version for whoever repeats it."""
    shown = run("--world", "fault_errors", "--releases", "6").stdout
    for words in ("rollback", "critical_alarm", "hours, median", "seed 1", "version"):
        assert words in shown


def test_plots_are_drawn_where_asked_and_the_same_each_time(tmp_path: Path) -> None:
    """Well-formed SVG with text, byte for byte the same for the same releases."""
    call = ("--world", "fault_errors", "--releases", "6", "--json", "--plots")
    for place in ("one", "two"):
        assert run(*call, tmp_path / place).exit_code == 0
    for name in ("outcomes.svg", "delays.svg"):
        first = (tmp_path / "one" / name).read_bytes()
        assert first == (tmp_path / "two" / name).read_bytes()
        assert b"fault_errors" in first
        ET.fromstring(first)


def test_waves_go_on_only_where_the_wave_before_was_promoted() -> None:
    """A candidate that is rejected in the first region never reaches the second."""
    found = document(run("--waves", "--world", "worse", "--releases", "6", "--json"))
    regions = found["regions"]
    assert regions["us-east-1"]["reached"]["estimate"] == 1
    assert regions["ap-northeast-1"]["reached"]["estimate"] == 0
    assert found["reject"]["estimate"] == 1


def test_effects_give_the_operating_characteristic(tmp_path: Path) -> None:
    """One object for each effect, in rising order, and the curve."""
    call = ("--effects", "-3,-6", "--releases", "4", "--json", "--plots", tmp_path)
    found = [json.loads(line) for line in run(*call).stdout.splitlines()]
    assert [each["effect"] for each in found] == [-0.06, -0.03]
    assert [each["reject"]["estimate"] for each in found] == [1, 1]
    assert (tmp_path / "characteristic.svg").stat().st_size > 1000


def test_other_tools_are_compared_in_the_same_worlds() -> None:
    """One object: ours and each strategy, with its own thresholds and tuned, in each world."""
    found = document(run("--compare", "--world", "fault_errors", "--releases", "4", "--json"))
    assert found["worlds"] == ["null", "fault_errors"]
    rows = {(each["world"], each["strategy"], each["thresholds"]): each for each in found["rows"]}
    assert rows["fault_errors", "ours", "policy"]["stopped"]["estimate"] == 1
    assert rows["null", "raw_ratio", "default"]["stopped"]["estimate"] == 1
    for name, strategy in found["strategies"].items():
        assert strategy["page"].startswith("https://") or "source" in strategy["page"], name
        assert ("fault_errors", name, "tuned") in rows


def test_the_list_names_every_world() -> None:
    """One line each, or one object."""
    assert "a candidate just like the control" in run("--list").stdout
    assert "null" in json.loads(run("--list", "--json").stdout)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--world", "nul"), "nul: no such world; there are"),
        (("--releases", "0"), "0 is not in the range"),
        (("--effects", "a,b"), "'a,b': numbers with commas"),
        (("--effects", "1", "--waves"), "--waves and --effects exclude each other"),
        (("--waves", "--world", "null", "--world", "same"), "--waves goes with one world"),
        (("--region", "mars-1"), "region: 'mars-1'; one of"),
    ],
)
def test_a_wrong_call_says_what_would_be_right(arguments: tuple[str, ...], said: str) -> None:
    """Exit status 2, nothing on standard output."""
    result = run(*arguments)
    text = result.stderr or str(result.exception)
    assert said in text
    assert result.stdout == ""
