"""HTML made of the document's own values: nothing dynamic reaches a page but through here.

Each value is written by the one formatter, inside an element that says where in the document it
stands (`data-path`) and in which kind it was written (`data-kind`), a number with its exact value.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from canary.report.figures import text_of

__all__ = ["Column", "Sheet", "more", "plot", "resolve"]

_WORDS = frozenset({"text", "yes"})
"""Kinds that are read from the left."""


def resolve(document: Any, path: str) -> Any:
    """The value at a dotted path such as `primary.looks.0.z`. Raises `KeyError`, `IndexError`."""
    for step in path.split("."):
        document = document[int(step)] if isinstance(document, list) else document[step]
    return document


@dataclass(frozen=True)
class Column:
    """One column of a table: the heading, the row's key, the kind its values are written in.

    `kind` of the form `@key` reads the kind from that key of the row. `marked` gives the cell the
    value as its class: verdicts are words first, and coloured only besides.
    """

    heading: str
    key: str
    kind: str = "text"
    marked: bool = False
    wide: bool = False

    @property
    def css(self) -> str:
        """The cells' class: numbers stand on the right."""
        if self.wide:
            return ' class="words"'
        return "" if self.kind in _WORDS or self.marked else ' class="n"'


class Sheet:
    """Writes parts of a page from one document."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    def at(self, path: str) -> Any:
        """The value at `path`."""
        return resolve(self.document, path)

    def figure(self, path: str, kind: str = "text", css: str = "") -> str:
        """One value with its place; a number also with its exact value."""
        value = self.at(path)
        marks = f' class="{html.escape(css)}"' if css else ""
        place = f'{marks} data-path="{html.escape(path)}" data-kind="{kind}"'
        said = html.escape(text_of(value, kind))
        if isinstance(value, int | float) and not isinstance(value, bool):
            return f'<data value="{json.dumps(value)}"{place}>{said}</data>'
        return f"<span{place}>{said}</span>"

    def facts(self, rows: Iterable[tuple[str, str, str]]) -> str:
        """A list of names and values: (name, path, kind) each."""
        items = "".join(
            f"<div><dt>{html.escape(name)}</dt><dd>{self.figure(path, kind)}</dd></div>"
            for name, path, kind in rows
        )
        return f"<dl>{items}</dl>"

    def table(
        self, path: str, columns: Sequence[Column], caption: str, *, empty: str = "None."
    ) -> str:
        """A row for each item of the list at `path`; the first column heads its row."""
        items = self.at(path)
        if not items:
            return f'<p class="sub">{html.escape(caption)}: {html.escape(empty)}</p>'
        head = "".join(
            f'<th scope="col"{column.css}>{html.escape(column.heading)}</th>' for column in columns
        )
        rows = "".join(
            f"<tr>{self._row(f'{path}.{index}', item, columns)}</tr>"
            for index, item in enumerate(items)
        )
        # A wide table scrolls by itself, by keyboard too, and never moves the page sideways.
        return (
            f'<div class="scroll" tabindex="0" role="region" aria-label="{html.escape(caption)}">'
            f"<table><caption>{html.escape(caption)}</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{rows}</tbody></table></div>"
        )

    def _row(self, path: str, item: Any, columns: Sequence[Column]) -> str:
        cells = []
        for number, column in enumerate(columns):
            kind = item[column.kind[1:]] if column.kind.startswith("@") else column.kind
            css = str(item[column.key]) if column.marked else ""
            said = self.figure(f"{path}.{column.key}", kind, css)
            tag, scope = ("th", ' scope="row"') if number == 0 else ("td", "")
            cells.append(f"<{tag}{scope}{column.css}>{said}</{tag}>")
        return "".join(cells)


def plot(svg: str, caption: str) -> str:
    """A plot with its caption; the table beside it has the numbers."""
    if not svg:
        return ""
    return f"<figure>{svg}<figcaption>{html.escape(caption)}</figcaption></figure>"


def more(summary: str, inner: str) -> str:
    """Something that opens on a click, and by itself in print."""
    return f"<details><summary>{html.escape(summary)}</summary>{inner}</details>"
