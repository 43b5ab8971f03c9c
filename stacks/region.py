"""One region as a CDK stage: its stacks, in the order in which they stand on each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import aws_cdk as cdk
from constructs import Construct

from canary.policy.compiled import CompiledPolicy
from stacks.api import Api
from stacks.constructs.logs_key import EncryptLogGroups
from stacks.dashboards import Dashboards
from stacks.gateway import Gateway
from stacks.guardrails import Guardrails
from stacks.names import GATEWAY_STACK, GUARDRAILS_STACK, TRAFFIC_STACK
from stacks.network import Network
from stacks.progression import Progression
from stacks.state import State
from stacks.tags import tag
from stacks.traffic import Traffic

__all__ = ["Region"]


class Region(cdk.Stage):
    """Everything that `cdk deploy '{region}/*'` brings to a region.

    `overview`, for the region that holds the global dashboard, are the policies of all regions.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        zones: Sequence[str],
        policy: CompiledPolicy,
        overview: Sequence[CompiledPolicy] = (),
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            env=cdk.Environment(region=policy.region),
        )
        network = Network(self, "Network", zones=zones, **_named("mangaassist-network"))
        cdk.Aspects.of(self).add(EncryptLogGroups(network.logs_key))
        state = State(self, "State", network=network, policy=policy, **_named("mangaassist-state"))
        traffic = Traffic(self, "Traffic", network=network, state=state, **_named(TRAFFIC_STACK))
        gateway = Gateway(
            self,
            "Gateway",
            network=network,
            state=state,
            traffic=traffic,
            policy=policy,
            **_named(GATEWAY_STACK),
        )
        api = Api(
            self,
            "Api",
            network=network,
            state=state,
            traffic=traffic,
            gateway=gateway,
            policy=policy,
            **_named("mangaassist-api"),
        )
        progression = Progression(
            self,
            "Progression",
            network=network,
            state=state,
            traffic=traffic,
            api=api,
            policy=policy,
            **_named("mangaassist-progression"),
        )
        Guardrails(
            self,
            "Guardrails",
            state=state,
            traffic=traffic,
            progression=progression,
            policy=policy,
            **_named(GUARDRAILS_STACK),
        )
        Dashboards(
            self,
            "Dashboards",
            traffic=traffic,
            policy=policy,
            overview=overview,
            **_named("mangaassist-dashboards"),
        )
        tag(self)


def _named(name: str) -> dict[str, Any]:
    """What each stack is given: its name, and that nobody deletes it by one command."""
    return {"stack_name": name, "termination_protection": True}
