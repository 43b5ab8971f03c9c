"""Reads a page as a machine: which elements there are, and which text stands where."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"meta", "link", "br", "hr", "img", "input"})
FOREIGN = ("svg", "style")
"""What has its own text: drawings (their numbers stand in the table beside) and style."""


@dataclass
class Figure:
    """One value on the page: where it stands in the document, how it is written, and what."""

    path: str
    kind: str
    value: str | None
    text: str = ""


@dataclass
class Page(HTMLParser):
    """What a page consists of. `unbalanced` holds each tag that was closed out of turn."""

    figures: list[Figure] = field(default_factory=list)
    loose: list[str] = field(default_factory=list)
    """Texts outside every figure, drawing and style."""
    ids: list[str] = field(default_factory=list)
    attributes: list[tuple[str, str, str]] = field(default_factory=list)
    unbalanced: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    _open: list[str] = field(default_factory=list)
    _figure: Figure | None = None

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in known.items()]
        if "id" in known:
            self.ids.append(known["id"])
        if tag not in VOID:
            self._open.append(tag)
        if "data-path" in known:
            self._figure = Figure(known["data-path"], known["data-kind"], known.get("value"))
            self.figures.append(self._figure)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.unbalanced.append(tag)
        if tag in ("data", "span"):
            self._figure = None

    def handle_data(self, data: str) -> None:
        if any(tag in self._open for tag in FOREIGN):
            return
        if self._figure is not None:
            self._figure.text += data
        else:
            self.loose.append(data)

    @property
    def left_open(self) -> list[str]:
        """Elements that were never closed."""
        return self._open


def read(page: str) -> Page:
    found = Page()
    found.feed(page)
    found.close()
    return found
