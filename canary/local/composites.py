"""Composite alarm rules: ALARM, OK and INSUFFICIENT_DATA of other alarms under AND, OR, NOT."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Rule", "RuleError", "evaluation_order", "parse_rule"]

STATES = ("ALARM", "OK", "INSUFFICIENT_DATA")

_Test = Callable[[Mapping[str, str]], bool]


class RuleError(ValueError):
    """An alarm rule that CloudWatch would refuse, or that names an alarm that does not exist."""


@dataclass(frozen=True)
class Rule:
    """A parsed rule; `children` are the names of the alarms it reads, in order of mention."""

    text: str
    children: tuple[str, ...]
    _test: _Test

    def holds(self, states: Mapping[str, str]) -> bool:
        """Whether the composite is in ALARM, given each child's state. Raises `RuleError`."""
        if missing := [name for name in self.children if name not in states]:
            raise RuleError(f"rule {self.text!r} names alarms that do not exist: {missing}")
        return self._test(states)


@functools.lru_cache(maxsize=256)
def parse_rule(text: str) -> Rule:
    """Parse an AlarmRule. Raises `RuleError` saying what it found where."""
    return _Parser(text).rule()


def evaluation_order(rules: Mapping[str, Rule]) -> list[str]:
    """The composites' names, children first. Raises `RuleError` on a cycle."""
    done: list[str] = []

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            raise RuleError(f"composite alarms refer to each other: {' -> '.join((*path, name))}")
        if name in done or name not in rules:
            return
        for child in rules[name].children:
            visit(child, (*path, name))
        done.append(name)

    for name in rules:
        visit(name, ())
    return done


_TOKEN = re.compile(r"\s*(\"[^\"]*\"|'[^']*'|[(),]|[^\s(),\"']+)")


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[str] = _TOKEN.findall(text)
        self._at = 0
        self._children: list[str] = []

    def rule(self) -> Rule:
        test = self._any()
        if self._at < len(self._tokens):
            raise self._error(f"unexpected {self._tokens[self._at]!r}")
        return Rule(self._text, tuple(dict.fromkeys(self._children)), test)

    def _error(self, problem: str) -> RuleError:
        return RuleError(f"{problem} in alarm rule {self._text!r}")

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        if self._at >= len(self._tokens):
            raise self._error("unexpected end")
        self._at += 1
        return self._tokens[self._at - 1]

    def _expect(self, token: str) -> None:
        if (found := self._next()) != token:
            raise self._error(f"expected {token!r}, found {found!r}")

    def _any(self) -> _Test:
        return self._chain("OR", self._all, any)

    def _all(self) -> _Test:
        return self._chain("AND", self._one, all)

    def _chain(
        self, word: str, part: Callable[[], _Test], combine: Callable[[Iterable[bool]], bool]
    ) -> _Test:
        tests = [part()]
        while self._peek() == word:
            self._at += 1
            tests.append(part())
        if len(tests) == 1:
            return tests[0]
        return lambda states: combine(test(states) for test in tests)

    def _one(self) -> _Test:
        token = self._next()
        if token == "NOT":  # noqa: S105 - tokens of a grammar
            inner = self._one()
            return lambda states: not inner(states)
        if token == "(":  # noqa: S105
            inner = self._any()
            self._expect(")")
            return inner
        if token in ("TRUE", "FALSE"):
            value = token == "TRUE"  # noqa: S105
            return lambda _: value
        if token == "AT_LEAST":  # noqa: S105
            return self._at_least()
        if token in STATES:
            self._expect("(")
            name = self._name()
            self._expect(")")
            return lambda states: states[name] == token
        raise self._error(f"unexpected {token!r}")

    def _name(self) -> str:
        token = self._next()
        name = token[1:-1] if token[0] in "\"'" else token
        if not name or name in ("(", ")", ","):
            raise self._error(f"expected an alarm's name or ARN, found {token!r}")
        name = name.rpartition(":alarm:")[2]
        self._children.append(name)
        return name

    def _at_least(self) -> _Test:
        self._expect("(")
        amount = self._next()
        self._expect(",")
        negated = self._peek() == "NOT"
        if negated:
            self._at += 1
        if (state := self._next()) not in STATES:
            raise self._error(f"expected a state, found {state!r}")
        self._expect(",")
        self._expect("(")
        names = [self._name()]
        while (token := self._next()) == ",":
            names.append(self._name())
        if token != ")":  # noqa: S105
            raise self._error(f"expected ')', found {token!r}")
        self._expect(")")
        needed = self._count(amount, names)
        return lambda states: (
            sum((states[name] == state) is not negated for name in names) >= needed
        )

    def _count(self, amount: str, names: Sequence[str]) -> int:
        if not re.fullmatch(r"\d+%?", amount):
            raise self._error(f"AT_LEAST needs a count or a percentage, not {amount!r}")
        if amount.endswith("%"):
            return math.ceil(int(amount[:-1]) * len(names) / 100)
        return int(amount)
