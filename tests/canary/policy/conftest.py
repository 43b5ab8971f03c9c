"""The default policy as plain values, as a policy, and compiled."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from canary.policy.compile import compile_policy
from canary.policy.compiled import CompiledPolicy
from canary.policy.model import Policy
from canary.policy.validation import validate_policy

POLICY_FILE = Path(__file__).parents[3] / "policy" / "mangaassist.toml"


@pytest.fixture
def values() -> dict[str, Any]:
    """The default policy's values, to be changed at will."""
    return tomllib.loads(POLICY_FILE.read_text())


@pytest.fixture
def policy(values: dict[str, Any]) -> Policy:
    return validate_policy(values)


@pytest.fixture
def compiled(policy: Policy) -> CompiledPolicy:
    return compile_policy(policy, "us-east-1")
