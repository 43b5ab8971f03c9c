"""Step Functions: state machines with versions and aliases."""

from __future__ import annotations

import json
from typing import Any

from canary.local.cloudformation import Made, Request, handles


@handles(
    "AWS::StepFunctions::StateMachine",
    "live",
    "the template's own definition; waits, retries, callbacks and the whole run's time-out follow "
    "the virtual clock; a qualifier always starts the newest definition",
    name_property="StateMachineName",
)
def state_machine(request: Request) -> Made:
    """A state machine in the backend that the API and the interpreter read."""
    client = request.parts.emulator.client("stepfunctions")
    properties = request.properties
    definition = _definition(properties)
    arn = request.arn("states", f"stateMachine:{request.name}")
    if request.previous is None:
        client.create_state_machine(
            name=request.name,
            definition=definition,
            roleArn=properties["RoleArn"],
            type=properties.get("StateMachineType", "STANDARD"),
        )
    else:
        client.update_state_machine(
            stateMachineArn=arn, definition=definition, roleArn=properties["RoleArn"]
        )
    return Made(arn, {"Arn": arn, "Name": request.name, "StateMachineRevisionId": "1"})


@handles("AWS::StepFunctions::StateMachineVersion", "stand-in", "a number; see StateMachine")
def state_machine_version(request: Request) -> Made:
    """A version's ARN."""
    arn = f"{request.properties['StateMachineArn']}:1"
    return Made(arn, {"Arn": arn})


@handles("AWS::StepFunctions::StateMachineAlias", "stand-in", "a name; see StateMachine")
def state_machine_alias(request: Request) -> Made:
    """An alias's ARN."""
    routes = request.properties.get("RoutingConfiguration") or [
        request.properties["DeploymentPreference"]
    ]
    machine = routes[0]["StateMachineVersionArn"].rsplit(":", 1)[0]
    arn = f"{machine}:{request.properties['Name']}"
    return Made(arn, {"Arn": arn})


def _definition(properties: dict[str, Any]) -> str:
    text = properties.get("DefinitionString") or json.dumps(properties["Definition"])
    for name, value in (properties.get("DefinitionSubstitutions") or {}).items():
        text = text.replace(f"${{{name}}}", str(value))
    if json.loads(text).get("QueryLanguage", "JSONPath") != "JSONPath":
        raise ValueError("only JSONPath state machines are emulated")
    return str(text)
