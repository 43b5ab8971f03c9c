"""What a load balancer counts between two reports."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

__all__ = ["BalancerCounts", "Counts", "GroupCounts"]


@dataclass
class GroupCounts:
    """One target group behind one load balancer; latencies are real seconds by milliseconds."""

    requests: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    connection_errors: int = 0
    latency: dict[float, int] = field(default_factory=dict)
    last_request: float | None = None

    def answered(self, status: int, seconds: float) -> None:
        """The target answered with a status, first byte after `seconds`."""
        kind = f"{status // 100}XX"
        self.statuses[kind] = self.statuses.get(kind, 0) + 1
        rounded = round(seconds, 3)
        self.latency[rounded] = self.latency.get(rounded, 0) + 1

    def to_dict(self, now: float) -> dict[str, Any]:
        """Plain values; `idle` is real seconds since the last request."""
        return {
            "requests": self.requests,
            "statuses": self.statuses,
            "connection_errors": self.connection_errors,
            "latency": [[seconds, count] for seconds, count in self.latency.items()],
            "idle": None if self.last_request is None else now - self.last_request,
        }


@dataclass
class BalancerCounts:
    """What a load balancer answered itself, by status."""

    own: dict[int, int] = field(default_factory=dict)


class Counts:
    """Counts of all load balancers since the last `take`."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, str], GroupCounts] = {}
        self._balancers: dict[str, BalancerCounts] = {}

    def request(self, balancer: str, group: str) -> GroupCounts:
        """A request goes to a target group."""
        counts = self._groups.get((balancer, group))
        if counts is None:
            counts = self._groups[balancer, group] = GroupCounts()
        counts.requests += 1
        counts.last_request = time.monotonic()
        return counts

    def own(self, balancer: str, status: int) -> None:
        """The load balancer answers by itself."""
        own = self._balancers.setdefault(balancer, BalancerCounts()).own
        own[status] = own.get(status, 0) + 1

    def take(self) -> dict[str, Any]:
        """Everything counted as plain values, and begin anew."""
        now = time.monotonic()
        taken = {
            "groups": [
                {"balancer": balancer, "group": group, **counts.to_dict(now)}
                for (balancer, group), counts in self._groups.items()
            ],
            "balancers": [
                {"balancer": balancer, "own": list(map(list, counts.own.items()))}
                for balancer, counts in self._balancers.items()
            ],
        }
        self._groups, self._balancers = {}, {}
        return taken
