"""What statistics refuse, in one place: each error names the argument and the value.

Most functions take scalars or arrays, and refuse the whole call when one element is impossible:
a NaN that is let in comes out as a decision. `require_*` are for single numbers on hot paths.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Values",
    "above_zero",
    "counts",
    "finite",
    "fraction",
    "not_negative",
    "ordered",
    "probabilities",
    "require_finite",
    "require_fraction",
    "require_not_negative",
    "rising",
    "same_length",
    "unit_interval",
]

Values = NDArray[np.float64]
"""One number or many; a result is as many as its arguments broadcast to."""


_NOT_FINITE = "is not a finite number"
_NEGATIVE = "is negative"
_NOT_FRACTION = "is not between 0 and 1"


def require_finite(**numbers: float) -> None:
    """Raises `ValueError`, naming the argument, for the first that is NaN or infinite."""
    for name, number in numbers.items():
        if not math.isfinite(number):
            raise ValueError(f"{name}: {number} {_NOT_FINITE}")


def require_not_negative(**numbers: float) -> None:
    """Finite and at least 0."""
    for name, number in numbers.items():
        require_finite(**{name: number})
        if number < 0:
            raise ValueError(f"{name}: {number} {_NEGATIVE}")


def require_fraction(**numbers: float) -> None:
    """Above 0 and below 1."""
    for name, number in numbers.items():
        if not 0 < number < 1:
            raise ValueError(f"{name}: {number} {_NOT_FRACTION}")


def finite(name: str, value: ArrayLike) -> Values:
    """The argument as float64; raises `ValueError` when it is no number, NaN or infinite."""
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as problem:
        raise ValueError(f"{name}: {value!r} is not a number") from problem
    _refuse(name, array, ~np.isfinite(array), _NOT_FINITE)
    return array


def not_negative(name: str, value: ArrayLike) -> Values:
    """Finite and at least 0."""
    array = finite(name, value)
    _refuse(name, array, array < 0, _NEGATIVE)
    return array


def above_zero(name: str, value: ArrayLike) -> Values:
    """Finite and above 0."""
    array = finite(name, value)
    _refuse(name, array, array <= 0, "is not above 0")
    return array


def fraction(name: str, value: ArrayLike) -> Values:
    """Above 0 and below 1: a confidence, an alpha, a share that leaves something to chance."""
    array = finite(name, value)
    _refuse(name, array, (array <= 0) | (array >= 1), _NOT_FRACTION)
    return array


def unit_interval(name: str, value: ArrayLike) -> Values:
    """From 0 to 1, both included: a probability, a rate."""
    array = finite(name, value)
    _refuse(name, array, (array < 0) | (array > 1), "is outside 0 to 1")
    return array


def counts(x_name: str, x: ArrayLike, n_name: str, n: ArrayLike) -> tuple[Values, Values]:
    """Events among trials: n above 0 and x from 0 to n. They may be effective, so not whole."""
    trials = finite(n_name, n)
    _refuse(n_name, trials, trials < 0, _NEGATIVE)
    _refuse(n_name, trials, trials == 0, "leaves the arm empty")
    events = not_negative(x_name, x)
    wide, against = np.broadcast_arrays(events, trials)
    _refuse(x_name, wide, wide > against, f"is more than {n_name}")
    return events, trials


def rising(name: str, values: Sequence[float]) -> list[float]:
    """At least one number, the first above 0, each above the one before."""
    numbers = [float(x) for x in finite(name, values).ravel()]
    if not numbers:
        raise ValueError(f"{name}: is empty")
    if numbers[0] <= 0 or any(b <= a for a, b in itertools.pairwise(numbers)):
        raise ValueError(f"{name}: {numbers} does not rise from above 0")
    return numbers


def ordered(name: str, values: ArrayLike) -> Values:
    """A sample, smallest first, with at least one observation."""
    array = finite(name, values)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name}: needs at least one observation, in one dimension")
    if np.any(np.diff(array) < 0):
        raise ValueError(f"{name}: the smallest must come first")
    return array


def probabilities(name: str, values: ArrayLike) -> Values:
    """A vector of p-values, possibly empty."""
    array = unit_interval(name, values)
    if array.ndim < 1:
        raise ValueError(f"{name}: {array} is not a list")
    return array


def same_length(**arguments: Sequence[float] | Values) -> None:
    """Raises `ValueError` unless all have as many elements, at least one."""
    sizes = {name: len(values) for name, values in arguments.items()}
    if len(set(sizes.values())) != 1 or 0 in sizes.values():
        raise ValueError(f"{', '.join(sizes)}: as many of each, and at least one ({sizes})")


def _refuse(name: str, array: Values, bad: NDArray[np.bool_], why: str) -> None:
    if np.any(bad):
        raise ValueError(f"{name}: {array[bad].flat[0]} {why}")
