"""CloudWatch's limits on alarms, checked when the template is made rather than when it is deployed.

Amazon CloudWatch user guide, "CloudWatch service quotas", and the API's own lengths: an alarm's
metric math reads at most ten metrics by an expression of at most 2,048 characters, a composite's
rule names at most a hundred alarms in at most 10,240 characters.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["AlarmLimitError", "check_composite", "check_expression", "with_runbook"]

_METRICS = 10
_EXPRESSION = 2048
_CHILDREN = 100
_RULE = 10_240
_DESCRIPTION = 1024
_RUNBOOK = "docs/runbook.md"


class AlarmLimitError(ValueError):
    """An alarm that CloudWatch would refuse; the message says which, the limit and what to do."""


def check_expression(name: str, expression: str, metrics: int) -> None:
    """Raise `AlarmLimitError` when alarm `name` reads too many metrics or computes too much."""
    if metrics > _METRICS:
        raise AlarmLimitError(
            f"alarm {name}: {metrics} metrics; CloudWatch takes {_METRICS}: watch fewer in one"
        )
    if len(expression) > _EXPRESSION:
        raise AlarmLimitError(
            f"alarm {name}: its expression has {len(expression)} characters; CloudWatch takes "
            f"{_EXPRESSION}: part it into several alarms of one composite"
        )


def check_composite(name: str, children: Sequence[str]) -> None:
    """Raise `AlarmLimitError` when composite `name` has too many children, given by their names."""
    if not children:
        raise AlarmLimitError(f"composite {name}: no alarm is in it, and an empty rule is refused")
    if len(children) > _CHILDREN:
        raise AlarmLimitError(
            f"composite {name}: {len(children)} alarms; CloudWatch takes {_CHILDREN}: fewer "
            "triggers or windows in the policy, or a composite of composites"
        )
    rule = " OR ".join(f'ALARM("{child}")' for child in children)
    if len(rule) > _RULE:
        raise AlarmLimitError(
            f"composite {name}: its rule has {len(rule)} characters; CloudWatch takes {_RULE}: "
            "shorter names of triggers, or a composite of composites"
        )


def with_runbook(name: str, description: str) -> str:
    """The description with the place of alarm `name` in the runbook.

    Raises `AlarmLimitError` when CloudWatch would refuse its length.
    """
    text = f"{description} Runbook: {_RUNBOOK}#{name}"
    if len(text) > _DESCRIPTION:
        raise AlarmLimitError(
            f"alarm {name}: its description has {len(text)} characters; CloudWatch takes "
            f"{_DESCRIPTION}"
        )
    return text
