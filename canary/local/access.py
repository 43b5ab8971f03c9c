"""Faults of permission: parameters that the region's tasks may no longer read."""

from __future__ import annotations

import json
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.ssm.responses import SimpleSystemManagerResponse

from canary.local.emulator import TASK_KEY
from canary.local.patches import Patches

__all__ = ["ParameterAccess"]


class ParameterAccess:
    """Which parameters are denied to tasks. Functions and the region itself read on."""

    def __init__(self) -> None:
        self._denied: set[str] = set()

    def deny_parameter(self, name: str) -> None:
        """Let `GetParameter` and `GetParameters` of this name fail for tasks."""
        self._denied.add(name)

    def allow_parameter(self, name: str) -> None:
        """Let tasks read the parameter again."""
        self._denied.discard(name)

    def check(self, access_key: str, body: str) -> None:
        """Raise AccessDenied when a task asks for a denied parameter."""
        if access_key != TASK_KEY or not self._denied:
            return
        request = json.loads(body or "{}")
        asked = {request.get("Name", ""), *request.get("Names", [])}
        for name in sorted(asked & self._denied):
            raise _AccessDeniedError(name)

    def install(self, patches: Patches) -> None:
        """Ask this table before every read of parameters."""
        for operation in ("get_parameter", "get_parameters"):
            original = getattr(SimpleSystemManagerResponse, operation)
            patches.set(SimpleSystemManagerResponse, operation, self._guarded(original))

    def _guarded(self, original: Any) -> Any:
        def read(response: SimpleSystemManagerResponse) -> Any:
            self.check(response.access_key, response.body)
            return original(response)

        return read


class _AccessDeniedError(JsonRESTError):
    def __init__(self, name: str) -> None:
        super().__init__(
            "AccessDeniedException",
            f"User is not authorized to perform: ssm:GetParameter on resource: parameter{name}",
        )
