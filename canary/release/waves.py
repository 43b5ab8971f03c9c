"""The order of regions: a wave starts only on what the wave before it has promoted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from canary.release.admission import Request
from canary.release.model import Phase, ReleaseState

__all__ = ["Earlier", "wave_refusals"]


@dataclass(frozen=True)
class Earlier:
    """What a region of the wave before says: the release that is followed, and who is active.

    `fault` is why it said nothing; then the other two mean nothing.
    """

    region: str
    followed: ReleaseState | None = None
    active: str | None = None
    fault: str = ""


def wave_refusals(request: Request, wave_before: Iterable[Earlier]) -> tuple[str, ...]:
    """Every reason why the wave before does not let this release start; empty in the first wave.

    Silence is a refusal. The same candidate is followed from region to region; another one may be
    released here only when the request says by name which release it follows.
    """
    return tuple(
        f"wave: {earlier.region}: {reason}"
        for earlier in wave_before
        if (reason := _refusal(request, earlier))
    )


def _refusal(request: Request, earlier: Earlier) -> str:
    release = earlier.followed
    if earlier.fault:
        return f"cannot be asked ({earlier.fault})"
    if earlier.active is not None:
        return f"{earlier.active} is active; regions are released one after the other"
    if release is None:
        return f"has no release {request.follows_id}"
    if release.phase is not Phase.PROMOTED:
        return f"{release.release_id} is {release.phase}, not {Phase.PROMOTED}"
    if release.candidate != request.candidate and not request.follows:
        return (
            f"{release.release_id} promoted {release.candidate}; "
            "another candidate must name the release that it follows"
        )
    return ""
