"""The page's first lines on a region: its stacks, and what would be lost with them."""

from __future__ import annotations

from collections import Counter

from canary.review.assembly import Region, Stack
from canary.review.blocks import Block, table
from canary.review.names import counted, kind_words

__all__ = ["summary_block"]

_KEPT = ("Retain", "Snapshot", "RetainExceptOnCreate")


def summary_block(region: Region) -> Block:
    """A row a stack: how many resources, what stays when the stack is deleted, its protection."""
    rows = [
        (
            stack.name,
            f"`{stack.stack_name}`",
            str(len(stack.resources)),
            _kept(stack),
            "yes" if stack.protected else "no",
        )
        for stack in region.stacks
    ]
    heads = ("stack", "name", "resources", "stays when it is deleted", "termination protection")
    return Block("Stacks", table(heads, rows))


def _kept(stack: Stack) -> str:
    kinds = Counter(
        kind_words(each["Type"])
        for each in stack.resources.values()
        if each.get("DeletionPolicy") in _KEPT
    )
    return ", ".join(counted(count, kind) for kind, count in sorted(kinds.items())) or "nothing"
