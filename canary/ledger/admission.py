"""A release runs a test that was registered: what must agree, and what the registration decides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from canary.ledger.entry import Entry
from canary.ledger.registration import registration_problems
from canary.policy.compiled import CompiledPolicy
from canary.release.admission import Request

__all__ = ["registered_policy", "registration_refusals"]


def registration_refusals(
    request: Request, entry: Entry | None, policy: CompiledPolicy
) -> tuple[str, ...]:
    """Why the registration of the request's test does not let this release start.

    Empty when the test was registered for this candidate, hypothesis and region, fits the policy
    as it is now, and no other release has taken it. A retry of the release that took it is no
    reason.
    """
    if not request.test_id:
        return ()  # the request's own refusal says so
    if entry is None:
        first = f"canary register {request.candidate} --test-id {request.test_id}"
        return (f"test: {request.test_id} is not registered in {policy.region}: `{first}` first",)
    return tuple(f"test: {reason}" for reason in _reasons(request, entry, policy))


def registered_policy(policy: CompiledPolicy, entry: Entry) -> CompiledPolicy:
    """The policy with the registered hypothesis, primary metric and margin in place of its own."""
    registered = entry.registration
    plan = replace(
        policy.statistics,
        hypothesis=registered.hypothesis,
        primary_metric=registered.primary_metric,
        margin=registered.margin,
    )
    return replace(policy, statistics=plan)


def _reasons(request: Request, entry: Entry, policy: CompiledPolicy) -> Iterator[str]:
    name, registered = entry.test_id, entry.registration
    anew = "register a test of its own for this attempt (`canary register`)"
    if entry.settlement is not None:
        yield f"{name} is over ({entry.state}); {anew}"
    elif entry.release_id not in ("", request.release_id):
        yield f"{name} was taken by release {entry.release_id}; {anew}"
    if registered.candidate != request.candidate:
        yield f"{name} was registered for {registered.candidate}, not {request.candidate}; {anew}"
    if registered.hypothesis != request.hypothesis:
        yield (
            f"{name} was registered for {registered.hypothesis}, not {request.hypothesis}: "
            "start it with the registered hypothesis"
        )
    problems = registration_problems(registered, policy)
    unfit = [each for each in problems if not each.startswith("candidate:")]
    if unfit:
        yield f"{name} does not fit the policy any more ({'; '.join(unfit)}); {anew}"
