"""`docs/reference/permissions.md`: who may do what, as the templates have it."""

from __future__ import annotations

from canary.review.access import access_blocks, resource_blocks
from canary.review.assembly import Assembly
from canary.review.blocks import fold
from canary.review.names import Names

__all__ = ["permissions_page"]

_HEAD = """# Permissions

Generated from the templates by `canary review --permissions`; `make permissions` writes it anew.
Each role with what it may do, then each resource that has a policy of its own.
`{account}` is the account a region is deployed to, `{asset}` the digest of one of its files.
"""


def permissions_page(assembly: Assembly) -> str:
    """Every statement of the first region, and what differs in the others."""
    first, *others = assembly.regions
    names = Names(first)
    roles, resources = access_blocks(first, names), resource_blocks(first, names)
    parts = [_HEAD, f"## Roles in {first.name}"]
    parts += [f"### {each.title}\n\n{each.body}" for each in roles]
    parts.append(f"## Policies on resources in {first.name}")
    parts += [f"### {each.title}\n\n{each.body}" for each in resources]
    for region in others:
        known = Names(region)
        blocks = (
            *fold(access_blocks(region, known), roles, region.name, first.name),
            *fold(resource_blocks(region, known), resources, region.name, first.name),
        )
        parts.append(f"## {region.name}")
        parts += [f"### {each.title}\n\n{each.body}" for each in blocks]
    return "\n\n".join(part.strip() for part in parts) + "\n"
