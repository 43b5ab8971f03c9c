"""Writes docs/reference/api.md from the API's own description of itself.

The description is what the running service answers at /openapi.json, made from the table of its
endpoints and from the models that check what comes in.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from services.api.endpoints import description  # noqa: E402 - from the checkout

PAGE = ROOT / "docs" / "reference" / "api.md"
Document = Mapping[str, Any]
_BEGINNING = """\
# The API

What customers' clients call, over HTTPS on the public load balancer.
`make api-reference` writes this page from the code; a running service answers the same as OpenAPI
3.1 at `/openapi.json`.
"""
_END = """\
A request that no endpoint takes is answered 404, another method 405.
"""


def main() -> int:
    """Write the page, or with `--check` say whether it is what would be written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare; 1 when it differs")
    arguments = parser.parse_args()
    page = "\n".join(written(description()))
    if arguments.check:
        same = PAGE.exists() and PAGE.read_text() == page
        if not same:
            print(f"{PAGE.relative_to(ROOT)}: not what the code says: make api-reference")
        return int(not same)
    PAGE.write_text(page)
    return 0


def written(document: Document) -> Iterator[str]:
    """The page, line by line."""
    yield _BEGINNING
    yield document["info"]["description"] + "\n"
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"## `{method.upper()} {path}`\n"
            yield from _operation(operation)
    yield "## Bodies\n"
    for name, schema in sorted(document["components"]["schemas"].items()):
        yield f"### {name}\n"
        yield " ".join(schema["description"].split()) + "\n"
        yield from _fields(schema)
    yield _END


def _operation(operation: Document) -> Iterator[str]:
    yield operation["summary"] + ".\n"
    for parameter in operation.get("parameters", ()):
        yield f"Cookie `{parameter['name']}`: {parameter['description']}.\n"
    if body := operation.get("requestBody"):
        yield f"Takes {_content(body['content'])}.\n"
    yield "| status | when | answers |"
    yield "|---|---|---|"
    for status, reply in operation["responses"].items():
        headers = [f"`{name}`: {each['description']}" for name, each in _headers(reply)]
        answers = "; ".join([_content(reply["content"]), *headers])
        yield f"| {status} | {reply['description']} | {answers} |"
    yield ""


def _headers(reply: Document) -> Iterator[tuple[str, Document]]:
    yield from reply.get("headers", {}).items()


def _content(content: Document) -> str:
    return ", or ".join(
        f"{_type(each['schema'])} as `{media}`{_about(each['schema'])}"
        for media, each in content.items()
    )


def _about(schema: Document) -> str:
    return f" ({schema['description']})" if "description" in schema else ""


def _fields(schema: Document) -> Iterator[str]:
    yield "| field | what it is | |"
    yield "|---|---|---|"
    required = schema.get("required", ())
    for name, field in schema["properties"].items():
        needed = "" if name in required else " (may be absent)"
        yield f"| `{name}` | {_type(field)}{needed} | {field.get('description', '')} |"
    yield ""


def _type(schema: Document) -> str:
    """A schema in words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if values := schema.get("enum", [schema["const"]] if "const" in schema else None):
        return " or ".join(f"`{str(each).lower()}`" for each in values)
    if schema["type"] == "array":
        return f"{_range(schema, 'minItems', 'maxItems')}of: {_type(schema['items'])}"
    if schema["type"] == "string" and (length := _range(schema, "minLength", "maxLength")):
        return f"string of {length}characters"
    return f"{schema['type']} {_range(schema, 'minimum', 'maximum')}".strip()


def _range(schema: Document, least: str, most: str) -> str:
    if least in schema and most in schema:
        return f"{schema[least]} to {schema[most]} "
    return f"from {schema[least]} " if least in schema else ""


if __name__ == "__main__":
    sys.exit(main())
