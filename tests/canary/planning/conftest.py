"""The default policy compiled, and a small one whose numbers can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from canary.policy.compile import compile_policy, load_policy
from canary.policy.compiled import CompiledPolicy

POLICY_FILE = Path(__file__).parents[3] / "policy" / "mangaassist.toml"


@pytest.fixture
def compiled() -> CompiledPolicy:
    return compile_policy(load_policy(POLICY_FILE), "us-east-1")


@pytest.fixture
def japan() -> CompiledPolicy:
    return compile_policy(load_policy(POLICY_FILE), "ap-northeast-1")


@pytest.fixture
def small(compiled: CompiledPolicy) -> CompiledPolicy:
    """One revenue-critical intent of 10,000 conversations a day."""
    only = replace(compiled.intents[0], daily_volume=10_000.0)
    return replace(
        compiled,
        intents=(only,),
        baseline=replace(compiled.baseline, daily_conversations=10_000.0),
    )
