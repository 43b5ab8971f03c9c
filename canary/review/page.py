"""The whole page: one Markdown document for the person who approves a set of templates."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from canary.policy.compiled import CompiledPolicy
from canary.review.access import access_blocks, resource_blocks
from canary.review.alarms import alarm_blocks
from canary.review.assembly import Assembly, Region
from canary.review.blocks import Block, fold, items
from canary.review.deployment import change_block
from canary.review.findings import acknowledgement_block, finding_lines
from canary.review.names import Names
from canary.review.plan import plan_blocks
from canary.review.public import public_block
from canary.review.schemas import Schemas
from canary.review.summary import summary_block

__all__ = ["review_page"]

_Part = tuple[str, Callable[[Region, Names], Sequence[Block]]]
_PARTS: tuple[_Part, ...] = (
    ("The release", lambda region, _: _plan(region)),
    ("Alarms", alarm_blocks),
    ("Open to others", lambda region, names: (public_block(region, names),)),
    ("Roles", access_blocks),
    ("Policies on resources", resource_blocks),
    ("Accepted findings", lambda region, _: (acknowledgement_block(region),)),
)


def review_page(
    head: Assembly,
    base: Assembly | None = None,
    *,
    schemas: Callable[[str], Schemas] | None = None,
) -> str:
    """The page for `head`; with `base`, what a deployment over it would change comes first.

    `schemas` gives a region's resource schemas and is needed with `base`. A region after the first
    tells only what differs from the first.
    """
    first, *_others = head.regions
    pages = [f"# Review of {len(head.regions)} regions", _findings(head)]
    if base is not None:
        assert schemas
        pages.append(_changes(head, base, schemas))
    pages += [_region(region, first) for region in head.regions]
    return "\n\n".join(pages) + "\n"


def _findings(head: Assembly) -> str:
    return f"## Findings of the checks\n\n{finding_lines(head)}"


def _changes(head: Assembly, base: Assembly, schemas: Callable[[str], Schemas]) -> str:
    before = {region.name: region for region in base.regions}
    first, *others = head.regions
    blocks = {
        region.name: (change_block(before.get(region.name), region, schemas(region.name)),)
        for region in head.regions
    }
    parts = ["## Changes against the base", f"### {first.name}\n\n{blocks[first.name][0].body}"]
    for region in others:
        told = fold(blocks[region.name], blocks[first.name], region.name, first.name)
        same = told[0].title != "Changes"
        body = f"The same as in {first.name}." if same else told[0].body
        parts.append(f"### {region.name}\n\n{body}")
    gone = sorted(set(before) - {region.name for region in head.regions})
    if gone:
        parts.append(
            items(
                [
                    f"**{name} is no longer in the policy**; its stacks stay until they are "
                    "deleted by hand"
                    for name in gone
                ]
            )
        )
    return "\n\n".join(parts)


def _region(region: Region, first: Region) -> str:
    names, first_names = Names(region), Names(first)
    parts = [f"## {region.name}", summary_block(region).body]
    for title, make in _PARTS:
        blocks = tuple(make(region, names))
        if region is not first:
            blocks = fold(blocks, tuple(make(first, first_names)), region.name, first.name)
        parts.append(f"### {title}\n\n{_written(blocks)}")
    return "\n\n".join(parts)


def _written(blocks: Sequence[Block]) -> str:
    return "\n\n".join(f"#### {each.title}\n\n{each.body}" for each in blocks) or "None."


def _plan(region: Region) -> tuple[Block, ...]:
    if region.policy is None:
        return (Block("Policy", "The templates carry no policy."),)
    return plan_blocks(CompiledPolicy.from_json(region.policy))
