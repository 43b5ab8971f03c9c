"""The API's description of itself, made from the table of its endpoints and the bodies' models."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema
from starlette.requests import Request
from starlette.responses import Response

__all__ = ["COOKIE", "Content", "Endpoint", "Reply", "document"]

COOKIE = "manga_session"
JSON = "application/json"
_SCHEMAS = "#/components/schemas/"
_ABOUT = """\
The assistant of a manga store. Each request is counted to a session: the customer's, else that of
the body, else that of the cookie; a visitor with none of them is given the cookie."""

Content = type[BaseModel] | Mapping[str, Any]
"""The model of a JSON body; or any other content as OpenAPI's `{media type: {"schema": ...}}`."""


@dataclass(frozen=True)
class Reply:
    """One answer of an endpoint; `headers` maps a name to what it says, `also` is other content."""

    what: str
    content: Content
    headers: Mapping[str, str] = field(default_factory=dict)
    also: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Endpoint:
    """A route: what it takes, what it may answer by status, and the function that does it."""

    method: Literal["GET", "POST"]
    path: str
    name: str
    what: str
    replies: Mapping[int, Reply]
    handler: Callable[[Request], Awaitable[Response]]
    body: type[BaseModel] | None = None


def document(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """The OpenAPI 3.1 document."""
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {"title": "MangaAssist", "version": "1", "description": _ABOUT},
        "paths": paths,
        "components": {"schemas": _schemas(endpoints)},
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    operation: dict[str, Any] = {"operationId": endpoint.name, "summary": endpoint.what}
    if endpoint.body:
        cookie = {"name": COOKIE, "in": "cookie", "schema": {"type": "string"}}
        operation["parameters"] = [cookie | {"description": "the visitor's session"}]
        operation["requestBody"] = {"required": True, "content": _content(endpoint.body)}
    operation["responses"] = {
        str(status): {
            "description": reply.what,
            "content": {**_content(reply.content), **reply.also},
            **({"headers": _headers(reply.headers)} if reply.headers else {}),
        }
        for status, reply in sorted(endpoint.replies.items())
    }
    return operation


def _content(content: Content) -> dict[str, Any]:
    if isinstance(content, Mapping):
        return dict(content)
    return {JSON: {"schema": {"$ref": _SCHEMAS + content.__name__}}}


def _headers(headers: Mapping[str, str]) -> dict[str, Any]:
    return {
        name: {"description": what, "schema": {"type": "string"}} for name, what in headers.items()
    }


def _schemas(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    models: dict[type[BaseModel], JsonSchemaMode] = {}
    for endpoint in endpoints:
        if endpoint.body:
            models[endpoint.body] = "validation"
        for reply in endpoint.replies.values():
            if not isinstance(reply.content, Mapping):
                models[reply.content] = "serialization"
    _, definitions = models_json_schema(list(models.items()), ref_template=_SCHEMAS + "{model}")
    schemas: dict[str, Any] = definitions["$defs"]
    return schemas
