"""CloudWatch metric math: the part of the language that alarms and GetMetricData use here.

An expression is parsed once. Whatever else the language knows is refused by name.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from canary.local.math_values import (
    FUNCTIONS,
    OPERATORS,
    Array,
    Binary,
    MathError,
    Series,
    Value,
    as_series,
    combine,
    each_series,
    fill,
    negate,
    repeat,
)

__all__ = ["Array", "MathError", "Program", "Series", "Value", "compile_expression"]


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
            left = _binary(OPERATORS[token], left, right)
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
            return lambda env: negate(inner(env))
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
        if name not in FUNCTIONS:
            raise self._error(f"function {name!r} is not supported")
        arguments = self._list(")")
        function, least, most = FUNCTIONS[name]
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
            tuple(as_series(env.values[name], "METRICS") for name in env.metrics if part in name)
        )

    def _fill(self) -> _Node:
        subject = self._expression(0)
        self._expect(",")
        if self._peek() == "REPEAT":
            self._at += 1
            self._expect(")")
            return lambda env: each_series(repeat, subject(env), "FILL")
        filler = self._expression(0)
        self._expect(")")
        return lambda env: fill(subject(env), filler(env))


def _lookup(name: str, env: Environment) -> Value:
    try:
        return env.values[name]
    except KeyError:
        raise MathError(f"no metric or expression has the id {name!r}") from None


def _binary(function: Binary, left: _Node, right: _Node) -> _Node:
    return lambda env: combine(function, left(env), right(env))


def _array(items: list[_Node]) -> _Node:
    def build(env: Environment) -> Value:
        result: list[Series] = []
        for item in items:
            value = item(env)
            result.extend(
                value.series if isinstance(value, Array) else [as_series(value, "an array")]
            )
        return Array(tuple(result))

    return build
