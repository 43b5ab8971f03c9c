"""Scenario files: those that come with the product, and what is refused of others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from canary.local.scenario import (
    SCENARIOS,
    UnknownScenarioError,
    known_scenarios,
    load_scenario,
    named_scenario,
    validate_scenario,
)
from canary.policy.compile import compile_policy, load_policy
from canary.policy.planning import planned_pass
from canary.policy.problem import PolicyError

OUTCOMES = {
    "dead": ("ROLLED_BACK", "alarm"),
    "errors": ("ROLLED_BACK", "alarm"),
    "good": ("PROMOTED", None),
    "hallucinating": ("ROLLED_BACK", "analyse"),
    "killed": ("ROLLED_BACK", "alarm"),
    "long": ("ROLLED_BACK", "alarm"),
    "shared": ("PROMOTED", None),
    "silent": ("HELD", None),
    "slow": ("ROLLED_BACK", "alarm"),
    "throttled": ("ROLLED_BACK", "alarm"),
    "unfit": ("REJECTED", None),
    "worse": ("REJECTED", "progression"),
}
SOUND: dict[str, Any] = {
    "name": "mine",
    "description": "mine",
    "seed": 1,
    "horizon_minutes": 60,
    "expect": {"outcome": "HELD"},
}
POLICY = Path(__file__).parents[2] / "policy" / "mangaassist.toml"


def problems(**changes: Any) -> list[str]:
    """What is wrong with the sound scenario under changes, a line each."""
    with pytest.raises(PolicyError) as caught:
        validate_scenario({**SOUND, **changes})
    return [str(problem) for problem in caught.value.problems]


def test_the_eleven_scenarios_are_there_with_their_outcomes() -> None:
    """Each loads, expects what it is for, and states the power of its test."""
    expected = {
        name: load_scenario(path).expect for name, path in known_scenarios(SCENARIOS).items()
    }
    assert {name: (each.outcome, each.by) for name, each in expected.items()} == OUTCOMES
    for path in known_scenarios(SCENARIOS).values():
        assert "# Power." in path.read_text("utf-8")


@pytest.mark.parametrize("name", OUTCOMES)
def test_every_pace_fits_the_policy(name: str) -> None:
    """The compiled policy takes the pace, and says each change in a sentence."""
    scenario = named_scenario(name, SCENARIOS)
    compiled = compile_policy(load_policy(POLICY), "us-east-1", pace=scenario.pace)
    assert compiled.changes
    a_virtual_day = 24 * 60  # real seconds, at a clock factor of 60
    assert compiled.baseline.daily_conversations == (
        scenario.load.conversations_per_second * a_virtual_day
    )
    last = compiled.stages[-2]
    minutes = scenario.horizon_minutes * 60
    assert minutes > sum(stage.min_seconds for stage in compiled.stages[:-2])
    assert last.min_seconds <= last.max_seconds


def test_a_gate_that_must_pass_at_the_pace_does_so_for_an_identical_candidate() -> None:
    """Planned P(PASS | identical) is at least .95 after the stage's shortest time."""
    scenario = named_scenario("good", SCENARIOS)
    compiled = compile_policy(load_policy(POLICY), "us-east-1", pace=scenario.pace)
    planned = {
        (gate.metric, gate.stage, gate.unit): chance
        for gate in compiled.gates
        if gate.kind == "must_pass"
        and (chance := planned_pass(compiled, gate, compiled.stages[gate.stage].min_seconds))
        is not None
    }
    assert ("error", 3, "points") in planned
    assert min(planned.values()) >= 0.95


def test_an_unknown_scenario_lists_the_known_ones() -> None:
    """One line with every name."""
    with pytest.raises(UnknownScenarioError) as caught:
        named_scenario("god", SCENARIOS)
    assert all(name in str(caught.value) for name in OUTCOMES)


def test_all_problems_are_said_at_once_with_path_value_and_what_would_be_right() -> None:
    """Wrong types, unknown keys and outcomes in one refusal."""
    found = problems(
        seed=-1,
        horizon="long",
        expect={"outcome": "GOOD"},
        phase=[{"arm": "both", "eror_rate": 0.3}],
    )
    assert {line.split(":")[0] for line in found} == {
        "seed",
        "horizon",
        "expect.outcome",
        "phase[0].arm",
        "phase[0].eror_rate",
    }
    assert any("'GOOD'" in line and "PROMOTED" in line for line in found)
    assert any("perhaps error_rate" in line for line in found)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"expect": {"outcome": "HELD", "by": "alarm"}}, "expect.by"),
        ({"load": {"turns": [0.5, 0.4]}}, "load.turns"),
        ({"load": {"turns": []}}, "load.turns"),
        ({"phase": [{"arm": "canary", "from_stage": 25}]}, "phase[0]"),
        ({"phase": [{"arm": "canary", "from_minute": 90, "csat": 2}]}, "phase[0].from_minute"),
        ({"fault": [{"kind": "fire"}]}, "fault[0].kind"),
        ({"fault": [{"kind": "redis_down", "from_minute": 60}]}, "fault[0].from_minute"),
    ],
)
def test_what_cannot_happen_is_refused_at_its_place(changes: dict[str, Any], path: str) -> None:
    """Shares that do not sum to 1, a phase that changes nothing, what begins after the end."""
    assert [line.split(": ")[0] for line in problems(**changes)] == [path]


def write(folder: Path, name: str, pace: str) -> Path:
    """A sound scenario file with that pace."""
    path = folder / f"{name}.toml"
    path.write_text(
        f'description = "mine"\nseed = 1\nhorizon_minutes = 60\n[expect]\noutcome = "HELD"\n'
        f"[pace]\n{pace}\n"
    )
    return path


def test_a_pace_may_be_like_another_scenarios(tmp_path: Path) -> None:
    """The other's keys under its own; a file of one's own may name one of the product's."""
    write(tmp_path, "base", 'test = "60m"\nsoak = "2m"')
    mine = load_scenario(write(tmp_path, "mine", 'like = "base"\nsoak = "1m"'))
    assert mine.pace == {"test": "60m", "soak": "1m"}
    theirs = load_scenario(write(tmp_path, "other", 'like = "good"'))
    assert theirs.pace == named_scenario("good", SCENARIOS).pace


@pytest.mark.parametrize("like", ["nobody", "mine", "errors"])
def test_a_pace_is_like_one_that_stands_by_itself(tmp_path: Path, like: str) -> None:
    """No unknown name, no circle, no chain."""
    with pytest.raises(PolicyError, match=r"pace\.like"):
        load_scenario(write(tmp_path, "mine", f'like = "{like}"'))


@pytest.mark.parametrize("content", [None, b"\xff", b"name = "])
def test_a_file_that_is_no_toml_is_one_clear_problem(tmp_path: Path, content: bytes | None) -> None:
    """Absent, not text, or not TOML: one line that names the file."""
    path = tmp_path / "broken.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PolicyError) as caught:
        load_scenario(path)
    assert str(path) in str(caught.value)
    assert len(caught.value.problems) == 1
