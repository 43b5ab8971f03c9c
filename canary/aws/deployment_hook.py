"""The answer that a deployment waits for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["DeploymentHook"]


class DeploymentHook:
    """CodeDeploy, as a lifecycle hook sees it."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def answer(self, event: Mapping[str, Any], *, passed: bool) -> None:
        """Let the deployment that `event` tells of go on, or fail."""
        self._client.put_lifecycle_event_hook_execution_status(
            deploymentId=event["DeploymentId"],
            lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
            status="Succeeded" if passed else "Failed",
        )
