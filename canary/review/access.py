"""The page's part on permissions: roles and the policies on resources, statement by statement."""

from __future__ import annotations

from canary.review.assembly import Region
from canary.review.blocks import Block, items
from canary.review.names import Names
from canary.review.sentences import sentence
from canary.review.statements import Holder, Statement, holders, on_resources

__all__ = ["access_blocks", "resource_blocks"]


def access_blocks(region: Region, names: Names) -> tuple[Block, ...]:
    """One block a role: who takes it, and what it may do."""
    return tuple(
        Block(f"{role.stack.name}: {role.name}", _role(role))
        for role in sorted(holders(region, names), key=lambda each: each.name)
    )


def resource_blocks(region: Region, names: Names) -> tuple[Block, ...]:
    """One block a resource that has a policy of its own."""
    merged: dict[str, list[Statement]] = {}
    for label, statements in on_resources(region, names):
        merged.setdefault(label, []).extend(statements)
    return tuple(Block(label, items(_sentences(each))) for label, each in merged.items())


def _role(role: Holder) -> str:
    who = ", ".join(f"`{each}`" for each in role.trusted)
    lines = [f"for {', '.join(role.used_by) or 'nothing in these templates'}; taken by {who}"]
    lines += [f"has all of `{arn}`" for arn in role.managed]
    return items([*lines, *_sentences(role.statements)])


def _sentences(statements: list[Statement] | tuple[Statement, ...]) -> list[str]:
    return sorted(dict.fromkeys(map(sentence, statements)))
