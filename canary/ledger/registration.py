"""What a test states before it starts: its hypothesis, its one primary metric, its looks.

Standard library only: functions without a layer import this.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from canary.policy.compiled import CompiledPolicy

__all__ = ["HYPOTHESES", "Registration", "default_registration", "registration_problems"]

Kind = Literal["superiority", "non_inferiority"]
HYPOTHESES: tuple[Kind, ...] = ("superiority", "non_inferiority")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}")
_LEAST_WORDS = 3


@dataclass(frozen=True)
class Registration:
    """A test's statement, written once. Effects are fractions (.01 is a point), times epoch.

    `mde` is the smallest effect worth finding: it plans, and decides nothing. `margin` is the loss
    that a non-inferiority test allows. `looks_seconds` count from first exposure.
    """

    test_id: str
    region: str
    candidate: str
    text: str
    """The hypothesis in words."""
    hypothesis: Kind
    primary_metric: str
    secondary_metrics: tuple[str, ...]
    guardrails: tuple[str, ...]
    mde: float
    margin: float
    looks_seconds: tuple[int, ...]
    registered_by: str
    registered_at: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for a table or JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Registration:
        """Read what `to_dict` wrote, from a table or from JSON. Raises `TypeError`."""
        known = {item.name for item in dataclasses.fields(cls)}
        data = {key: each for key, each in value.items() if key in known}
        for name in ("secondary_metrics", "guardrails"):
            data[name] = tuple(data.get(name) or ())
        data["looks_seconds"] = tuple(int(each) for each in data.get("looks_seconds") or ())
        for name in ("mde", "margin", "registered_at"):
            data[name] = float(data[name])
        return cls(**data)


def default_registration(
    policy: CompiledPolicy,
    *,
    test_id: str,
    candidate: str,
    text: str,
    by: str,
    at: float,
    primary_metric: str = "",
) -> Registration:
    """What the region's policy would run, as a registration to be changed by who makes it.

    Guardrails are the metrics with a gate. The smallest effect of interest is the policy's least
    effect of a superior candidate, or its margin when that is 0.
    """
    plan = policy.statistics
    primary = primary_metric or plan.primary_metric
    guarded = {gate.metric for gate in policy.gates} - {primary}
    names = [metric.name for metric in policy.metrics]
    success = {metric.name for metric in policy.metrics if metric.role == "success"}
    return Registration(
        test_id=test_id,
        region=policy.region,
        candidate=candidate,
        text=text,
        hypothesis=plan.hypothesis,
        primary_metric=primary,
        secondary_metrics=tuple(name for name in names if name in success - guarded - {primary}),
        guardrails=tuple(name for name in names if name in guarded),
        mde=plan.min_effect or plan.margin,
        margin=plan.margin,
        looks_seconds=plan.looks_seconds,
        registered_by=by,
        registered_at=at,
    )


def registration_problems(registration: Registration, policy: CompiledPolicy) -> tuple[str, ...]:
    """Everything in a registration that the region's policy cannot run, each with what would be.

    Empty when it may be written.
    """
    return (
        *_word_problems(registration, policy),
        *_metric_problems(registration, policy),
        *_size_problems(registration, policy),
    )


def _word_problems(registration: Registration, policy: CompiledPolicy) -> Iterator[str]:
    for name in ("test_id", "candidate", "registered_by"):
        value = getattr(registration, name)
        if not _NAME.fullmatch(value):
            yield f"{name}: {value!r} is not a name of 1 to 128 letters, digits and ._:/-"
    if registration.region != policy.region:
        yield f"region: {registration.region!r} is not {policy.region}, whose ledger this is"
    models = {model.id for model in policy.models}
    if registration.candidate not in models:
        known = ", ".join(sorted(models))
        yield f"candidate: {registration.candidate} is not a model of the policy: {known}"
    if len(registration.text.split()) < _LEAST_WORDS:
        said = repr(registration.text)
        yield f"hypothesis text: {said} says no hypothesis: a sentence of what is expected, and why"
    if registration.hypothesis not in HYPOTHESES:
        expected = " or ".join(HYPOTHESES)
        yield f"hypothesis: {registration.hypothesis!r} is neither {expected}"


def _metric_problems(registration: Registration, policy: CompiledPolicy) -> Iterator[str]:
    known = {metric.name: metric for metric in policy.metrics}
    fit = [
        metric.name
        for metric in policy.metrics
        if (metric.role, metric.measure, metric.better) == ("success", "rate", "higher")
    ]
    primary = registration.primary_metric
    if primary not in fit:
        expected = f"a success metric that is a rate, higher better: {', '.join(fit) or 'none'}"
        yield f"primary metric: {primary!r} is not {expected}"
    seen: dict[str, str] = {primary: "primary metric"}
    for place, names in (
        ("guardrail", registration.guardrails),
        ("secondary metric", registration.secondary_metrics),
    ):
        for name in names:
            if name not in known:
                yield f"{place}: {name!r} is not a metric of the policy: {', '.join(known)}"
            elif name in seen:
                yield f"{place}: {name} is the test's {seen[name]} already; name it once"
            seen.setdefault(name, place)


def _size_problems(registration: Registration, policy: CompiledPolicy) -> Iterator[str]:
    plan = policy.statistics
    if not 0 < registration.mde < 1:
        yield f"mde: {registration.mde:g} is not between 0 and 1 (.01 is one point)"
    if not 0 < registration.margin <= plan.margin:
        yield (
            f"margin: {registration.margin:g} is not above 0 and at most the policy's, "
            f"{plan.margin:g}: a test may allow a smaller loss, not a larger one"
        )
    if registration.looks_seconds != plan.looks_seconds:
        own, planned = (_times(each) for each in (registration.looks_seconds, plan.looks_seconds))
        yield f"looks: {own} are not the policy's, {planned}"


def _times(seconds: tuple[int, ...]) -> str:
    return ", ".join(f"{each / 86_400:g} d" for each in seconds) or "none"
