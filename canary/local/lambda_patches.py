"""Leads every way into moto's functions to the region's own workers, one patch a function."""

from __future__ import annotations

import json
from typing import Any

from moto.awslambda.models import LambdaBackend, LambdaFunction
from moto.awslambda.responses import LambdaResponse

from canary.local.emulator import ACCOUNT
from canary.local.lambdas import Functions
from canary.local.log_delivery import subscription_event
from canary.local.patches import Patches

__all__ = ["install"]


def install(patches: Patches, functions: Functions) -> None:
    """Every patch below, before the first request."""
    invoke_in_workers(patches, functions)
    accept_events_at_once(patches, functions)
    read_the_qualifier(patches)
    deliver_sns_messages(patches, functions)
    deliver_log_events(patches, functions)


def invoke_in_workers(patches: Patches, functions: Functions) -> None:
    """Moto runs a function in a Docker container."""

    def _invoke_lambda(self: LambdaFunction, event: Any = None) -> tuple[str, bool, str]:
        outcome = functions.run(self, {} if event is None else event)
        return outcome.payload, outcome.error is not None, outcome.logs

    patches.set(LambdaFunction, "_invoke_lambda", _invoke_lambda)


def accept_events_at_once(patches: Patches, functions: Functions) -> None:
    """Moto answers an asynchronous invocation only when the function has ended."""
    original = LambdaFunction.invoke

    def invoke(self: LambdaFunction, body: Any, request: Any, response: Any) -> Any:
        if request.get("x-amz-invocation-type", request.get("X-Amz-Invocation-Type")) == "Event":
            functions.events.start(self.function_arn, json.loads(body) if body else {})
            return b""
        return original(self, body, request, response)

    patches.set(LambdaFunction, "invoke", invoke)


def read_the_qualifier(patches: Patches) -> None:
    """Moto's `Invoke` reads `qualifier`, where SDKs send `Qualifier`: it runs the newest code."""
    original = LambdaResponse._get_param

    def get_param(self: LambdaResponse, param_name: str, if_none: Any = None) -> Any:
        if param_name == "qualifier":
            param_name = "Qualifier"
        return original(self, param_name, if_none)

    patches.set(LambdaResponse, "_get_param", get_param)


def deliver_sns_messages(patches: Patches, functions: Functions) -> None:
    """Moto calls the function inside `Publish`, with invented fields and without a permission."""

    def send_sns_message(
        self: LambdaBackend,
        function_name: str,
        message: str,
        subject: str | None = None,
        qualifier: str | None = None,
    ) -> None:
        target = f"{function_name}:{qualifier}" if qualifier else function_name
        notice = {"Type": "Notification", "Message": message, "Subject": subject}
        record = {"EventVersion": "1.0", "EventSource": "aws:sns", "Sns": notice}
        source = f"arn:aws:sns:{self.region_name}:{self.account_id}:*"
        functions.invoke_for("sns.amazonaws.com", source, target, {"Records": [record]})

    patches.set(LambdaBackend, "send_sns_message", send_sns_message)


def deliver_log_events(patches: Patches, functions: Functions) -> None:
    """Moto calls the newest code inside `PutLogEvents`, whatever alias the filter names."""

    def send_log_event(  # noqa: PLR0917 - moto's signature
        self: LambdaBackend,  # noqa: ARG001
        function_arn: str,
        filter_name: str,
        log_group_name: str,
        log_stream_name: str,
        log_events: list[dict[str, Any]],
    ) -> None:
        event = subscription_event(
            log_group_name, log_stream_name, filter_name, log_events, owner=ACCOUNT
        )
        functions.events.start(function_arn, event)

    patches.set(LambdaBackend, "send_log_event", send_log_event)
