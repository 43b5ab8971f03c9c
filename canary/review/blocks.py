"""What a page is made of: a title with its lines, and regions that say the same told once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Block", "cell", "fold", "items", "table"]

_FEW = 8


@dataclass(frozen=True)
class Block:
    """A heading and what stands below it, as Markdown."""

    title: str
    body: str


def items(lines: Sequence[str], nothing: str = "None.") -> str:
    """A list, or the words for an empty one."""
    return "\n".join(f"- {line}" for line in lines) or nothing


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], nothing: str = "None.") -> str:
    """A Markdown table, or the words for an empty one."""
    if not rows:
        return nothing
    lines = [heads, ["---"] * len(heads), *([cell(each) for each in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(text: str) -> str:
    """Text that stays in its cell."""
    return text.replace("|", "\\|").replace("\n", " ")


def fold(
    blocks: Sequence[Block], first: Sequence[Block], region: str, first_region: str
) -> tuple[Block, ...]:
    """The blocks that differ from the first region's, and a line that names the others.

    Where only the region's own name differs, a block says the same.
    """
    known = {each.title: _neutral(each.body, first_region) for each in first}
    kept = [each for each in blocks if known.get(each.title) != _neutral(each.body, region)]
    same = [each.title for each in blocks if each not in kept]
    gone = [each.title for each in first if each.title not in {other.title for other in blocks}]
    if gone:
        kept.append(Block(f"Only in {first_region}", ", ".join(gone) + "."))
    if same:
        few = ", ".join(same) if len(same) <= _FEW else f"{len(same)} parts"
        kept.append(Block(f"The same as in {first_region}", f"{few}."))
    return tuple(kept)


def _neutral(text: str, region: str) -> str:
    return text.replace(region, "<region>").replace(region.replace("-", ""), "<region>")
