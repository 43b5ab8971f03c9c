"""IAM, keys and secrets."""

from __future__ import annotations

import json
import secrets as random_source
import string
from typing import Any

from canary.local.cloudformation import Made, Request, handles, native

_NOT_ENFORCED = "recorded; no permission is checked, except who may invoke a function"
for _type in ("InstanceProfile", "ManagedPolicy", "Policy", "Role", "User"):
    native(f"AWS::IAM::{_type}", "stand-in", _NOT_ENFORCED)

native("AWS::KMS::Key", "stand-in", "recorded; nothing is encrypted")
native("AWS::KMS::Alias", "stand-in", "recorded; nothing is encrypted")


@handles("AWS::IAM::ServiceLinkedRole", "stand-in", _NOT_ENFORCED)
def service_linked_role(request: Request) -> Made:
    """A role that AWS itself would own."""
    return Made(request.name, {"RoleName": request.name})


@handles(
    "AWS::SecretsManager::Secret", "live", "generated once; not encrypted", name_property="Name"
)
def secret(request: Request) -> Made:
    """A secret with the template's text, or a generated one."""
    if request.previous is not None:
        return request.previous
    client = request.parts.emulator.client("secretsmanager")
    generate = request.properties.get("GenerateSecretString")
    text = request.properties.get("SecretString") or _generate(generate or {})
    arn = client.create_secret(Name=request.name, SecretString=text)["ARN"]
    return Made(arn, {"Id": arn})


@handles("AWS::SecretsManager::ResourcePolicy", "stand-in", _NOT_ENFORCED)
def secret_policy(request: Request) -> Made:
    """A secret's policy."""
    return Made(request.name, {"Id": request.name})


@handles("AWS::SecretsManager::RotationSchedule", "not run", "secrets are not rotated")
def secret_rotation(request: Request) -> Made:
    """A rotation that never happens."""
    return Made(request.name, {"Id": request.name})


def _generate(rule: dict[str, Any]) -> str:
    letters = string.ascii_letters + string.digits
    length = int(rule.get("PasswordLength", 32))
    password = "".join(random_source.choice(letters) for _ in range(length))
    if key := rule.get("GenerateStringKey"):
        document: dict[str, Any] = json.loads(rule.get("SecretStringTemplate", "{}"))
        return json.dumps({**document, key: password})
    return password
