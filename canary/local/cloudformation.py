"""Teaches moto's CloudFormation the resource types it lacks, and refuses those nobody handles.

A type is registered by a function under `resources/`, with what it is here: `live` (it behaves),
`stand-in` (it answers, and the note says how it differs) or `not run` (the note says why).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from moto.cloudformation import parsing
from moto.cloudformation.exceptions import UnformattedGetAttTemplateException, ValidationError
from moto.core.common_models import CloudFormationModel

from canary.local.patches import Patches

if TYPE_CHECKING:
    from canary.local.parts import Parts

__all__ = [
    "HANDLED",
    "Handled",
    "Kind",
    "Made",
    "Request",
    "classify",
    "handles",
    "handles_custom",
    "install",
    "load_resources",
    "native",
    "removes",
]

Kind = Literal["live", "stand-in", "not run"]

_CUSTOM = "AWS::CloudFormation::CustomResource"
_MODULES = (
    "alarms",
    "containers",
    "custom",
    "data",
    "delivery",
    "deployments",
    "functions",
    "load_balancing",
    "messaging",
    "models",
    "network",
    "pipelines",
    "scaling",
    "schedules",
    "security",
    "workflow",
)


@dataclass(frozen=True)
class Handled:
    """What one resource type is in the embedded region."""

    type: str
    kind: Kind
    note: str


@dataclass
class Made:
    """A resource that exists: what `Ref` gives, and what `Fn::GetAtt` gives by name."""

    id: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """One resource of a template to create, or to bring up to date when `previous` exists.

    `name` is the physical name: the template's, or a generated one. References in `properties`
    are resolved; numbers may still be text, as templates allow.
    """

    type: str
    logical_id: str
    name: str
    properties: dict[str, Any]
    account: str
    region: str
    stack_id: str
    parts: Parts
    previous: Made | None = None
    previous_properties: Mapping[str, Any] = field(default_factory=dict)

    def arn(self, service: str, resource: str) -> str:
        """An ARN of this account and region."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


HANDLED: dict[str, Handled] = {}
_MODELS: dict[str, type[CloudFormationModel]] = {}
_removers: dict[str, Callable[[Request, Made], None]] = {}
_custom: list[Callable[[Request], Made]] = []
_parts: Parts | None = None


def native(cfn_type: str, kind: Kind, note: str) -> None:
    """Accept a type that moto creates by itself."""
    HANDLED[cfn_type] = Handled(cfn_type, kind, note)


def handles(
    cfn_type: str, kind: Kind, note: str, *, name_property: str = ""
) -> Callable[[Callable[[Request], Made]], Callable[[Request], Made]]:
    """Register the decorated function as what creates and updates `cfn_type`."""

    def register(make: Callable[[Request], Made]) -> Callable[[Request], Made]:
        HANDLED[cfn_type] = Handled(cfn_type, kind, note)
        _MODELS[cfn_type] = _model(cfn_type, name_property, make)
        return make

    return register


def removes(
    cfn_type: str,
) -> Callable[[Callable[[Request, Made], None]], Callable[[Request, Made], None]]:
    """Register the decorated function as what deletes a resource; without one nothing is done."""

    def register(remove: Callable[[Request, Made], None]) -> Callable[[Request, Made], None]:
        _removers[cfn_type] = remove
        return remove

    return register


def handles_custom(note: str) -> Callable[[Callable[[Request], Made]], Callable[[Request], Made]]:
    """Register the decorated function for every custom resource that has no entry of its own."""

    def register(make: Callable[[Request], Made]) -> Callable[[Request], Made]:
        handles(_CUSTOM, "live", note)(make)
        _custom.append(make)
        return make

    return register


def classify(cfn_type: str) -> Handled | None:
    """What a type is here, or None when nobody handles it."""
    if cfn_type.startswith("Custom::") and cfn_type not in HANDLED:
        general = HANDLED[_CUSTOM]
        return Handled(cfn_type, general.kind, general.note)
    return HANDLED.get(cfn_type)


def load_resources() -> None:
    """Import every module that registers types."""
    for module in _MODULES:
        importlib.import_module(f"canary.local.resources.{module}")


def install(patches: Patches, parts: Parts) -> None:
    """Give moto the registered types and put `parts` at their makers' hands."""
    global _parts  # noqa: PLW0603 - moto creates resources through classes, which are global
    _parts = parts
    load_resources()
    for cached in (parsing.get_model_list, parsing.get_model_map, parsing.get_name_type_map):
        cached.cache_clear()
    _refuse_unhandled_types(patches)
    _name_by_the_registered_property(patches)
    _name_the_failing_resource(patches)


def _refuse_unhandled_types(patches: Patches) -> None:
    """Moto skips an unknown type with a warning, and accepts any custom resource without a call."""
    original = parsing.resource_class_from_type

    def resource_class_from_type(cfn_type: str) -> type[CloudFormationModel]:
        if classify(cfn_type) is None:
            raise ValidationError(message=f"{cfn_type}: no resource of this type is handled")
        if cfn_type.startswith("Custom::") and cfn_type not in _MODELS:
            _MODELS[cfn_type] = _model(cfn_type, "", _custom[0])
        found = _MODELS.get(cfn_type) or original(cfn_type)
        if found is None:
            raise ValidationError(message=f"{cfn_type}: said to be moto's own, and moto has none")
        return found

    patches.set(parsing, "resource_class_from_type", resource_class_from_type)


def _name_by_the_registered_property(patches: Patches) -> None:
    """Moto asks its own class for the property that names a resource, even when it is replaced."""
    original = parsing.resource_name_property_from_type

    def resource_name_property_from_type(cfn_type: str) -> str | None:
        if (model := _MODELS.get(cfn_type)) is not None:
            return str(model.cloudformation_name_type())
        return original(cfn_type)

    patches.set(parsing, "resource_name_property_from_type", resource_name_property_from_type)


def _name_the_failing_resource(patches: Patches) -> None:
    """Moto answers a failure with HTTP 500, unnamed, and forgets what it cannot update."""
    create, update = parsing.parse_and_create_resource, parsing.parse_and_update_resource

    def explained(action: Callable[..., Any]) -> Callable[..., Any]:
        def run(logical_id: str, resource: dict[str, Any], *rest: Any, **named: Any) -> Any:
            try:
                return action(logical_id, _untagged(resource), *rest, **named)
            except _ResourceFailedError:
                raise
            except Exception as error:
                text = getattr(error, "message", "") or str(error) or type(error).__name__
                raise _ResourceFailedError(
                    message=f"{logical_id} ({resource['Type']}): {type(error).__name__}: {text}"
                ) from error

        return run

    def update_or_refuse(logical_id: str, *rest: Any, **named: Any) -> Any:
        updated = update(logical_id, *rest, **named)
        if updated is None:  # moto's own class has no update, and would forget the resource
            raise ValueError("a resource of this type cannot be updated here")
        return updated

    patches.set(parsing, "parse_and_create_resource", explained(create))
    patches.set(parsing, "parse_and_update_resource", explained(update_or_refuse))


def _untagged(resource: dict[str, Any]) -> dict[str, Any]:
    """The resource without its tags: they decide nothing here, and moto misreads some of them."""
    properties = resource.get("Properties")
    if not isinstance(properties, dict) or "Tags" not in properties:
        return resource
    kept = {name: value for name, value in properties.items() if name != "Tags"}
    return {**resource, "Properties": kept}


class _ResourceFailedError(ValidationError):
    """A resource that could not be made, named."""


def _model(
    cfn_type: str, name_property: str, make: Callable[[Request], Made]
) -> type[CloudFormationModel]:
    """A direct subclass of moto's base: only those are found, and the latest one of a type wins."""

    def build(
        cls: type[Any], name: str, resource: dict[str, Any], account: str, region: str, **kw: Any
    ) -> Any:
        made = cls()
        made.request = Request(
            type=cfn_type,
            logical_id=kw.get("LogicalId", name),
            name=name,
            properties=resource.get("Properties") or {},
            account=account,
            region=region,
            stack_id=kw.get("StackId", ""),
            parts=_region_parts(),
            previous=kw.get("previous"),
            previous_properties=kw.get("previous_properties", {}),
        )
        made.made = make(made.request)
        return made

    def rebuild(  # noqa: PLR0917 - moto's signature
        cls: type[Any],
        original_resource: Any,
        new_resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
    ) -> Any:
        name = original_resource.request.name
        if name_property in cloudformation_json.get("Properties", {}):
            name = new_resource_name
        return build(
            cls,
            name,
            cloudformation_json,
            account_id,
            region_name,
            LogicalId=original_resource.request.logical_id,
            StackId=original_resource.request.stack_id,
            previous=original_resource.made,
            previous_properties=original_resource.request.properties,
        )

    def delete(self: Any, *_place: Any) -> None:
        general = _CUSTOM if cfn_type.startswith("Custom::") and cfn_type not in HANDLED else ""
        if remove := _removers.get(general or cfn_type):
            remove(self.request, self.made)

    def attribute(self: Any, name: str) -> Any:
        if name in self.made.attributes:
            return self.made.attributes[name]
        raise UnformattedGetAttTemplateException

    return type(
        cfn_type.replace("::", ""),
        (CloudFormationModel,),
        {
            "__module__": __name__,
            "cloudformation_type": staticmethod(lambda: cfn_type),
            "cloudformation_name_type": staticmethod(lambda: name_property),
            "create_from_cloudformation_json": classmethod(
                lambda cls, resource_name, cloudformation_json, account_id, region_name, **kw: (  # noqa: PLW0108 - moto inspects the names
                    build(cls, resource_name, cloudformation_json, account_id, region_name, **kw)
                )
            ),
            "update_from_cloudformation_json": classmethod(rebuild),
            "delete_from_cloudformation_json": classmethod(lambda *_arguments, **_named: None),
            "delete": delete,
            "has_cfn_attr": classmethod(lambda _cls, _name: True),
            "get_cfn_attribute": attribute,
            "is_created": lambda _self: True,
            "physical_resource_id": property(lambda self: self.made.id),
        },
    )


def _region_parts() -> Parts:
    if _parts is None:
        raise RuntimeError("no embedded region is running: the resource types have no parts")
    return _parts
