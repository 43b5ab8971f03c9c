"""What every part of the policy has in common: no unknown key, no change, no guessing of types."""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Fraction", "Many", "Name", "Part", "Positive"]

T = TypeVar("T")

Many = Annotated[tuple[T, ...], Field(strict=False)]
"""An array of the file."""
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$", max_length=40)]
"""A lower-case name: letters, digits, `_`, `-`."""
Fraction = Annotated[float, Field(gt=0, lt=1)]
"""Between 0 and 1, both excluded."""
Positive = Annotated[float, Field(gt=0)]
"""Above 0."""


class Part(BaseModel):
    """A table of the policy. A field's description says what would be right there."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
