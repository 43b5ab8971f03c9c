"""The automatic scaling of the gateway's desired count: held while a release is active."""

from __future__ import annotations

from typing import Any

from canary.aws.task_sets import Service

__all__ = ["Capacity"]

_NAMESPACE = "ecs"
_DIMENSION = "ecs:service:DesiredCount"


class Capacity:
    """The scalable target of one service."""

    def __init__(self, client: Any, service: Service) -> None:
        self._client = client
        self._resource = f"service/{service.cluster}/{service.gateway_service}"

    def hold(self, *, held: bool) -> bool:
        """Let tasks be added only (`held`), or taken away too; say whether that was changed.

        Raises `LookupError` when nothing scales the service.
        """
        answer = self._client.describe_scalable_targets(
            ServiceNamespace=_NAMESPACE,
            ResourceIds=[self._resource],
            ScalableDimension=_DIMENSION,
        )
        if not answer["ScalableTargets"]:
            raise LookupError(f"{self._resource} is no scalable target")
        now = answer["ScalableTargets"][0].get("SuspendedState") or {}
        if bool(now.get("DynamicScalingInSuspended")) == held:
            return False
        self._client.register_scalable_target(
            ServiceNamespace=_NAMESPACE,
            ResourceId=self._resource,
            ScalableDimension=_DIMENSION,
            SuspendedState={"DynamicScalingInSuspended": held},
        )
        return True
