"""What must hold of the days in which no test starts or ends."""

from __future__ import annotations

from collections.abc import Iterator

from canary.policy.checks.common import one_of
from canary.policy.model import ClosureRule, Region
from canary.policy.problem import Problem

__all__ = ["check_calendar"]

LONGEST_DAYS = 45
"""A longer closure is a typing error, or a year in which nothing can be released."""


def check_calendar(
    calendar: tuple[ClosureRule, ...], regions: tuple[Region, ...]
) -> Iterator[Problem]:
    """Each ends no earlier than it begins, within reason, in regions that exist."""
    known = {region.name for region in regions}
    for index, closure in enumerate(calendar):
        path = f"calendar[{index}]"
        days = (closure.last - closure.first).days + 1
        if not 1 <= days <= LONGEST_DAYS:
            expected = f"{closure.first} or up to {LONGEST_DAYS - 1} days later"
            yield Problem(f"{path}.last", closure.last.isoformat(), expected)
        for number, name in enumerate(closure.regions):
            if name not in known:
                expected = f"a region of the policy: {one_of(known)}"
                yield Problem(f"{path}.regions[{number}]", name, expected)
