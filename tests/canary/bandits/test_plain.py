"""What is stored and read back is the same, in JSON and in DynamoDB."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from canary.bandits.context import Context
from canary.bandits.plain import (
    decision_of,
    plain_decision,
    plain_finding,
    plain_review,
    plain_state,
    state_of,
)
from canary.bandits.review import review
from canary.bandits.revise import Finding, revise
from canary.bandits.settle import Batch, settle
from canary.bandits.state import BanditState
from tests.canary.bandits.logs import HOUR, RULES, START, decision, linucb, thompson


def lived(kind: str, complexity: float, offset: float) -> BanditState:
    """A bandit with learning behind it and an allocation before it."""
    start = linucb() if kind == "linucb" else thompson()
    decisions = [
        decision(
            n,
            "ab"[n % 2],
            intent=start.intent,
            decided_at=START + n + offset,
            context=Context(complexity, "ja", prime=True),
            shares={"a": 3_333, "b": 6_667},
        )
        for n in range(9)
    ]
    settled = settle(start, Batch(START, START + HOUR, decisions), RULES, now=START * 2)
    return revise(settled, RULES, now=START + 7 * HOUR + offset, release_active=True).state


states = st.builds(
    lived, st.sampled_from(["thompson", "linucb"]), st.floats(0, 1), st.floats(0, 1_000)
)


@given(states)
def test_a_state_survives_json(state: BanditState) -> None:
    """To the last bit."""
    assert state_of(json.loads(json.dumps(plain_state(state)))) == state


@given(states)
def test_a_state_survives_dynamodb(state: BanditState) -> None:
    """Whose numbers are decimals and which refuses floats."""
    stored = TypeSerializer().serialize(plain_state(state))
    assert state_of(TypeDeserializer().deserialize(stored)) == state


@given(st.floats(0, 1), st.sampled_from([None, "control", "canary"]))
def test_a_decision_survives_both(complexity: float, release_arm: Any) -> None:
    """With the probabilities it was drawn by, exactly."""
    made = decision(3, context=Context(complexity, "other", prime=False), release_arm=release_arm)
    plain = plain_decision(made)
    assert decision_of(json.loads(json.dumps(plain))) == made
    stored = TypeSerializer().serialize(plain)
    assert decision_of(TypeDeserializer().deserialize(stored)) == made


def test_another_schema_is_refused() -> None:
    """Not guessed at."""
    for read, plain in (
        (state_of, plain_state(thompson())),
        (decision_of, plain_decision(decision(1))),
    ):
        with pytest.raises(ValueError, match="schema: 2"):
            read(plain | {"schema": 2})


def test_a_state_that_lacks_something_is_refused_by_name() -> None:
    """The error says what."""
    plain = plain_state(thompson())
    del plain["settled_until"]
    with pytest.raises(ValueError, match="settled_until"):
        state_of(plain)


def test_a_removed_arm_stays_removed() -> None:
    """It would be served again otherwise."""
    state = thompson()
    gone = replace(state, arms=(replace(state.arms[0], removed_at=START + 0.25), state.arms[1]))
    plain = plain_state(gone)
    assert plain["arms"][0]["removed_at"] == repr(START + 0.25)
    assert state_of(plain | {"revision": Decimal(0)}) == gone


def test_a_review_and_a_finding_can_be_recorded() -> None:
    """In JSON that any reader takes, and in DynamoDB."""
    reviewed = plain_review(review(thompson(), RULES, now=START + 0.5))
    found = plain_finding(Finding("reset", "a", START, 0.031, 0.02))
    assert reviewed["convergence"] == "learning"
    assert reviewed["arms"][0]["quality"] is None
    assert found["value"] == "0.031"
    for record in (reviewed, found):
        assert json.loads(json.dumps(record, allow_nan=False)) == record
        TypeSerializer().serialize(record)
