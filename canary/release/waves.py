"""The order of regions: a wave starts only on what the wave before it has promoted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from canary.policy.compiled import CompiledPolicy
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


def wave_refusals(
    request: Request, policy: CompiledPolicy, wave_before: Iterable[Earlier]
) -> tuple[str, ...]:
    """Every reason why the wave before does not let this release start; empty in the first wave.

    Silence is a refusal. The same model is followed from region to region, whatever inference
    profile it has in each; another one may be released here only when the request says by name
    which release it follows.
    """
    candidate = policy.foundation_model(request.candidate)
    return tuple(
        f"wave: {earlier.region}: {reason}"
        for earlier in wave_before
        if (reason := _refusal(request, candidate, earlier))
    )


def _refusal(request: Request, candidate: str, earlier: Earlier) -> str:
    release = earlier.followed
    if earlier.fault:
        return f"cannot be asked ({earlier.fault})"
    if earlier.active is not None:
        return f"{earlier.active} is active; regions are released one after the other"
    if release is None:
        return f"has no release {request.follows_id}"
    if release.phase is not Phase.PROMOTED:
        return f"{release.release_id} is {release.phase}, not {Phase.PROMOTED}"
    if _promoted_model(release) != candidate and not request.follows:
        return (
            f"{release.release_id} promoted {release.candidate}; "
            "another candidate must name the release that it follows"
        )
    return ""


def _promoted_model(release: ReleaseState) -> str:
    """By the policy that the release carries; by its id alone where that cannot be read."""
    try:
        return CompiledPolicy.from_json(release.policy).foundation_model(release.candidate)
    except (KeyError, TypeError, ValueError):
        return release.candidate
