"""From plain values to a policy, or to every problem at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from canary.policy.checks.run import run_checks
from canary.policy.model import Policy
from canary.policy.part import Part
from canary.policy.problem import PolicyError, Problem

__all__ = ["path_text", "shape_problems", "validate_policy"]

_PREFIXES = ("Value error, ", "Input should be ")


def validate_policy(values: Mapping[str, Any], source: str = "policy") -> Policy:
    """The policy that `values` state. Raises `PolicyError` with every problem found."""
    try:
        policy = Policy.model_validate(values)
    except ValidationError as error:
        problems = [*shape_problems(error, Policy), *run_checks(_sections(values))]
        raise PolicyError(problems, source) from None
    sections = {name: getattr(policy, name) for name in Policy.model_fields}
    if problems := list(run_checks(sections)):
        raise PolicyError(problems, source)
    return policy


def shape_problems(
    error: ValidationError, model: type[Part], prefix: tuple[str | int, ...] = ()
) -> Iterator[Problem]:
    """What a validation error says, in the words of the fields' own descriptions."""
    for detail in error.errors(include_url=False):
        location = (*prefix, *detail["loc"])
        missing = detail["type"] == "missing"
        value = None if missing else detail["input"]
        yield Problem(path_text(location), value, _expected(detail, model))


def path_text(location: tuple[str | int, ...]) -> str:
    """A place as the file shows it: `stages[2].rate`."""
    text = ""
    for step in location:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def _expected(detail: ErrorDetails, model: type[Part]) -> str:
    *above, last = detail["loc"] or ("",)
    owner = _model_at(model, tuple(above))
    if detail["type"] == "extra_forbidden" and owner is not None:
        known = list(owner.model_fields)
        if close := difflib.get_close_matches(str(last), known, n=1):
            return f"no such key; perhaps {close[0]}"
        return f"no such key; the keys here are {', '.join(known)}"
    message = detail["msg"]
    for prefix in _PREFIXES:
        message = message.removeprefix(prefix)
    field = owner.model_fields.get(str(last)) if owner is not None else None
    described = (field.description or "") if field is not None else ""
    if detail["type"] == "missing":
        return f"required: {described}" if described else "required"
    message = message.replace("a valid tuple", "an array")
    return message if message == described or not described else f"{message} ({described})"


def _model_at(model: type[Part], steps: tuple[str | int, ...]) -> type[BaseModel] | None:
    """The part of the policy that a location inside it belongs to."""
    at: type[BaseModel] | None = model
    in_table = False
    for step in steps:
        if isinstance(step, int) or in_table:
            in_table = False
            continue
        field = at.model_fields.get(step) if at is not None else None
        at = _part_of(field.annotation) if field is not None else None
        in_table = field is not None and get_origin(field.annotation) is dict
    return at


def _part_of(annotation: Any) -> type[BaseModel] | None:
    if get_origin(annotation) is None:
        return annotation if isinstance(annotation, type) and _is_part(annotation) else None
    return next((part for each in get_args(annotation) if (part := _part_of(each))), None)


def _is_part(kind: type[Any]) -> bool:
    return issubclass(kind, BaseModel)


def _sections(values: Mapping[str, Any]) -> dict[str, Any]:
    """The sections of a broken policy that are sound; an array keeps its sound entries."""
    sections: dict[str, Any] = {}
    for name, field in Policy.model_fields.items():
        value = values.get(name, field.get_default())
        item = _item_of(field)
        if item is not None and isinstance(value, list) and value:
            sections[name] = tuple(_sound(item, each) for each in value)
        elif (whole := _sound(field.annotation, value)) is not None:
            sections[name] = whole
    return sections


def _item_of(field: FieldInfo) -> Any:
    return get_args(field.annotation)[0] if get_origin(field.annotation) is tuple else None


def _sound(kind: Any, value: Any) -> Any:
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError:
        return None
