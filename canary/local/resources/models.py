"""Bedrock: the guardrail that the gateway names in each call."""

from __future__ import annotations

from canary.local.cloudformation import Made, Request, handles

_RULE = "the model endpoint intervenes where the scenario says (`refusal_rate`), not by the filters"


@handles("AWS::Bedrock::Guardrail", "stand-in", _RULE)
def guardrail(request: Request) -> Made:
    """A guardrail; it has an id, and judges nothing itself."""
    identity = request.logical_id.lower()[:12]
    arn = request.arn("bedrock", f"guardrail/{identity}")
    return Made(arn, {"GuardrailId": identity, "GuardrailArn": arn, "Version": "DRAFT"})


@handles("AWS::Bedrock::GuardrailVersion", "stand-in", _RULE)
def guardrail_version(request: Request) -> Made:
    """A version: the next number whenever its description is another."""
    changed = request.previous_properties != request.properties
    before = int(request.previous.attributes["Version"]) if request.previous else 0
    number = before + changed
    identity = request.properties["GuardrailIdentifier"]
    return Made(f"{identity}|{number}", {"GuardrailId": identity, "Version": str(number)})
