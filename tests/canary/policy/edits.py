"""Edits of a policy's values, and what they are refused for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from canary.policy.problem import PolicyError, Problem
from canary.policy.validation import validate_policy

Values = dict[str, Any]


def metric(values: Values, name: str) -> Values:
    return next(each for each in values["metrics"] if each["name"] == name)


def at(values: Values, name: str) -> str:
    """The path of a metric."""
    return f"metrics[{[each['name'] for each in values['metrics']].index(name)}]"


def put(*steps: str | int, value: Any) -> Callable[[Values], None]:
    """An edit that sets the value at a path."""

    def edit(values: Any) -> None:
        for step in steps[:-1]:
            values = values[step]
        values[steps[-1]] = value

    return edit


def in_metric(name: str, *steps: str | int, value: Any) -> Callable[[Values], None]:
    return lambda values: put(*steps, value=value)(metric(values, name))


def drop(*steps: str | int) -> Callable[[Values], None]:
    def edit(values: Any) -> None:
        for step in steps[:-1]:
            values = values[step]
        del values[steps[-1]]

    return edit


def problems(values: Values) -> list[Problem]:
    with pytest.raises(PolicyError) as caught:
        validate_policy(values)
    return list(caught.value.problems)
