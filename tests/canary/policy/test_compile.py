"""A policy file becomes what one region's release reads."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.aws import facts_sql
from canary.policy.compile import compile_policy, load_policy
from canary.policy.compiled import CompiledPolicy, Ledger
from canary.policy.metric import COLUMNS
from canary.policy.model import Policy
from canary.policy.problem import PolicyError
from canary.policy.validation import validate_policy
from canary.quality.counters import COUNTERS
from canary.routing.rates import asked_share, rates_by_intent
from tests.canary.policy.conftest import POLICY_FILE

DEFAULT = load_policy(POLICY_FILE)


@pytest.mark.parametrize("region", ["us-east-1", "ap-northeast-1"])
def test_a_compiled_policy_survives_its_json(policy: Policy, region: str) -> None:
    """Reading back the canonical JSON gives an equal policy with an equal version."""
    compiled = compile_policy(policy, region)
    again = CompiledPolicy.from_json(compiled.to_json())
    assert again == compiled
    assert again.digest == compiled.digest


def test_the_ledger_is_compiled_as_it_is_written(values: dict[str, Any]) -> None:
    """Every key of the section reaches what a release reads."""
    values["ledger"] = {
        "fdr": "bh",
        "q_revenue_critical": 0.04,
        "q_other": 0.08,
        "lord_start": 0.2,
        "bh_window": "180d",
        "w0": 0.03,
        "payout": 0.02,
        "review": "30d",
    }
    compiled = compile_policy(validate_policy(values), "us-east-1")
    day = 86_400
    assert compiled.ledger == Ledger("bh", 0.04, 0.08, 0.2, 180 * day, 0.03, 0.02, 30 * day)


def test_regions_are_different_versions(policy: Policy) -> None:
    """Each region's policy has a version of its own."""
    digests = {compile_policy(policy, region.name).digest for region in policy.regions}
    assert len(digests) == len(policy.regions)


def test_changing_one_rate_changes_the_version_and_the_share(values: dict[str, Any]) -> None:
    """One edited stage rate is all it takes to change what a release asks for."""
    before = compile_policy(validate_policy(values), "us-east-1")
    values["stages"][2]["rate"] = 0.30
    after = compile_policy(validate_policy(values), "us-east-1")
    assert after.digest != before.digest
    assert asked_share(after, 2) == pytest.approx(0.30)


def test_a_regions_volume_scales_every_intent(policy: Policy) -> None:
    """A region has the mix of intents of the policy at its own volume."""
    japan = compile_policy(policy, "ap-northeast-1")
    assert sum(intent.daily_volume for intent in japan.intents) == pytest.approx(150_000)
    assert japan.intent("faq").daily_volume == pytest.approx(22_500)
    assert japan.baseline.daily_conversations == 150_000


def test_a_regions_gate_replaces_its_like(values: dict[str, Any]) -> None:
    """A region's gate on the same metric, stage, scope and unit stands in for the policy's."""
    before = compile_policy(validate_policy(values), "us-east-1")
    stricter = {
        "metric": "error",
        "leaving": [1],
        "kind": "must_pass",
        "unit": "level",
        "limit": 0.004,
    }
    values["regions"][0]["gates"].append(stricter)
    after = compile_policy(validate_policy(values), "us-east-1")
    assert len(after.gates) == len(before.gates)
    limits = {
        each.stage: each.limit
        for each in after.gates
        if (each.metric, each.unit) == ("error", "level")
    }
    assert limits == {1: 0.004, 2: 0.005, 3: 0.005}


def test_a_regions_offline_gate_replaces_its_like(values: dict[str, Any]) -> None:
    """A region's offline gate stands in for the policy's on the same metric."""
    values["regions"][0]["offline_gates"].append({"metric": "bert_score", "limit": 0.9})
    compiled = compile_policy(validate_policy(values), "us-east-1")
    limits = [each.limit for each in compiled.offline_gates if each.metric == "bert_score"]
    assert limits == [0.9]


def test_the_most_demanding_intent_sets_the_test(values: dict[str, Any]) -> None:
    """Without revenue-critical and small intents a test of seven days is long enough."""
    values["statistics"]["looks"] = ["2d", "4d", "7d"]
    values["regions"][0]["daily_conversations"] = values["regions"][1]["daily_conversations"] = 1e6
    for intent in values["intents"]:
        intent["revenue_critical"] = False
    assert compile_policy(validate_policy(values), "us-east-1").statistics.test_seconds == 604_800
    values["intents"][9]["revenue_critical"] = True
    with pytest.raises(PolicyError, match="14d or later"):
        validate_policy(values)


def test_an_unknown_region_is_refused(policy: Policy) -> None:
    """Compiling for a region that the policy lacks names those it has."""
    with pytest.raises(PolicyError) as caught:
        compile_policy(policy, "eu-west-1")
    (problem,) = caught.value.problems
    assert (problem.path, problem.value) == ("region", "eu-west-1")
    assert problem.expected == "one of us-east-1, ap-northeast-1"


def test_broken_toml_names_file_line_and_reason(tmp_path: Path) -> None:
    """A syntax error is one problem: the line, what stands there, what the parser wanted."""
    file = tmp_path / "broken.toml"
    file.write_text('name = "x"\nrouting "alb"\n')
    with pytest.raises(PolicyError) as caught:
        load_policy(file)
    (problem,) = caught.value.problems
    assert caught.value.source == str(file)
    assert (problem.path, problem.value) == ("line 2", 'routing "alb"')
    assert "expected '='" in problem.expected


def test_toml_that_ends_too_early_names_its_last_line(tmp_path: Path) -> None:
    """An array that is never closed is reported at the end of the file."""
    file = tmp_path / "broken.toml"
    file.write_text('name = "x"\nlooks = [1,')
    with pytest.raises(PolicyError, match="line 2"):
        load_policy(file)


@pytest.mark.parametrize(("content", "reason"), [(None, "No such file"), (b"\xff", "UTF-8")])
def test_a_file_that_cannot_be_read_is_a_problem(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    """A missing file and one that is no text are refused like any other problem."""
    file = tmp_path / "policy.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(PolicyError, match=reason):
        load_policy(file)


def test_a_gate_that_nobody_can_pass_is_refused(tmp_path: Path) -> None:
    """A limit that an identical candidate would not prove in time is refused where it stands."""
    file = tmp_path / "policy.toml"
    tight = POLICY_FILE.read_text().replace(
        'unit = "relative", limit = -0.01, min_sample = 500',
        'unit = "relative", limit = -0.001, min_sample = 500',
    )
    file.write_text(tight)
    with pytest.raises(PolicyError) as caught:
        load_policy(file)
    assert {problem.path.split(".gates")[1] for problem in caught.value.problems} == {"[0].limit"}
    assert {problem.value for problem in caught.value.problems} == {-0.001}
    assert "with probability 0.8, not 0." in caught.value.problems[0].expected


rates = st.lists(st.floats(0.001, 0.999), min_size=3, max_size=3, unique=True).map(sorted)


@given(ramp=rates)
def test_any_rising_ramp_asks_for_rising_shares(ramp: list[float]) -> None:
    """Whatever rates rise from 0 to 1, no intent's rate ever falls from stage to stage."""
    stages = [
        stage.model_copy(update={"rate": value})
        for stage, value in zip(DEFAULT.stages, [0.0, *ramp, 1.0], strict=True)
    ]
    policy = DEFAULT.model_copy(update={"stages": tuple(stages)})
    compiled = compile_policy(policy, "us-east-1")
    shares = [asked_share(compiled, stage.index) for stage in compiled.stages]
    assert shares[0] == 0
    assert shares[-1] == pytest.approx(1)
    by_stage = [rates_by_intent(compiled, stage.index) for stage in compiled.stages]
    for before, after in pairwise(by_stage):
        assert all(after[name] >= before[name] for name in before)
    assert CompiledPolicy.from_json(compiled.to_json()) == compiled


def test_every_column_of_the_facts_may_be_named() -> None:
    """What the facts can count is what a metric may name, under the source it is read from."""
    assert COLUMNS["turns"] >= facts_sql.TURN_COLUMNS
    assert COLUMNS["outcomes"] >= facts_sql.OUTCOME_COLUMNS
    assert set(COUNTERS) == COLUMNS["detector"]


def test_a_pace_may_name_a_regional_metric_that_another_region_asks_for(policy: Policy) -> None:
    """One scenario runs in every region: what its pace says of kanji is nothing to us-east-1."""
    gate = {"metric": "name_preservation", "kind": "must_not_fail"}
    paced = compile_policy(policy, "us-east-1", pace={"gates": [gate]})
    assert paced.gates == compile_policy(policy, "us-east-1").gates
    changed = compile_policy(policy, "ap-northeast-1", pace={"gates": [gate]})
    assert any("name_preservation" in each for each in changed.changes)


def test_a_pace_on_a_metric_that_nobody_asks_for_is_refused(policy: Policy) -> None:
    """A slip in a metric's name is not taken for another region's metric."""
    with pytest.raises(PolicyError, match="name_perservation"):
        compile_policy(policy, "us-east-1", pace={"gates": [{"metric": "name_perservation"}]})
