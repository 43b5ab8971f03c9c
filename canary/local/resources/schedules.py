"""EventBridge Scheduler: schedules in a time zone."""

from __future__ import annotations

from canary.local.cloudformation import Made, Request, handles


@handles(
    "AWS::Scheduler::Schedule",
    "stand-in",
    "recorded and never due: no scenario lasts until a working morning; `canary drill` calls the "
    "same function",
    name_property="Name",
)
def schedule(request: Request) -> Made:
    """A schedule's ARN."""
    return Made(request.name, {"Arn": request.arn("scheduler", f"schedule/default/{request.name}")})
