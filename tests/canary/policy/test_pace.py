"""A scenario's pace shortens a compiled policy, says so, and can change nothing else."""

from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.policy.compile import compile_policy, load_policy
from canary.policy.compiled import CompiledPolicy
from canary.policy.model import Policy
from canary.policy.pace import apply_pace
from canary.policy.problem import PolicyError, Problem
from tests.canary.policy.conftest import POLICY_FILE

DEFAULT = compile_policy(load_policy(POLICY_FILE), "us-east-1")
PAGE = Path(__file__).parents[3] / "docs" / "reference" / "policy.md"


@pytest.fixture
def documented() -> dict[str, Any]:
    """The example of the reference page."""
    block = PAGE.read_text().split("```toml\n[pace]", 1)[1].split("```", 1)[0]
    pace: dict[str, Any] = tomllib.loads(f"[pace]{block}")["pace"]
    return pace


def refused(pace: dict[str, Any]) -> list[Problem]:
    with pytest.raises(PolicyError) as caught:
        apply_pace(DEFAULT, pace)
    return list(caught.value.problems)


def test_the_documented_example_is_valid(policy: Policy, documented: dict[str, Any]) -> None:
    """The reference page's pace makes minutes of hours, for each key that it names."""
    paced = compile_policy(policy, "us-east-1", pace=documented)
    assert [stage.min_seconds for stage in paced.stages] == [0, 720, 720, 2160, 0]
    assert [stage.max_seconds for stage in paced.stages] == [0, 1440, 1440, 4320, 0]
    assert paced.statistics.test_seconds == 3600
    assert paced.statistics.looks_seconds == (1980, 2520, 3060, 3600)
    assert paced.statistics.bake_poll_seconds == 120
    assert paced.statistics.silence_seconds == 120
    assert paced.promotion == dataclasses.replace(
        paced.promotion, soak_seconds=120, approval_seconds=600
    )
    assert paced.anti_flapping.cooldown_seconds == 1800
    assert paced.anti_flapping.hold_after_rollback_seconds == 1440
    assert paced.metric("completion").outcome_window_seconds == 60
    triggers = {trigger.name: trigger for trigger in paced.triggers}
    assert triggers["completion"].windows_seconds == (360,)
    assert triggers["hallucination"].escalate_after_seconds == 180
    assert paced.baseline.daily_conversations == 144_000
    assert sum(intent.daily_volume for intent in paced.intents) == pytest.approx(144_000)


def test_rates_alphas_and_alarms_stay(compiled: CompiledPolicy, documented: dict[str, Any]) -> None:
    """A pace leaves rates, sizes, alphas, alarm thresholds, bounds and rate windows alone."""
    paced = apply_pace(compiled, documented)
    for before, after in zip(compiled.stages, paced.stages, strict=True):
        assert (after.rate, after.task_percent) == (before.rate, before.task_percent)
    assert [each.rate for each in paced.intents] == [each.rate for each in compiled.intents]
    kept = (
        "alpha",
        "harm_alpha_overall",
        "harm_alpha_revenue",
        "harm_min_outcomes",
        "margin",
        "gate_confidence",
        "intent_alpha",
        "srm_alpha",
        "min_effect",
        "hypothesis",
    )
    for name in kept:
        assert getattr(paced.statistics, name) == getattr(compiled.statistics, name)
    assert len(paced.statistics.looks_seconds) == len(compiled.statistics.looks_seconds)
    for old, new in zip(compiled.triggers, paced.triggers, strict=True):
        assert (new.threshold, new.z, new.min_events, new.ratio_to_control, new.on_breach) == (
            old.threshold,
            old.z,
            old.min_events,
            old.ratio_to_control,
            old.on_breach,
        )
        if old.statistic == "rate":
            assert new.windows_seconds == old.windows_seconds
    assert paced.detector == compiled.detector
    assert paced.offline_gates == compiled.offline_gates


def test_each_change_is_a_sentence(compiled: CompiledPolicy) -> None:
    """What was changed is said, with what it was before; what stays the same is not."""
    paced = apply_pace(
        compiled,
        {
            "soak": "2m",
            "silence": "5m",
            "stages": {"1": {"minimum": "30m"}},
            "gates": [
                {"metric": "cart", "leaving": [2], "scope": "overall", "kind": "must_not_fail"}
            ],
        },
    )
    assert paced.changes == (
        "Stage 1 (5%) lasts at least 30 minutes instead of 4 hours.",
        "After a rollback stage 1 lasts at least 1 hour instead of 8 hours.",
        "The soak before promotion lasts 2 minutes instead of 1 hour.",
        "Leaving stage 2, cart (overall, points) must not fail instead of having to pass.",
    )


def test_no_pace_and_an_empty_pace_change_nothing(policy: Policy, compiled: CompiledPolicy) -> None:
    """A policy without a pace, or with an empty one, is the region's own."""
    assert compiled.changes == ()
    assert compile_policy(policy, "us-east-1", pace={}) == compiled


def test_a_changed_policy_is_another_version(compiled: CompiledPolicy) -> None:
    """A paced policy never passes for the region's own, and survives its JSON."""
    paced = apply_pace(compiled, {"soak": "2m"})
    assert paced.digest != compiled.digest
    assert CompiledPolicy.from_json(paced.to_json()) == paced


def test_gates_change_where_they_are_selected(compiled: CompiledPolicy) -> None:
    """Stage, scope and unit select gates; all others stay; a later entry adds to an earlier one."""
    chosen = {"metric": "error", "leaving": [1]}
    entries = [
        {**chosen, "kind": "must_not_fail"},
        {**chosen, "scope": "overall", "unit": "points", "limit": 0.02},
        {**chosen, "scope": "overall", "min_sample": 50},
    ]
    paced = apply_pace(compiled, {"gates": entries})
    changed = {
        (after.unit, after.scope): (after.kind, after.limit, after.min_sample)
        for before, after in zip(compiled.gates, paced.gates, strict=True)
        if before != after
    }
    assert changed == {
        ("level", "overall"): ("must_not_fail", 0.005, 50),
        ("points", "overall"): ("must_not_fail", 0.02, 50),
    }


@pytest.mark.parametrize(
    ("pace", "path", "value", "right"),
    [
        ({"alpha": 0.2}, "pace.alpha", 0.2, "no such key"),
        ({"stages": {"1": {"rate": 0.5}}}, "pace.stages.1.rate", 0.5, "no such key"),
        ({"stages": {"4": {"minimum": "1m"}}}, "pace.stages.4", "4", "one of 1, 2, 3"),
        ({"stages": {"1": {"minimum": "5h"}}}, "pace.stages.1.minimum", "5h", "at most 4h"),
        ({"stages": {"1": {"maximum": "1h"}}}, "pace.stages.1.maximum", "1h", "minimum, 4h"),
        ({"stages": {"1": {"minimum": "9m"}}}, "pace.bake_poll", "30m", "at most 9m"),
        (
            {"stages": {"3": {"maximum": "3d"}}},
            "pace.stages.3.maximum",
            "3d",
            "the last look comes within",
        ),
        ({"test": "20d"}, "pace.test", "20d", "at most 14d"),
        ({"test": "10h"}, "pace.looks[3]", "10h", "after 28h"),
        ({"looks": [0.5, 1.0]}, "pace.looks", [0.5, 1.0], "4 looks"),
        ({"looks": [0.2, 0.3, 0.5, 0.9]}, "pace.looks[3]", 0.9, "1: the end"),
        ({"looks": [0.2, 0.6, 0.5, 1.0]}, "pace.looks[2]", "7d", "later than"),
        ({"soak": "2 minutes"}, "pace.soak", "2 minutes", "a duration"),
        ({"soak": "2h"}, "pace.soak", "2h", "at most 1h"),
        ({"cooldown": "2d"}, "pace.cooldown", "2d", "at most 24h"),
        (
            {"hold_after_rollback": "1h"},
            "pace.hold_after_rollback",
            "1h",
            "minimum and maximum, 4h and 24h",
        ),
        ({"bake_poll": "0s"}, "pace.bake_poll", "0s", "greater than or equal to 1"),
        ({"daily_conversations": 0}, "pace.daily_conversations", 0, "greater than 0"),
        ({"outcome_windows": {"error": "1m"}}, "pace.outcome_windows.error", "error", "completion"),
        ({"outcome_windows": {"csat": "2d"}}, "pace.outcome_windows.csat", "2d", "at most 24h"),
        ({"harm_windows": {"error": "1m"}}, "pace.harm_windows.error", "error", "completion, csat"),
        ({"harm_windows": {"csat": "5h"}}, "pace.harm_windows.csat", "5h", "at most 4h"),
        ({"escalate_after": {"slow": "1m"}}, "pace.escalate_after.slow", "slow", "a trigger"),
        ({"escalate_after": {"csat": "9h"}}, "pace.escalate_after.csat", "9h", "at most 8h"),
        (
            {"gates": [{"metric": "tokens", "kind": "must_not_fail"}]},
            "pace.gates[0]",
            "tokens",
            "cart",
        ),
        ({"gates": [{"metric": "cart"}]}, "pace.gates[0]", "cart", "kind, limit or min_sample"),
        (
            {"gates": [{"metric": "cart", "kind": "must_pass"}]},
            "pace.gates[0].kind",
            "must_pass",
            "must_not_fail",
        ),
        ({"gates": [{"metric": "cart", "limit": 0.1}]}, "pace.gates[0].unit", None, "the unit"),
        (
            {"gates": [{"metric": "cart", "unit": "points", "limit": -0.1}]},
            "pace.gates[0].limit",
            -0.1,
            "0 or above",
        ),
    ],
    ids=str,
)
def test_a_pace_that_cannot_be_kept_is_refused(
    pace: dict[str, Any], path: str, value: Any, right: str
) -> None:
    """A wrong pace is refused by path, value and what would be right."""
    found = [problem for problem in refused(pace) if problem.path == path]
    assert [problem.value for problem in found if right in problem.expected][:1] == [value]


def test_all_problems_of_a_pace_come_at_once() -> None:
    """Problems in different keys hide none of each other."""
    found = refused(
        {
            "soak": "2h",
            "looks": [1.0],
            "stages": {"9": {"minimum": "1h"}},
            "outcome_windows": {"names": "1m"},
            "gates": [{"metric": "nothing", "kind": "must_not_fail"}],
        }
    )
    assert {problem.path for problem in found} == {
        "pace.soak",
        "pace.looks",
        "pace.stages.9",
        "pace.outcome_windows.names",
        "pace.gates[0]",
    }


@given(minutes=st.lists(st.integers(30, 240), min_size=3, max_size=3), length=st.integers(1, 14))
def test_whatever_a_pace_does_is_shorter_or_refused(minutes: list[int], length: int) -> None:
    """No accepted pace makes a duration longer or puts a look before the test stage can start."""
    pace = {
        "test": f"{length}d",
        "stages": {str(stage + 1): {"minimum": f"{each}m"} for stage, each in enumerate(minutes)},
    }
    ramp = 60 * (minutes[0] + minutes[1])
    if min(DEFAULT.statistics.looks_seconds) * length / 14 <= ramp:
        assert {problem.path.split("[")[0] for problem in refused(pace)} == {"pace.looks"}
        return
    paced = apply_pace(DEFAULT, pace)
    for before, after in zip(DEFAULT.stages, paced.stages, strict=True):
        assert after.min_seconds <= before.min_seconds
    assert paced.statistics.looks_seconds[0] > ramp
    assert paced.statistics.looks_seconds[-1] == paced.statistics.test_seconds == length * 86_400
