"""Values of metric math and what operators and functions make of them.

Semantics are those of the user guide, "Using metric math". A missing point is None; arithmetic and
comparisons between two series read it as 0 where the other has a point; a division by zero drops
the point, and so does an undefined power.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from dataclasses import dataclass

__all__ = [
    "FUNCTIONS",
    "OPERATORS",
    "Array",
    "Binary",
    "MathError",
    "Series",
    "Value",
    "as_series",
    "combine",
    "each_series",
    "fill",
    "negate",
    "repeat",
]

Series = list[float | None]


@dataclass(frozen=True)
class Array:
    """An array of time series."""

    series: tuple[Series, ...]


Value = float | Series | Array


class MathError(ValueError):
    """An expression that is malformed, or uses something that is not supported."""


def _divide(left: float, right: float) -> float | None:
    return None if right == 0 else left / right


def _power(left: float, right: float) -> float | None:
    try:
        result = left**right
    except (ZeroDivisionError, OverflowError):
        return None
    return None if isinstance(result, complex) else result


Binary = Callable[[float, float], float | bool | None]
OPERATORS: dict[str, Binary] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
    "^": _power,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "&&": lambda left, right: left != 0 and right != 0,
    "||": lambda left, right: left != 0 or right != 0,
}
OPERATORS["AND"] = OPERATORS["&&"]
OPERATORS["OR"] = OPERATORS["||"]


def combine(function: Binary, left: Value, right: Value) -> Value:
    """An operator over two operands; over an array, to each of its series."""
    if isinstance(left, Array):
        if isinstance(right, Array):
            raise MathError("an operator cannot combine two arrays of time series")
        return Array(tuple(_pointwise(function, each, right) for each in left.series))
    if isinstance(right, Array):
        return Array(tuple(_pointwise(function, left, each) for each in right.series))
    if isinstance(left, float) and isinstance(right, float):
        result = function(left, right)
        if result is None:
            raise MathError(f"undefined operation on the scalars {left:g} and {right:g}")
        return float(result)
    return _pointwise(function, left, right)


def _pointwise(function: Binary, left: float | Series, right: float | Series) -> Series:
    if isinstance(left, float):
        points = [right] if isinstance(right, float) else right
        return [None if b is None else _number(function(left, b)) for b in points]
    if isinstance(right, float):
        return [None if a is None else _number(function(a, right)) for a in left]
    return [
        None if a is None and b is None else _number(function(a or 0.0, b or 0.0))
        for a, b in zip(left, right, strict=True)
    ]


def _number(result: float | bool | None) -> float | None:
    return None if result is None else float(result)


def as_series(value: Value, where: str) -> Series:
    """The value as one series. Raises `MathError` naming `where` it was needed."""
    if isinstance(value, float | Array):
        raise MathError(f"{where} needs a time series")
    return value


def each_series(function: Callable[[Series], Series], value: Value, where: str) -> Value:
    """A function of a series over one series, or each of an array."""
    if isinstance(value, Array):
        return Array(tuple(function(each) for each in value.series))
    return function(as_series(value, where))


def negate(value: Value) -> Value:
    """Unary minus."""
    return -value if isinstance(value, float) else _map(operator.neg, "unary minus", value)


def _map(function: Callable[[float], float], where: str, value: Value) -> Value:
    def apply(series: Series) -> Series:
        return [None if point is None else function(point) for point in series]

    return each_series(apply, value, where)


def repeat(series: Series) -> Series:
    """Missing points take the last value before them."""
    result: Series = []
    for point in series:
        result.append(point if point is not None or not result else result[-1])
    return result


def fill(subject: Value, filler: Value) -> Value:
    """Missing points take a number, or another series' point."""
    if isinstance(filler, Array):
        raise MathError("FILL fills with a number, a time series or REPEAT")

    def one(series: Series) -> Series:
        others = [filler] * len(series) if isinstance(filler, float) else filler
        return [b if a is None else a for a, b in zip(series, others, strict=True)]

    return each_series(one, subject, "FILL")


def _if(condition: Value, yes: Value, no: Value | None = None) -> Value:
    if isinstance(condition, Array) or isinstance(yes, Array) or isinstance(no, Array):
        raise MathError("IF takes scalars and single time series, not arrays")
    if isinstance(condition, float):
        if condition == 0 and no is None:
            return [None] * len(as_series(yes, "IF with a scalar condition"))
        return as_series(yes if condition != 0 or no is None else no, "IF with a scalar condition")
    result: Series = []
    for index, test in enumerate(condition):
        if test is None:
            result.append(None)
        elif test != 0:
            point = yes if isinstance(yes, float) else yes[index]
            result.append(0.0 if point is None else point)
        else:
            result.append(no if no is None or isinstance(no, float) else no[index])
    return result


def _aggregate(
    name: str,
    down: Callable[[list[float]], float],
    across: Callable[[list[float | None]], float],
) -> Callable[[Value], Value]:
    """A function that makes a scalar of one series, a series of an array."""

    def function(value: Value) -> Value:
        if isinstance(value, Array):
            if not value.series:
                raise MathError(f"{name} of an empty array")
            return [
                None if all(point is None for point in column) else across(list(column))
                for column in zip(*value.series, strict=True)
            ]
        present = _present(as_series(value, name))
        return float(down(present)) if present else 0.0

    return function


def _zeroed(column: list[float | None]) -> list[float]:
    return [point or 0.0 for point in column]


def _present(column: list[float | None]) -> list[float]:
    return [point for point in column if point is not None]


FUNCTIONS: dict[str, tuple[Callable[..., Value], int, int]] = {
    "IF": (_if, 2, 3),
    "ABS": (functools.partial(_map, abs, "ABS"), 1, 1),
    "SUM": (_aggregate("SUM", sum, lambda column: sum(_zeroed(column))), 1, 1),
    "AVG": (
        _aggregate(
            "AVG",
            lambda points: sum(points) / len(points),
            lambda column: sum(_zeroed(column)) / len(column),
        ),
        1,
        1,
    ),
    "MIN": (_aggregate("MIN", min, lambda column: min(_present(column))), 1, 1),
    "MAX": (_aggregate("MAX", max, lambda column: max(_present(column))), 1, 1),
}
