"""Reads the guardrails' metric math as Python, to ask it for numbers.

Independent of the embedded region's evaluator: what both say must agree.
"""

from __future__ import annotations

import math
import re
from typing import Any

PYTHON = {"IF": "choose", "FILL": "known", "AND": "and", "OR": "or", "^": "**"}


def evaluate(expression: str, **values: float) -> float:
    """The expression's value for one point of each metric."""
    names: dict[str, Any] = {
        "choose": lambda condition, yes, no: yes if condition else no,
        "known": lambda value, _filler: value,
        **values,
    }
    python = re.sub(r"\b(?:IF|FILL|AND|OR)\b|\^", lambda found: PYTHON[found[0]], expression)
    return float(eval(python, {"__builtins__": {}}, names))  # our own template's text


def wilson(events: float, trials: float, z: float) -> float:
    """Wilson's lower bound, written as the textbook has it."""
    share = events / trials
    centre = share + z * z / (2 * trials)
    spread = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return (centre - spread) / (1 + z * z / trials)
