"""What is known of a program while its values are followed: its files, and facts that only grow."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["ITEMS", "MOST", "Calls", "Class", "Function", "Mark", "Marks", "Program", "texts"]

Mark = tuple[str, ...]
Marks = frozenset[Mark]
Calls = dict[tuple[str, str], dict[str, set[str]]]
"""(service, method) to what each named argument may be; `${NAME}` is a variable of the environment,
and an argument of no text is empty."""
MOST = 200
"""Of texts that are put together, so many tell enough."""
ITEMS = {"Put", "Delete", "Update", "ConditionCheck"}
"""Keys that tell what an item of a transaction does."""
_OWN = ("canary", "services", "handler")


@dataclass
class Function:
    name: str
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    module: str
    owner: str = ""

    @property
    def positional(self) -> list[str]:
        arguments = self.node.args
        return [each.arg for each in (*arguments.posonlyargs, *arguments.args)]

    @property
    def rest(self) -> str:
        """Where further positional arguments go."""
        return self.node.args.vararg.arg if self.node.args.vararg else ""

    @property
    def parameters(self) -> list[str]:
        named = [each.arg for each in self.node.args.kwonlyargs]
        return [*self.positional, *named, *filter(None, [self.rest])]


@dataclass
class Class:
    name: str
    node: ast.ClassDef
    module: str

    @property
    def fields(self) -> list[str]:
        return [
            each.target.id
            for each in self.node.body
            if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
        ]

    def method(self, name: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
        for each in self.node.body:
            if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and each.name == name:
                return each
        return None


@dataclass
class Program:
    root: Path
    calls: Calls = field(default_factory=dict)
    trees: dict[str, ast.Module | None] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    classes: dict[str, Class] = field(default_factory=dict)
    reachable: dict[str, None] = field(default_factory=dict)
    facts: dict[Mark, Marks] = field(default_factory=lambda: defaultdict(frozenset))
    looking: set[Mark] = field(default_factory=set)
    reader: str = ""
    readers: dict[Mark, set[str]] = field(default_factory=lambda: defaultdict(set))
    waiting: dict[str, None] = field(default_factory=dict)
    defining: dict[str, dict[str, list[ast.stmt]]] = field(default_factory=dict)

    def tree(self, module: str) -> ast.Module | None:
        if module not in self.trees:
            place = self.root.joinpath(*module.split("."))
            files = (place.with_suffix(".py"), place / "__init__.py")
            file = next((each for each in files if each.is_file()), None)
            own = module.split(".", maxsplit=1)[0] in _OWN
            self.trees[module] = _parsed(file.read_text()) if file and own else None
        return self.trees[module]

    def definitions(self, module: str, name: str) -> list[ast.stmt]:
        """The statements of a module's top level that give `name` a meaning."""
        if module not in self.defining:
            found: dict[str, list[ast.stmt]] = defaultdict(list)
            tree = self.tree(module)
            for statement in tree.body if tree else ():
                for each in _names(statement):
                    found[each].append(statement)
            self.defining[module] = dict(found)
        return self.defining[module].get(name, [])

    def known(self, fact: Mark) -> Marks:
        """What is known of `fact`; whoever asks is read again when more is."""
        self.readers[fact].add(self.reader)
        return self.facts[fact]

    def learn(self, fact: Mark, marks: Iterable[Mark]) -> None:
        known = self.facts[fact]
        full = len(known) >= MOST  # of texts that are put together, a few tell enough
        more = {mark for mark in marks if mark not in known and not (full and mark[0] == "text")}
        if more:
            self.facts[fact] |= more
            self.waiting |= dict.fromkeys(self.readers[fact])

    def reach(self, function: Function) -> Mark:
        if function.name not in self.reachable:
            self.functions[function.name] = function
            self.reachable[function.name] = None
            self.waiting[function.name] = None
        return ("function", function.name)

    def record(self, service: str, method: str, arguments: dict[str, Marks]) -> None:
        known = self.calls.setdefault((service, method), {})
        for name, marks in arguments.items():
            known.setdefault(name, set()).update(texts(marks))
            known[name] |= {mark[1] for mark in marks if mark[0] == "item" and mark[1] in ITEMS}


def _parsed(text: str) -> ast.Module:
    """A module; what a function imports late is read as if the module did."""
    tree = ast.parse(text)
    imports = (each for each in ast.walk(tree) if isinstance(each, ast.Import | ast.ImportFrom))
    tree.body += [each for each in imports if each not in tree.body]
    return tree


def _names(statement: ast.stmt) -> set[str]:
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return {statement.name}
        case ast.Import() | ast.ImportFrom():
            return {each.asname or each.name for each in statement.names}
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return {name}
    return set()


def texts(marks: Marks) -> set[str]:
    return {mark[1] for mark in marks if mark[0] == "text"}
