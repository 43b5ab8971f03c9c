"""Which listener answers on the one port that each load balancer has on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from canary.local.routes import UnsupportedRouteError

__all__ = ["Way", "ways_in"]

_HTTPS = "443"


@dataclass(frozen=True)
class Way:
    """One port: whose socket it is, the listener that decides, and who counts its requests."""

    arn: str
    socket_of: str
    listener: Any
    balancer: Any


def ways_in(backend: Any) -> Iterator[Way]:
    """Every way into the region's load balancers, as the emulator's `backend` knows them.

    An application load balancer shows one listener: the one on 443 if it has several that do more
    than redirect. Another is reached through a network load balancer that stands before it.
    Raises `UnsupportedRouteError`.
    """
    for owner in list(backend.load_balancers.values()):
        listener = _shown(owner)
        if listener is None:
            continue
        balancer, decides = owner, listener
        if getattr(listener, "protocol", "") == "TCP":
            balancer, decides = _behind(backend, listener)
        yield Way(listener.arn, owner.arn, decides, balancer)


def _shown(owner: Any) -> Any | None:
    listeners = list(owner.listeners.values())
    if len(listeners) > 1:
        listeners = [each for each in listeners if not _only_redirects(each)]
    if len(listeners) > 1:
        listeners = [each for each in listeners if str(getattr(each, "port", "")) == _HTTPS]
        if len(listeners) != 1:
            raise UnsupportedRouteError(
                f"load balancer {owner.name!r} has more than one listener, and not one on 443"
            )
    return listeners[0] if listeners else None


def _behind(backend: Any, listener: Any) -> tuple[Any, Any]:
    """The load balancer and its listener that a TCP listener passes connections on to."""
    group = backend.target_groups[listener.default_actions[0].data["TargetGroupArn"]]
    for target in group.targets.values():
        balancer = backend.load_balancers.get(target["Id"])
        for each in balancer.listeners.values() if balancer else ():
            if str(each.port) == str(target["Port"]):
                return balancer, each
    raise UnsupportedRouteError(f"listener {listener.arn} leads to no load balancer's listener")


def _only_redirects(listener: Any) -> bool:
    return len(listener.rules) == 1 and all(
        action.type == "redirect" for action in listener.default_actions
    )
