"""What may be registered, and which release may run it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from canary.ledger.admission import registered_policy, registration_refusals
from canary.ledger.entry import Entry, Outcome, Settlement, settlement_of
from canary.ledger.registration import Registration, registration_problems
from canary.policy.compiled import Statistics
from canary.release.admission import Request
from canary.release.model import Phase
from tests.canary.ledger.years import Year, policy, registration
from tests.canary.samples import release

REQUEST = Request("r-1", "t-1", "model-b", "superiority", {})


def entry(**changes: Any) -> Entry:
    """Test t-1, registered and not taken."""
    return replace(Year().register(), **changes)


def test_what_the_policy_would_run_may_be_registered() -> None:
    """The default registration has nothing that the policy refuses, and names each metric once."""
    made = registration()
    assert registration_problems(made, policy()) == ()
    assert made.primary_metric == "completion"
    assert made.guardrails == ("error",)
    assert made.secondary_metrics == ("csat",)
    assert Registration.from_dict(json.loads(json.dumps(made.to_dict()))) == made


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"test_id": "a b"}, "test_id: 'a b' is not a name"),
        ({"region": "eu-west-1"}, "region: 'eu-west-1' is not us-east-1"),
        ({"candidate": "model-z"}, "not a model of the policy: model-a, model-b"),
        ({"text": "better"}, "says no hypothesis"),
        ({"hypothesis": "equality"}, "is neither superiority or non_inferiority"),
        (
            {"primary_metric": "error", "guardrails": ()},
            "'error' is not a success metric that is a rate",
        ),
        ({"primary_metric": "csat", "secondary_metrics": ()}, "higher better: completion"),
        ({"guardrails": ("speed",)}, "'speed' is not a metric of the policy"),
        ({"guardrails": ("completion",)}, "completion is the test's primary metric already"),
        ({"secondary_metrics": ("error",)}, "error is the test's guardrail already"),
        ({"mde": 0.0}, "mde: 0 is not between 0 and 1"),
        ({"margin": 0.02}, "a test may allow a smaller loss, not a larger one"),
        ({"looks_seconds": (86_400, 172_800)}, "looks: 1 d, 2 d are not the policy's, 2 d, 4 d"),
    ],
)
def test_what_the_policy_cannot_run_is_refused_with_a_reason(
    changes: dict[str, Any], words: str
) -> None:
    """One problem, one sentence that names the place and what would be right."""
    (problem,) = registration_problems(registration(**changes), policy())
    assert words in problem


def test_a_registered_release_is_not_refused() -> None:
    """By the release that takes it first, and by its retry."""
    assert registration_refusals(REQUEST, entry(), policy()) == ()
    assert registration_refusals(REQUEST, entry(release_id="r-1"), policy()) == ()


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (None, "t-1 is not registered in us-east-1: `canary register model-b --test-id t-1` first"),
        (entry(release_id="r-0"), "t-1 was taken by release r-0; register a test of its own"),
        (
            entry(release_id="r-0", settlement=Settlement(1.0, Outcome.ROLLED_BACK, None, False)),
            "t-1 is over (rolled_back); register a test of its own",
        ),
        (entry(registration=registration(candidate="model-c")), "registered for model-c, not"),
        (
            entry(registration=registration(hypothesis="non_inferiority")),
            "registered for non_inferiority, not superiority: start it with",
        ),
        (
            entry(registration=registration(looks_seconds=(1,))),
            "does not fit the policy any more (looks:",
        ),
    ],
)
def test_each_way_to_be_unlike_is_refused_with_a_way_out(found: Entry | None, words: str) -> None:
    """Missing, taken, over, or about something else."""
    (reason,) = registration_refusals(REQUEST, found, policy())
    assert words in reason


def test_the_release_runs_what_was_registered() -> None:
    """Hypothesis, primary metric and margin come from the registration, everything else stays."""
    made = registration(hypothesis="non_inferiority", margin=0.005)
    own = registered_policy(policy(), entry(registration=made)).statistics
    assert (own.hypothesis, own.margin, own.primary_metric) == (
        "non_inferiority",
        0.005,
        "completion",
    )
    plan: Statistics = policy().statistics
    assert replace(own, hypothesis=plan.hypothesis, margin=plan.margin) == plan


@pytest.mark.parametrize(
    ("phase", "exposed", "outcome"),
    [
        (Phase.PROMOTED, 1.0, Outcome.PROMOTED),
        (Phase.REJECTED, 1.0, Outcome.REJECTED),
        (Phase.ROLLED_BACK, 1.0, Outcome.ROLLED_BACK),
        (Phase.ROLLED_BACK, None, Outcome.ABANDONED),
        (Phase.REJECTED, None, Outcome.ABANDONED),
    ],
)
def test_the_end_of_a_release_settles_its_test(
    phase: Phase, exposed: float | None, outcome: Outcome
) -> None:
    """Only a promotion is a discovery; nobody exposed is an abandoned test."""
    state = release(phase=phase, first_exposure_at=exposed, p_value=1e-9)
    found = settlement_of(state, 7.0)
    assert found == Settlement(7.0, outcome, 1e-9, phase is Phase.PROMOTED)


def test_a_release_under_way_is_not_settled() -> None:
    """A settlement is for good."""
    with pytest.raises(ValueError, match="BAKING is not the end"):
        settlement_of(release(phase=Phase.BAKING), 7.0)


def test_an_entry_survives_json() -> None:
    """Whole, with and without an end."""
    for each in (entry(), Year().run(1e-9)[0]):
        assert Entry.from_dict(json.loads(json.dumps(each.to_dict()))) == each
