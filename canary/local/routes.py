"""What a load balancer decides: listener rules, weighted target groups, healthy targets.

Pure: no sockets. A configuration is built whole from plain values and swapped in one step, so a
change of rules never disturbs a request under way.
"""

from __future__ import annotations

import functools
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

__all__ = [
    "Action",
    "Configuration",
    "FixedResponse",
    "Forward",
    "Headers",
    "Listener",
    "Redirect",
    "Rule",
    "Target",
    "TargetGroup",
    "UnsupportedRouteError",
    "parse_action",
    "parse_conditions",
]

TargetState = Literal["initial", "healthy", "unhealthy", "draining"]


class Headers(Protocol):
    """A request's headers."""

    def get(self, name: str) -> str | None:
        """A header's value by its name in small letters."""


class UnsupportedRouteError(ValueError):
    """A condition or an action of a listener that the load balancer does not do."""


@dataclass(frozen=True)
class FixedResponse:
    """An answer of the load balancer itself."""

    status: int
    content_type: str = "text/plain"
    body: str = ""


@dataclass(frozen=True)
class Redirect:
    """A redirect; `#{protocol}`, `#{host}`, `#{port}`, `#{path}`, `#{query}` are filled in."""

    status: int
    protocol: str
    host: str
    port: str
    path: str
    query: str

    def location(self, *, host: str, port: int, path: str, query: str) -> str:
        """Where a request is sent."""
        parts = {"protocol": "http", "host": host, "port": str(port), "path": path[1:]}
        parts["query"] = query

        def fill(text: str) -> str:
            return re.sub(r"#\{(\w+)\}", lambda match: parts[match[1]], text)

        location = (
            f"{fill(self.protocol).lower()}://{fill(self.host)}:{fill(self.port)}{fill(self.path)}"
        )
        return location + (f"?{asked}" if (asked := fill(self.query)) else "")


@dataclass(frozen=True)
class Forward:
    """A weighted choice of target groups (ARN, weight), made for each request."""

    weights: tuple[tuple[str, int], ...]

    def choose(self, random_source: random.Random) -> str | None:
        """A target group's ARN, None when every weight is 0."""
        total = sum(weight for _, weight in self.weights)
        if total <= 0:
            return None
        mark = random_source.random() * total
        for arn, weight in self.weights:
            mark -= weight
            if mark < 0:
                return arn
        return next(arn for arn, weight in reversed(self.weights) if weight > 0)


Action = FixedResponse | Redirect | Forward


@dataclass(frozen=True)
class Condition:
    """One condition: a header's value or the path, against patterns with `*` and `?`."""

    header: str
    patterns: tuple[re.Pattern[str], ...]

    def holds(self, path: str, headers: Headers) -> bool:
        """Whether any pattern matches; an empty `header` stands for the path."""
        value = headers.get(self.header) if self.header else path
        return value is not None and any(pattern.fullmatch(value) for pattern in self.patterns)


@dataclass(frozen=True)
class Rule:
    """Conditions that must all hold, and what happens then."""

    conditions: tuple[Condition, ...]
    action: Action


@dataclass(frozen=True)
class Listener:
    """One port of one load balancer: rules by priority, then the default action."""

    arn: str
    balancer: str
    rules: tuple[Rule, ...]
    default: Action
    timeout: float = 60.0
    """Idle time-out of the load balancer, real seconds."""

    def action(self, path: str, headers: Headers) -> Action:
        """What happens to a request."""
        for rule in self.rules:
            if all(condition.holds(path, headers) for condition in rule.conditions):
                return rule.action
        return self.default


@dataclass(frozen=True)
class Target:
    """A task's socket and what the region knows of its health."""

    host: str
    port: int
    state: TargetState = "healthy"


class TargetGroup:
    """The targets of one group, taken in turn."""

    def __init__(self, targets: Sequence[Target], turn: int = 0) -> None:
        self.targets = tuple(targets)
        self.turn = turn

    def pick(self, *, avoid: Target | None = None) -> Target | None:
        """The next healthy target, or any registered one when none is healthy (fail open).

        Draining targets get nothing new. `avoid` is passed over when there is another; None means
        that no target is registered.
        """
        registered = [target for target in self.targets if target.state != "draining"]
        usable = [target for target in registered if target.state == "healthy"] or registered
        usable = [target for target in usable if target != avoid] or usable
        if not usable:
            return None
        self.turn += 1
        return usable[self.turn % len(usable)]


@dataclass(frozen=True)
class Configuration:
    """Everything the load balancers of a region do, at one moment."""

    listeners: Mapping[str, Listener]
    groups: Mapping[str, TargetGroup]

    @classmethod
    def from_dict(
        cls, value: Mapping[str, Any], before: Configuration | None = None
    ) -> Configuration:
        """Read what `load_balancer_control` writes; groups go on where they were `before`.

        Raises `UnsupportedRouteError`.
        """
        listeners = {
            each["arn"]: Listener(
                arn=each["arn"],
                balancer=each["balancer"],
                rules=tuple(
                    Rule(parse_conditions(rule["conditions"]), parse_action(rule["actions"]))
                    for rule in each["rules"]
                ),
                default=parse_action(each["default"]),
                timeout=each["timeout"],
            )
            for each in value["listeners"]
        }
        known = before.groups if before else {}
        groups = {
            arn: TargetGroup(
                [Target(*target) for target in targets], known[arn].turn if arn in known else 0
            )
            for arn, targets in value["groups"].items()
        }
        return cls(listeners, groups)


def parse_conditions(conditions: Sequence[Mapping[str, Any]]) -> tuple[Condition, ...]:
    """A rule's conditions in the API's shape: `http-header` and `path-pattern`, nothing else."""
    return tuple(_condition(condition) for condition in conditions)


def _condition(condition: Mapping[str, Any]) -> Condition:
    field_name = condition.get("Field")
    if field_name == "http-header":
        config = condition["HttpHeaderConfig"]
        patterns = (_pattern(each, re.IGNORECASE) for each in config["Values"])
        return Condition(config["HttpHeaderName"].lower(), tuple(patterns))
    if field_name == "path-pattern":
        values = condition.get("Values") or condition["PathPatternConfig"]["Values"]
        return Condition("", tuple(_pattern(each, 0) for each in values))
    raise UnsupportedRouteError(f"a listener rule's condition on {field_name!r} is not supported")


@functools.lru_cache(maxsize=512)
def _pattern(text: str, flags: int) -> re.Pattern[str]:
    translated = "".join({"*": ".*", "?": "."}.get(each, re.escape(each)) for each in text)
    return re.compile(translated, flags | re.DOTALL)


def parse_action(actions: Sequence[Mapping[str, Any]]) -> Action:
    """A rule's one action in the API's shape: forward, fixed-response or redirect."""
    if len(actions) != 1:
        raise UnsupportedRouteError(f"{len(actions)} actions in one listener rule")
    (action,) = actions
    kind = action.get("Type")
    if kind == "forward":
        config = action.get("ForwardConfig") or {}
        if str((config.get("TargetGroupStickinessConfig") or {}).get("Enabled")).lower() == "true":
            raise UnsupportedRouteError("target group stickiness is not supported")
        groups = config.get("TargetGroups") or [
            {"TargetGroupArn": action["TargetGroupArn"], "Weight": 1}
        ]
        return Forward(
            tuple((each["TargetGroupArn"], int(each.get("Weight", 1))) for each in groups)
        )
    if kind == "fixed-response":
        config = action["FixedResponseConfig"]
        return FixedResponse(
            int(config["StatusCode"]),
            config.get("ContentType") or "text/plain",
            config.get("MessageBody") or "",
        )
    if kind == "redirect":
        config = action["RedirectConfig"]
        return Redirect(
            int(config["StatusCode"].removeprefix("HTTP_")),
            config.get("Protocol") or "#{protocol}",
            config.get("Host") or "#{host}",
            config.get("Port") or "#{port}",
            config.get("Path") or "/#{path}",
            config.get("Query") or "#{query}",
        )
    raise UnsupportedRouteError(f"a listener's action {kind!r} is not supported")
