"""CloudWatch metric math: the operators and functions that alarms and GetMetricData use here.

Semantics are those of the user guide, "Using metric math". A missing point is None; arithmetic and
comparisons between two series read it as 0 where the other has a point; a division by zero drops
the point, and so does an undefined power. Whatever else the language knows is refused by name.
"""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Array", "MathError", "Program", "Series", "Value", "compile_expression"]

Series = list[float | None]


@dataclass(frozen=True)
class Array:
    """An array of time series."""

    series: tuple[Series, ...]


Value = float | Series | Array


class MathError(ValueError):
    """An expression that is malformed, or uses something that is not supported."""


@dataclass(frozen=True)
class Environment:
    """What an expression reads: values by id, and which ids are metrics (for METRICS())."""

    values: Mapping[str, Value]
    metrics: Sequence[str]


_Node = Callable[[Environment], Value]


@dataclass(frozen=True)
class Program:
    """A compiled expression. `ids` are the ids it names; `all_metrics` says it calls METRICS()."""

    text: str
    ids: frozenset[str]
    all_metrics: bool
    _root: _Node

    def __call__(self, values: Mapping[str, Value], metrics: Sequence[str] = ()) -> Value:
        """Evaluate over aligned series. Raises `MathError` on operands of the wrong kind."""
        return self._root(Environment(values, metrics))


@functools.lru_cache(maxsize=1024)
def compile_expression(text: str) -> Program:
    """Parse an expression once. Raises `MathError` naming what is wrong or not supported."""
    return _Parser(text).program()


_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d*)?|\.\d+)"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<string>\"[^\"]*\"|'[^']*')"
    r"|(?P<symbol><=|>=|==|!=|&&|\|\||[-+*/^()<>,\[\]]))"
)
_BINDING = {
    "||": 1, "OR": 1, "&&": 2, "AND": 2,
    "==": 3, "!=": 3, "<": 3, ">": 3, "<=": 3, ">=": 3,
    "+": 4, "-": 4, "*": 5, "/": 5, "^": 7,
}  # fmt: skip
_UNARY_BINDING = 6


class _Parser:
    """Precedence climbing: OR, AND, comparisons, + -, * /, unary minus, ^ (to the right)."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._tokenize(text)
        self._at = 0
        self._ids: set[str] = set()
        self._all_metrics = False

    def program(self) -> Program:
        root = self._expression(0)
        if self._peek() is not None:
            raise self._error(f"unexpected {self._peek()!r}")
        return Program(self._text, frozenset(self._ids), self._all_metrics, root)

    def _tokenize(self, text: str) -> list[str]:
        tokens: list[str] = []
        position = 0
        stripped = text.rstrip()
        while position < len(stripped):
            match = _TOKEN.match(stripped, position)
            if match is None:
                raise self._error(f"cannot read {stripped[position:].strip()[:20]!r}")
            tokens.append(match[0].strip())
            position = match.end()
        return tokens

    def _error(self, problem: str) -> MathError:
        return MathError(f"{problem} in metric math expression {self._text!r}")

    def _peek(self) -> str | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _next(self) -> str:
        token = self._peek()
        if token is None:
            raise self._error("unexpected end")
        self._at += 1
        return token

    def _expect(self, token: str) -> None:
        if (found := self._next()) != token:
            raise self._error(f"expected {token!r}, found {found!r}")

    def _expression(self, floor: int) -> _Node:
        left = self._operand()
        while (token := self._peek()) is not None and _BINDING.get(token, -1) > floor:
            self._at += 1
            binding = _BINDING[token]
            right = self._expression(binding - 1 if token == "^" else binding)  # noqa: S105
            left = _binary(_OPERATORS[token], left, right)
        return left

    def _operand(self) -> _Node:
        token = self._next()
        if token == "(":  # noqa: S105 - tokens of a grammar
            inner = self._expression(0)
            self._expect(")")
            return inner
        if token == "[":  # noqa: S105
            return _array(self._list("]"))
        if token == "-":  # noqa: S105
            inner = self._expression(_UNARY_BINDING)
            return lambda env: _negate(inner(env))
        if token[0].isdigit() or token[0] == ".":
            number = float(token)
            return lambda _: number
        if self._peek() == "(":
            return self._call(token)
        if not token[0].islower():
            raise self._error(f"{token!r} is not supported")
        self._ids.add(token)
        return functools.partial(_lookup, token)

    def _list(self, closing: str) -> list[_Node]:
        items: list[_Node] = []
        if self._peek() == closing:
            self._at += 1
            return items
        while True:
            items.append(self._expression(0))
            if (token := self._next()) == closing:
                return items
            if token != ",":  # noqa: S105
                raise self._error(f"expected ',' or {closing!r}, found {token!r}")

    def _call(self, name: str) -> _Node:
        self._at += 1
        if name == "METRICS":
            return self._metrics()
        if name == "FILL":
            return self._fill()
        if name not in _FUNCTIONS:
            raise self._error(f"function {name!r} is not supported")
        arguments = self._list(")")
        function, least, most = _FUNCTIONS[name]
        if not least <= len(arguments) <= most:
            raise self._error(f"{name} takes {least} to {most} arguments, not {len(arguments)}")
        return lambda env: function(*(argument(env) for argument in arguments))

    def _metrics(self) -> _Node:
        self._all_metrics = True
        part = ""
        if self._peek() not in (")", None):
            token = self._next()
            if token[0] not in "\"'":
                raise self._error(f"METRICS takes a quoted string, not {token!r}")
            part = token[1:-1]
        self._expect(")")
        return lambda env: Array(
            tuple(_series(env.values[name], "METRICS") for name in env.metrics if part in name)
        )

    def _fill(self) -> _Node:
        subject = self._expression(0)
        self._expect(",")
        if self._peek() == "REPEAT":
            self._at += 1
            self._expect(")")
            return lambda env: _each(_repeat, subject(env), "FILL")
        filler = self._expression(0)
        self._expect(")")
        return lambda env: _fill(subject(env), filler(env))


def _lookup(name: str, env: Environment) -> Value:
    try:
        return env.values[name]
    except KeyError:
        raise MathError(f"no metric or expression has the id {name!r}") from None


def _divide(left: float, right: float) -> float | None:
    return None if right == 0 else left / right


def _power(left: float, right: float) -> float | None:
    try:
        result = left**right
    except (ZeroDivisionError, OverflowError):
        return None
    return None if isinstance(result, complex) else result


_Binary = Callable[[float, float], float | bool | None]
_OPERATORS: dict[str, _Binary] = {
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
_OPERATORS["AND"] = _OPERATORS["&&"]
_OPERATORS["OR"] = _OPERATORS["||"]


def _binary(function: _Binary, left: _Node, right: _Node) -> _Node:
    return lambda env: _combine(function, left(env), right(env))


def _combine(function: _Binary, left: Value, right: Value) -> Value:
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


def _pointwise(function: _Binary, left: float | Series, right: float | Series) -> Series:
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


def _array(items: list[_Node]) -> _Node:
    def build(env: Environment) -> Value:
        result: list[Series] = []
        for item in items:
            value = item(env)
            result.extend(
                value.series if isinstance(value, Array) else [_series(value, "an array")]
            )
        return Array(tuple(result))

    return build


def _series(value: Value, where: str) -> Series:
    if isinstance(value, float | Array):
        raise MathError(f"{where} needs a time series")
    return value


def _each(function: Callable[[Series], Series], value: Value, where: str) -> Value:
    if isinstance(value, Array):
        return Array(tuple(function(each) for each in value.series))
    return function(_series(value, where))


def _negate(value: Value) -> Value:
    return -value if isinstance(value, float) else _map(operator.neg, "unary minus", value)


def _map(function: Callable[[float], float], where: str, value: Value) -> Value:
    def apply(series: Series) -> Series:
        return [None if point is None else function(point) for point in series]

    return _each(apply, value, where)


def _repeat(series: Series) -> Series:
    result: Series = []
    for point in series:
        result.append(point if point is not None or not result else result[-1])
    return result


def _fill(subject: Value, filler: Value) -> Value:
    if isinstance(filler, Array):
        raise MathError("FILL fills with a number, a time series or REPEAT")

    def fill(series: Series) -> Series:
        others = [filler] * len(series) if isinstance(filler, float) else filler
        return [b if a is None else a for a, b in zip(series, others, strict=True)]

    return _each(fill, subject, "FILL")


def _if(condition: Value, yes: Value, no: Value | None = None) -> Value:
    if isinstance(condition, Array) or isinstance(yes, Array) or isinstance(no, Array):
        raise MathError("IF takes scalars and single time series, not arrays")
    if isinstance(condition, float):
        if condition == 0 and no is None:
            return [None] * len(_series(yes, "IF with a scalar condition"))
        return _series(yes if condition != 0 or no is None else no, "IF with a scalar condition")
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
        present = _present(_series(value, name))
        return float(down(present)) if present else 0.0

    return function


def _zeroed(column: list[float | None]) -> list[float]:
    return [point or 0.0 for point in column]


def _present(column: list[float | None]) -> list[float]:
    return [point for point in column if point is not None]


_FUNCTIONS: dict[str, tuple[Callable[..., Value], int, int]] = {
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
