"""What a service without task sets runs: one revision, or two while CodeDeploy replaces it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Revision", "Revisions"]


@dataclass(frozen=True)
class Revision:
    """The service's full count of tasks, from one definition, in one target group."""

    key: str
    task_definition: str
    target_group: str


class Revisions:
    """Revisions by service ARN; a service that was never deployed has its template's one."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Revision, ...]] = {}
        self._lock = threading.Lock()

    def of(self, service_arn: str, first: Revision) -> Sequence[Revision]:
        """What the service runs; `first` is what it was created with."""
        with self._lock:
            return self._known.get(service_arn, (first,))

    def keys(self, service_arn: str) -> list[str]:
        """Which tasks belong to the service: the first revision's key is the service's ARN."""
        with self._lock:
            known = self._known.get(service_arn)
        return [each.key for each in known] if known else [service_arn]

    def start(self, service_arn: str, first: Revision, revision: Revision) -> None:
        """Run `revision` beside what runs."""
        with self._lock:
            self._known[service_arn] = (*self._known.get(service_arn, (first,)), revision)

    def end(self, service_arn: str, key: str) -> None:
        """Run that revision no more."""
        with self._lock:
            kept = tuple(each for each in self._known.get(service_arn, ()) if each.key != key)
            self._known[service_arn] = kept
