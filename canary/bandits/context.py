"""What a contextual bandit knows of a question before it is answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from canary.statistics.validation import Values, unit_interval

__all__ = ["DIMENSION", "Context", "Language"]

Language = Literal["en", "ja", "other"]
DIMENSION = 5


@dataclass(frozen=True)
class Context:
    """Raises `ValueError` for a complexity outside 0 to 1 or another language."""

    complexity: float
    """Of the query, 0 to 1, by the caller's own measure."""
    language: Language
    prime: bool
    """The customer's tier."""

    def __post_init__(self) -> None:
        unit_interval("complexity", self.complexity)
        if self.language not in ("en", "ja", "other"):
            raise ValueError(f"language: {self.language!r} is not en, ja or other")

    def vector(self) -> Values:
        """Constant, complexity, Japanese, another language than both, Prime."""
        return np.array(
            [
                1.0,
                self.complexity,
                float(self.language == "ja"),
                float(self.language == "other"),
                float(self.prime),
            ]
        )
