"""Which AWS calls a program makes, read from its code: values are followed, nothing is run.

A value is a set of marks: what it may be. Marks flow through assignments, arguments, attributes and
containers until nothing is added; branches are all taken, instances of a class are one. A call of
an SDK client's method is what is looked for, with what its arguments may be.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.stacks.program import MOST, Calls, Class, Function, Mark, Marks, Program, texts

__all__ = ["UNKNOWN", "Calls", "calls_of"]

UNKNOWN = "{?}"
"""Where a text has a part that only data knows."""
_NOTHING: Marks = frozenset()
_OF_TEXT = {
    *("strip", "rstrip", "lstrip", "removeprefix", "removesuffix", "replace", "split", "partition"),
    *("rpartition", "startswith", "endswith", "encode", "decode", "format", "join"),
}
"""A string's methods, whose arguments are no part of what they return."""


@cache
def calls_of(root: Path, module: str) -> Calls:
    """The calls that `module` below `root` may make, from its import and its functions on."""
    program = Program(root)
    tree = program.tree(module)
    assert tree is not None, module
    for each in tree.body:
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
            program.reach(Function(f"{module}.{each.name}", each, module))
    _Scope(program, module, {}).run(tree.body)
    while program.waiting:
        program.reader = name = next(iter(program.waiting))
        del program.waiting[name]
        if not name:  # the module's own body
            _Scope(program, module, {}).run(tree.body)
            continue
        function = program.functions[name]
        local = {each: program.known(("param", name, each)) for each in function.parameters}
        if function.owner and function.positional:
            local[function.positional[0]] = frozenset({("object", function.owner)})
        _Scope(program, function.module, local, name).run(function.node.body)
    return program.calls


@dataclass
class _Scope:
    """One function's body, or a module's top level."""

    program: Program
    module: str
    local: dict[str, Marks]
    function: str = ""

    def run(self, body: Iterable[ast.stmt]) -> None:
        for node in body:
            self.statement(node)

    def statement(self, node: Any) -> None:  # noqa: C901, PLR0912 - a case a kind of node
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() if self.function:
                self.run(node.body)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                return
            case ast.Assign(targets=targets, value=value):
                marks = self.value(value)
                for target in targets:
                    self.assign(target, marks)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self.assign(target, self.value(value))
            case ast.AugAssign(target=target, value=value):
                self.assign(target, self.value(value))
            case ast.For() | ast.AsyncFor():
                self.assign(node.target, self.value(node.iter))
                self.run((*node.body, *node.orelse))
            case ast.With() | ast.AsyncWith():
                for item in node.items:
                    marks = self.value(item.context_expr)
                    if item.optional_vars:
                        self.assign(item.optional_vars, marks)
                self.run(node.body)
            case ast.Return(value=ast.expr() as value):
                self.program.learn(("return", self.function), self.value(value))
            case _:
                for child in ast.iter_child_nodes(node):
                    if isinstance(child, ast.expr):
                        self.value(child)
                    else:
                        self.statement(child)

    def assign(self, target: ast.expr, marks: Marks) -> None:
        match target:
            case ast.Name(id=name):
                self.local[name] = self.local.get(name, _NOTHING) | marks
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                for part in parts:
                    self.assign(part, marks)
            case ast.Attribute(value=base, attr=name):
                owners = [mark[1] for mark in self.value(base) if mark[0] == "object"]
                for owner in owners or ["?"]:
                    self.program.learn(("attribute", owner, name), marks)

    def value(self, node: ast.expr | None) -> Marks:  # noqa: C901, PLR0911, PLR0912 - a case a kind of node
        match node:
            case ast.Constant(value=str() as text):
                return frozenset({("text", text)})
            case ast.Name(id=name):
                return self.local[name] if name in self.local else self.reference(name)
            case ast.Attribute(value=base, attr=name):
                return self.attribute(self.value(base), name)
            case ast.Call():
                return self.call(node)
            case ast.JoinedStr(values=parts):
                return frozenset({("text", text) for text in self.joined(parts)})
            case ast.Lambda():
                return self.value(node.body)
            case ast.Yield(value=ast.Dict(keys=keys, values=values)):
                # A lifespan's: each request finds them as attributes of its state.
                for key, each in zip(keys, values, strict=True):
                    if isinstance(key, ast.Constant):
                        self.program.learn(("attribute", "?", key.value), self.value(each))
                return _NOTHING
            case ast.Dict(keys=keys, values=values):
                marks = self.union(values)
                names = {key.value for key in keys if isinstance(key, ast.Constant)}
                return marks | {("item", name) for name in names if isinstance(name, str)}
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
                self.comprehended(node.generators)
                return self.value(node.elt)
            case ast.DictComp():
                self.comprehended(node.generators)
                return self.union([node.key, node.value])
            case ast.NamedExpr(target=target, value=value):
                marks = self.value(value)
                self.assign(target, marks)
                return marks
            case ast.Subscript(value=base, slice=index):
                self.value(index)
                return self.value(base)
            case ast.Compare():
                self.union(ast.iter_child_nodes(node))
                return _NOTHING
            case None:
                return _NOTHING
            case _:
                return self.union(ast.iter_child_nodes(node))

    def union(self, nodes: Iterable[Any]) -> Marks:
        found = [self.value(each) for each in nodes if isinstance(each, ast.expr)]
        return frozenset().union(*found)

    def comprehended(self, generators: Iterable[ast.comprehension]) -> None:
        for each in generators:
            self.assign(each.target, self.value(each.iter))
            self.union(each.ifs)

    def find(self, name: str) -> Marks:
        """What a name of this module's top level is."""
        program, module = self.program, self.module
        place = ("name", module, name)
        if place in program.looking:
            return _NOTHING
        program.looking.add(place)
        try:
            places = program.definitions(module, name)
            return frozenset(mark for each in places for mark in self.defined(name, each))
        finally:
            program.looking.discard(place)

    def defined(self, name: str, node: ast.stmt) -> Iterable[Mark]:
        full = f"{self.module}.{name}"
        found: Iterable[Mark] = ()
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() if node.name == name:
                self.program.functions.setdefault(full, Function(full, node, self.module))
                found = [("function", full)]
            case ast.ClassDef() if node.name == name:
                self.program.classes.setdefault(full, Class(full, node, self.module))
                found = [("class", full)]
            case ast.Import():
                found = [("module", a.name) for a in node.names if (a.asname or a.name) == name]
            case ast.ImportFrom():
                found = self.imported(node, name)
            case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                found = _Scope(self.program, self.module, {}).value(value)
            case ast.AnnAssign(target=ast.Name(id=target), value=value) if target == name:
                found = _Scope(self.program, self.module, {}).value(value)
        return found

    def imported(self, node: ast.ImportFrom, name: str) -> Iterator[Mark]:
        for alias in node.names:
            if (alias.asname or alias.name) == name and node.module:
                if self.program.tree(f"{node.module}.{alias.name}") is not None:
                    yield ("module", f"{node.module}.{alias.name}")
                elif node.module == "canary.aws.clients" and alias.name == "client":
                    yield ("make client",)
                elif node.module == "canary.aws.settings":
                    yield ("read settings",)
                else:
                    yield from _Scope(self.program, node.module, {}).find(alias.name)

    def reference(self, name: str) -> Marks:
        marks = self.find(name)
        for mark in marks:
            if mark[0] == "function":
                self.program.reach(self.program.functions[mark[1]])
        return marks

    def joined(self, parts: Iterable[ast.expr]) -> list[str]:
        choices = []
        for part in parts:
            if isinstance(part, ast.FormattedValue):
                choices.append(sorted(texts(self.value(part.value))) or [UNKNOWN])
            else:
                choices.append([part.value if isinstance(part, ast.Constant) else UNKNOWN])
        return [
            "".join(map(str, each)) for each in itertools.islice(itertools.product(*choices), MOST)
        ]

    def attribute(self, base: Marks, name: str) -> Marks:
        found: set[Mark] = set()
        known = False
        for mark in base:
            match mark:
                case ("object", owner):
                    known = True
                    found |= self.of_object(owner, name)
                case ("module", module):
                    known = True
                    found |= _Scope(self.program, module, {}).reference(name)
                case ("client", _) if name == "meta":
                    known = True  # what the SDK knows of the service: no call
                case ("client", service):
                    known = True
                    found.add(("method", service, name))
                case ("pages", service, method):
                    known = True
                    found.add(("method", service, method))
        if name == "create_client":
            found.add(("make client",))
        if not known:
            found |= self.program.known(("attribute", "?", name))
            found |= {mark for mark in base if mark[0] != "class"}
        return frozenset(found)

    def of_object(self, owner: str, name: str) -> Marks:
        declared = self.program.classes[owner]
        method = declared.method(name)
        if method is None:
            marks = self.program.known(("attribute", owner, name))
            if self.program.known(("settings", owner)) and name in declared.fields:
                marks |= {("text", f"${{{name.upper()}}}")}
            return marks
        function = Function(f"{owner}.{name}", method, declared.module, _owner(method, owner))
        self.program.reach(function)
        if any(isinstance(d, ast.Name) and d.id == "property" for d in method.decorator_list):
            return self.program.known(("return", function.name))
        return frozenset({("function", function.name)})

    def call(self, node: ast.Call) -> Marks:  # noqa: C901, PLR0912 - a case a kind of node
        callee = self.value(node.func)
        positional = [self.value(argument) for argument in node.args]
        named = {each.arg: self.value(each.value) for each in node.keywords if each.arg}
        for each in node.keywords:
            if each.arg is None:  # `**` of a dict: its keys are arguments, each may be any value
                marks = self.value(each.value)
                named |= {mark[1]: marks for mark in marks if mark[0] == "item"}
        found: set[Mark] = set()
        other = True
        for mark in callee:
            match mark:
                case ("make client",):
                    other = False
                    found |= {("client", text) for text in texts(positional[0])}
                case ("read settings",):
                    other = False
                    names = {each[1] for each in positional[0] if each[0] == "class"}
                    for each in names:
                        self.program.learn(("settings", each), {("read",)})
                    found |= {("object", each) for each in names}
                case ("class", name):
                    other = False
                    self.make(name, positional, named)
                    found.add(("object", name))
                case ("function", name):
                    other = False
                    function = self.program.functions[name]
                    self.program.reach(function)
                    self.bind(function, positional, named)
                    found |= self.program.known(("return", name))
                case ("method", service, "get_paginator"):
                    other = False
                    found |= {("pages", service, text) for text in texts(positional[0])}
                case ("method", service, method):
                    other = False
                    if method != "exceptions":
                        self.program.record(service, method, named)
        if other and isinstance(node.func, ast.Attribute) and node.func.attr in _OF_TEXT:
            found |= callee
        elif other:  # a builtin, or a container's own method
            found |= callee.union(*positional, *named.values())
        return frozenset(found)

    def make(self, name: str, positional: list[Marks], named: dict[str, Marks]) -> None:
        declared = self.program.classes[name]
        start = declared.method("__init__")
        if start:
            function = Function(f"{name}.__init__", start, declared.module, name)
            self.program.reach(function)
            self.bind(function, positional, named)
            return
        for key, marks in (*zip(declared.fields, positional, strict=False), *named.items()):
            self.program.learn(("attribute", name, key), marks)

    def bind(self, function: Function, positional: list[Marks], named: dict[str, Marks]) -> None:
        names = function.positional[1 if function.owner else 0 :]
        for key, marks in (*zip(names, positional, strict=False), *named.items()):
            self.program.learn(("param", function.name, key), marks)
        for marks in positional[len(names) :] if function.rest else ():
            self.program.learn(("param", function.name, function.rest), marks)


def _owner(method: ast.FunctionDef | ast.AsyncFunctionDef, owner: str) -> str:
    """The class whose instance is the first parameter; none for a static method."""
    static = any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in method.decorator_list)
    return "" if static else owner
