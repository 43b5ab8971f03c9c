"""Every gold vector, from R packages and published tables, through the one adapter."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from tests.gold_adapter import UNDEFINED, evaluate

VECTORS = json.loads((Path(__file__).parents[2] / "data/statistics.json").read_text())["vectors"]


def differences(found: Any, expected: Any, vector: dict[str, Any], at: str = "") -> list[str]:
    """Where two nested results differ by more than the vector's tolerance."""
    if isinstance(expected, dict):
        missing = [f"{at}.{key} is missing" for key in expected if key not in found]
        shared = [key for key in expected if key in found]
        below = (differences(found[key], expected[key], vector, f"{at}.{key}") for key in shared)
        return missing + [line for lines in below for line in lines]
    if isinstance(expected, list):
        if len(found) != len(expected):
            return [f"{at} has {len(found)} values, not {len(expected)}"]
        pairs = enumerate(zip(found, expected, strict=True))
        below = (differences(f, e, vector, f"{at}[{index}]") for index, (f, e) in pairs)
        return [line for lines in below for line in lines]
    if isinstance(expected, bool | str | None):
        return [] if found == expected else [f"{at} is {found}, not {expected}"]
    field = at.split(".")[1].split("[", maxsplit=1)[0]
    relative = vector.get("rtol_by_field", {}).get(field, vector["rtol"])
    close = abs(found - expected) <= vector["atol"] + relative * abs(expected)
    return [] if close else [f"{at} is {found}, not {expected}"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_vector(vector: dict[str, Any]) -> None:
    """Each value is within the vector's tolerance; what is undefined is refused or said to be."""
    expected = vector["expected"]
    if expected.get(UNDEFINED):
        try:
            found = evaluate(vector["function"], vector["inputs"])
        except ValueError:
            return
        assert found[UNDEFINED] is True
        return
    found = evaluate(vector["function"], vector["inputs"])
    assert not differences(found, expected, vector)
    assert all(math.isfinite(value) for value in found.values() if isinstance(value, float))


def test_there_are_as_many_vectors_as_were_handed_over() -> None:
    """A vector lost on the way would be a promise lost."""
    assert len(VECTORS) == 129
    assert len({vector["id"] for vector in VECTORS}) == 129


def test_an_unknown_function_is_named() -> None:
    """A misspelt function is no silent pass."""
    with pytest.raises(ValueError, match="function: 'z_tset'"):
        evaluate("z_tset", {})


def test_a_missing_input_is_named() -> None:
    """The error says which one."""
    with pytest.raises(ValueError, match="x_treatment: is missing"):
        evaluate("two_proportion_ztest_pooled", {"x_control": 1, "n_control": 2})
