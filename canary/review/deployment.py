"""The page's part on a deployment: what would be replaced and deleted, and what a release sees."""

from __future__ import annotations

from collections import Counter

from canary.review.assembly import Region
from canary.review.blocks import Block, table
from canary.review.changes import Change, compare
from canary.review.consequences import consequence
from canary.review.names import Names, counted, kind_words
from canary.review.schemas import Schemas

__all__ = ["change_block"]

_WEIGHTY = ("delete", "replace", "may replace")
_KINDS = ("replace", "may replace", "delete", "update", "add")


def change_block(base: Region | None, head: Region, schemas: Schemas) -> Block:
    """Every change but plain additions, the gravest first; additions are counted by type."""
    changes = compare(base, head, schemas)
    if not changes:
        return Block("Changes", "None.")
    names = {"old": Names(base) if base else None, "new": Names(head)}
    counts = Counter[str](change.kind for change in changes)
    summary = ", ".join(f"{counts[kind]} {_words(kind)}" for kind in _KINDS if counts[kind])
    told = sorted(
        (change for change in changes if change.kind != "add" or change.refusals),
        key=lambda each: (_KINDS.index(each.kind), not consequence(each)),
    )
    rows = [(_what(each), _which(each, names), _why(each), consequence(each)) for each in told]
    heads = ("change", "resource", "because", "a release under way")
    parts = [f"{summary[0].upper()}{summary[1:]}."]
    if guarded := sorted({each.stack.name for each in changes if _guards(each)}):
        parts.append(
            f"**{', '.join(guarded)}** wait for the release: their guard's digest is another one, "
            "so the update is refused while a release is active."
        )
    if rows:
        parts.append(table(heads, rows))
    added = Counter(kind_words(each.resource_type) for each in changes if each.kind == "add")
    if added:
        listed = ", ".join(counted(count, kind) for kind, count in sorted(added.items()))
        parts.append(f"Made: {listed}.")
    return Block("Changes", "\n\n".join(parts))


def _guards(change: Change) -> bool:
    """Whether this is the guard of its stack, which is asked when what it guards changes."""
    return change.resource_type.startswith("Custom::") and "Guard" in change.resource_type


def _words(kind: str) -> str:
    return {
        "replace": "replaced",
        "may replace": "possibly replaced",
        "delete": "deleted",
        "update": "changed in place",
        "add": "made",
    }[kind]


def _what(change: Change) -> str:
    words = _words(change.kind)
    return f"**{words}**" if change.kind in _WEIGHTY else words


def _which(change: Change, names: dict[str, Names | None]) -> str:
    reader = names["old"] if change.kind == "delete" else names["new"]
    assert reader
    return f"{change.stack.name}: {reader.label(change.stack, change.logical_id)}"


def _why(change: Change) -> str:
    parts = []
    if change.forced_by:
        needs = "needs" if change.kind == "replace" else "may need"
        parts.append(f"{', '.join(f'`{each}`' for each in change.forced_by)} {needs} a new one")
    elif change.properties:
        parts.append(", ".join(f"`{each}`" for each in change.properties))
    if change.kind in _WEIGHTY:
        parts.append("the old one stays (RETAIN)" if change.kept else "the old one is gone")
    parts += [f"**CloudFormation refuses: {each}**" for each in change.refusals]
    return "; ".join(parts)
