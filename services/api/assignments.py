"""The assignment parameter as this task last read it.

A task that cannot read it goes on with what it knows for a minute, then serves control: the domain
judges the age, this module only says when it read.
"""

from __future__ import annotations

import logging
import random
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from canary.aws import clock
from canary.routing.parameter import AssignmentParameter, ParameterView

__all__ = ["POLL_SECONDS", "AssignmentFeed"]

POLL_SECONDS = 5.0
JITTER_SECONDS = 0.5

_log = logging.getLogger("canary.api")


class AssignmentFeed:
    """Polls `{prefix}/assignment` and keeps the last readable value with its time."""

    def __init__(self, parameters: Any, prefix: str) -> None:
        self._parameters = parameters
        self._name = f"{prefix.rstrip('/')}/assignment"
        self._failing = False
        self.view = ParameterView(None)

    async def read(self) -> None:
        """Read once; on any failure the last view stays, and only the first failure is logged."""
        asked_at = clock.now()
        try:
            answer = await self._parameters.get_parameter(Name=self._name)
            parameter = AssignmentParameter.from_json(answer["Parameter"]["Value"])
        except (BotoCoreError, ClientError, OSError, TimeoutError, ValueError, TypeError) as error:
            if not self._failing:
                _log.warning("cannot read %s: %s", self._name, error)
            self._failing = True
            return
        if self._failing:
            _log.warning("%s can be read again", self._name)
        self._failing = False
        self.view = ParameterView(parameter, asked_at)

    async def poll(self) -> None:
        """Read for ever, every 5 s give or take half a second: tasks do not march in step."""
        while True:
            await self.read()
            await clock.pause(POLL_SECONDS + random.uniform(-JITTER_SECONDS, JITTER_SECONDS))
