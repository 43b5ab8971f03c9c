"""The synthesized templates, made once a session."""

from __future__ import annotations

import json
from typing import Any

import pytest

from canary.policy.compile import compile_policy, load_policy
from canary.policy.compiled import CompiledPolicy
from tests.stacks.assembly import REGION, ROOT, Assembly, shared_assembly, text


@pytest.fixture(scope="session")
def assembly() -> Assembly:
    return shared_assembly()


@pytest.fixture(scope="session")
def policy() -> CompiledPolicy:
    return compile_policy(load_policy(ROOT / "policy" / "mangaassist.toml"), REGION)


@pytest.fixture(scope="session")
def machine(assembly: Assembly) -> dict[str, Any]:
    """The definition of the release's state machine."""
    properties = assembly.one("Progression", "AWS::StepFunctions::StateMachine")
    return json.loads(text(properties["DefinitionString"]))


@pytest.fixture(scope="session")
def alarms(assembly: Assembly) -> dict[str, dict[str, Any]]:
    """The metric alarms' properties, by name."""
    return assembly.named("Guardrails", "AWS::CloudWatch::Alarm", "AlarmName")
