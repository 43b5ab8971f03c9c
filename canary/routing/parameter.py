"""The assignment parameter: what the API tier is told about the release in force."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from canary.policy.compiled import CompiledPolicy
from canary.routing.rates import rates_by_intent

__all__ = ["STALE_AFTER_SECONDS", "AssignmentParameter", "ParameterView", "active_parameter"]

STALE_AFTER_SECONDS = 60.0


@dataclass(frozen=True)
class AssignmentParameter:
    """The document in `/mangaassist/canary/assignment`; the default is what it is seeded with.

    `promoting` is true while all traffic is on the canary, `promoted` once the candidate has
    become the control model; `version` is the record's.
    """

    active: bool = False
    release_id: str = ""
    test_id: str = ""
    stage: int = 0
    rates: Mapping[str, float] = field(default_factory=dict)
    routing: Literal["application", "alb"] = "application"
    promoting: bool = False
    promoted: bool = False
    sampling: float = 0.0
    slow_ms: int = 0
    control_model: str = ""
    canary_model: str = ""
    policy_version: str = ""
    version: int = 0

    def to_json(self) -> str:
        """JSON with sorted keys."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> AssignmentParameter:
        """Read the parameter's value; absent fields keep their default, unknown ones are ignored.

        Raises `ValueError` when the text is not a JSON object.
        """
        value: Any = json.loads(text)
        if not isinstance(value, dict):
            raise ValueError("assignment parameter: not a JSON object")  # noqa: TRY004
        known = {item.name for item in fields(cls)}
        return cls(**{key: each for key, each in value.items() if key in known})


@dataclass(frozen=True)
class ParameterView:
    """What an API task last read, and when (epoch seconds); `None` when it never could."""

    parameter: AssignmentParameter | None
    read_at: float = 0.0

    def fresh(self, now: float) -> AssignmentParameter | None:
        """The parameter, or `None` when it is missing or older than a minute."""
        if self.parameter is None or now - self.read_at > STALE_AFTER_SECONDS:
            return None
        return self.parameter


def active_parameter(
    policy: CompiledPolicy,
    *,
    release_id: str,
    test_id: str,
    stage: int,
    control_model: str,
    canary_model: str,
    policy_version: str,
    version: int,
    promoting: bool = False,
) -> AssignmentParameter:
    """What the API tier must know while `stage` of a release is in force."""
    sampling = policy.detector.sampling
    return AssignmentParameter(
        active=True,
        release_id=release_id,
        test_id=test_id,
        stage=stage,
        rates=rates_by_intent(policy, stage),
        routing=policy.routing,
        promoting=promoting,
        sampling=sampling[min(stage, len(sampling) - 1)] if sampling else 0.0,
        slow_ms=policy.slow_ms,
        control_model=control_model,
        canary_model=canary_model,
        policy_version=policy_version,
        version=version,
    )
