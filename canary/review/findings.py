"""The page's part on the checks at synthesis: what they found, and what is accepted and why."""

from __future__ import annotations

from canary.review.assembly import Assembly, Region
from canary.review.blocks import Block, items, table

__all__ = ["acknowledgement_block", "finding_lines"]


def finding_lines(assembly: Assembly) -> str:
    """What a check reported and nobody accepted, or that nothing is."""
    if not assembly.checked:
        return "**Not checked:** the directory has no `validation-report.json` (`make synth`)."
    lines = [
        f"{each.check} **{each.rule}** at `{each.path}`: {each.description}"
        for each in assembly.findings
    ]
    return items(sorted(set(lines)), "None that is not acknowledged.")


def acknowledgement_block(region: Region) -> Block:
    """Each accepted finding with its reason; places that share both stand together."""
    places: dict[tuple[str, str], list[str]] = {}
    for stack in region.stacks:
        for each in stack.acknowledgements:
            path = each.path.removeprefix(f"/{region.name}/")
            places.setdefault((each.rule, each.reason), []).append(path)
    rows = [
        (f"`{rule}`", reason, ", ".join(f"`{path}`" for path in sorted(set(paths))))
        for (rule, reason), paths in sorted(places.items())
    ]
    return Block("Acknowledged findings", table(("finding", "accepted because", "at"), rows))
