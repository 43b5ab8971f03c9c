"""Which listener answers on a load balancer's one port."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from canary.local.listeners import ways_in
from canary.local.routes import UnsupportedRouteError


def listener(port: int, kind: str = "forward", protocol: str = "HTTP", **data: str) -> Any:
    action = SimpleNamespace(type=kind, data=data)
    return SimpleNamespace(
        arn=f"listener-{port}",
        port=port,
        protocol=protocol,
        rules={"default": SimpleNamespace(priority="default", actions=[action])},
        default_actions=[action],
    )


def balancer(arn: str, *listeners: Any) -> Any:
    return SimpleNamespace(arn=arn, name=arn, listeners={each.arn: each for each in listeners})


def region(*balancers: Any, **groups: Any) -> Any:
    return SimpleNamespace(
        load_balancers={each.arn: each for each in balancers}, target_groups=groups
    )


def test_the_secure_listener_is_the_one_that_is_shown() -> None:
    """Beside a redirect and a test listener, 443 is what customers reach."""
    backend = region(balancer("public", listener(80, "redirect"), listener(443), listener(9000)))
    (way,) = ways_in(backend)
    assert (way.listener.port, way.socket_of, way.balancer.arn) == (443, "public", "public")


def test_a_network_load_balancer_leads_to_the_listener_behind_it() -> None:
    """Its port decides as the other's listener does, and the other counts the requests."""
    public = balancer("public", listener(443), listener(9000))
    entrance = balancer("entrance", listener(80, protocol="TCP", TargetGroupArn="group"))
    group = SimpleNamespace(targets={"public": {"Id": "public", "Port": 9000}})
    _, way = ways_in(region(public, entrance, group=group))
    assert (way.socket_of, way.arn) == ("entrance", "listener-80")
    assert (way.listener.port, way.balancer.arn) == (9000, "public")


def test_a_network_load_balancer_before_nothing_is_refused() -> None:
    """A port that no listener has would silently serve nobody."""
    public = balancer("public", listener(443))
    entrance = balancer("entrance", listener(80, protocol="TCP", TargetGroupArn="group"))
    group = SimpleNamespace(targets={"public": {"Id": "public", "Port": 9000}})
    with pytest.raises(UnsupportedRouteError, match="leads to no"):
        list(ways_in(region(public, entrance, group=group)))


def test_two_listeners_without_443_are_refused() -> None:
    """There is one port a load balancer, and no telling which listener was meant."""
    with pytest.raises(UnsupportedRouteError, match="more than one listener"):
        list(ways_in(region(balancer("odd", listener(8000), listener(9000)))))
