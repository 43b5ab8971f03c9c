"""One door from the gold vectors' words to `canary.statistics`: `evaluate(function, inputs)`.

Undefined cases raise `ValueError` or answer {"error_or_inconclusive": True}. The vectors call the
canary "treatment", put NaN as a string, and name arguments as their sources do.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tests.gold import bandits, many, rates, samples, sequential, sizes, strata, units
from tests.gold.words import UNDEFINED

__all__ = ["UNDEFINED", "evaluate"]

_NUMBERS = {"nan": math.nan, "inf": math.inf, "+inf": math.inf, "-inf": -math.inf}
_FUNCTIONS = {
    **rates.FUNCTIONS,
    **sizes.FUNCTIONS,
    **samples.FUNCTIONS,
    **sequential.FUNCTIONS,
    **many.FUNCTIONS,
    **strata.FUNCTIONS,
    **units.FUNCTIONS,
    **bandits.FUNCTIONS,
}


def evaluate(function: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """The outputs of one gold function, as plain JSON values; never a NaN or an infinity.

    Raises `ValueError` for an unknown function, a missing or impossible input.
    """
    if function not in _FUNCTIONS:
        raise ValueError(f"function: {function!r} is none of {', '.join(sorted(_FUNCTIONS))}")
    try:
        # Every NaN would come with a warning; what is undefined is found below.
        with np.errstate(all="ignore"):
            found = _plain(_FUNCTIONS[function](_numbers(inputs)))
    except KeyError as problem:
        raise ValueError(f"{problem.args[0]}: is missing") from problem
    except (TypeError, AttributeError, ArithmeticError, IndexError) as problem:
        raise ValueError(f"inputs: {problem}") from problem
    clean = _without_infinities(found)
    return clean if clean == found else {**clean, UNDEFINED: True}


def _numbers(value: Any) -> Any:
    """Strings that stand for floats JSON does not know become these floats."""
    if isinstance(value, str):
        word = value.strip().lower().replace("infinity", "inf")
        return _NUMBERS.get(word, value)
    if isinstance(value, Mapping):
        return {key: _numbers(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_numbers(item) for item in value]
    return value


def _plain(value: Any) -> Any:
    """Numpy's numbers and arrays as Python's."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _without_infinities(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: _without_infinities(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_infinities(item) for item in value]
    return value
