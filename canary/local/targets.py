"""Who answers behind each target group: the one table that tasks write and load balancers read."""

from __future__ import annotations

import threading
from typing import Any, Literal

from moto.elbv2.models import ELBv2Backend, FakeHealthStatus, FakeTargetGroup

from canary.local.patches import Patches

__all__ = ["State", "Targets"]

State = Literal["initial", "healthy", "unhealthy", "draining"]
Address = tuple[str, int]


class Targets:
    """Registered addresses and their health, by target group ARN."""

    def __init__(self) -> None:
        self._groups: dict[str, dict[Address, State]] = {}
        self._lock = threading.Lock()

    def targets(self, target_group_arn: str) -> list[tuple[str, int, State]]:
        """Host, port and state of each registered target."""
        with self._lock:
            group = self._groups.get(target_group_arn, {})
            return [(host, port, state) for (host, port), state in group.items()]

    def set(self, target_group_arn: str, address: Address, state: State) -> None:
        """Register a target or change its state."""
        with self._lock:
            self._groups.setdefault(target_group_arn, {})[address] = state

    def remove(self, target_group_arn: str, address: Address) -> None:
        """Forget a target; an unknown one is no error."""
        with self._lock:
            self._groups.get(target_group_arn, {}).pop(address, None)

    def install(self, patches: Patches) -> None:
        """Let `DescribeTargetHealth` answer from this table."""
        _describe_real_health(patches, self)
        _register_the_template_s_targets(patches)


def _describe_real_health(patches: Patches, table: Targets) -> None:
    """Moto knows no target that nobody registered through its API, and invents their health."""
    original = ELBv2Backend.describe_target_health

    def describe_target_health(
        self: ELBv2Backend, target_group_arn: str, targets: list[dict[str, Any]]
    ) -> list[FakeHealthStatus]:
        if target_group_arn not in self.target_groups:
            return list(original(self, target_group_arn, targets))
        wanted = {(each["Id"], str(each.get("Port", ""))) for each in targets}
        return [
            FakeHealthStatus(host, str(port), str(port), state)
            for host, port, state in table.targets(target_group_arn)
            if not wanted or (host, str(port)) in wanted or (host, "") in wanted
        ]

    patches.set(ELBv2Backend, "describe_target_health", describe_target_health)


def _register_the_template_s_targets(patches: Patches) -> None:
    """Moto leaves out the targets that a template lists, such as a load balancer's ARN."""
    original = FakeTargetGroup.create_from_cloudformation_json

    def create_from_cloudformation_json(
        _cls: type[FakeTargetGroup],
        /,
        resource_name: str,
        cloudformation_json: Any,
        account_id: str,
        region_name: str,
        **named: Any,
    ) -> FakeTargetGroup:
        made = original(resource_name, cloudformation_json, account_id, region_name, **named)
        made.register(cloudformation_json["Properties"].get("Targets") or [])
        return made

    patches.set(
        FakeTargetGroup,
        "create_from_cloudformation_json",
        classmethod(create_from_cloudformation_json),
    )
