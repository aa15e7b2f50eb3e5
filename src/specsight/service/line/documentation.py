"""What programs may ask, in words (`/docs`) and for machines (`/openapi.json`).

The page is made of the same description; it loads nothing from anywhere, and needs no script.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse, Response

from specsight.service.line.context import LineContext
from specsight.service.pages import Pages

MEDIA = ("application/json", "multipart/form-data")


def routes(context: LineContext, pages: Pages) -> APIRouter:
    """Both routes."""
    router = APIRouter(include_in_schema=False)

    def described(request: Request) -> Response:
        return JSONResponse(description_of(request.app))

    def documented(request: Request) -> Response:
        about = description_of(request.app)
        schemas = {name: list(_fields(one)) for name, one in about["components"]["schemas"].items()}
        return pages.page(
            "docs.html.j2", request, about=about, operations=list(_operations(about)), schemas=schemas
        )

    router.add_api_route("/openapi.json", described, methods=["GET"])
    router.add_api_route("/docs", documented, methods=["GET"])
    return router


def description_of(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI description of an application; every route wants a token but those that anybody may ask."""
    if app.openapi_schema is None:
        about = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        bearer = {"type": "http", "scheme": "bearer", "description": "specsight line token add"}
        about.setdefault("components", {})["securitySchemes"] = {"token": bearer}
        about["security"] = [{"token": []}]
        about["paths"]["/health"]["get"]["security"] = []
        app.openapi_schema = about
    return app.openapi_schema


def _operations(about: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for path, methods in about["paths"].items():
        for method, operation in methods.items():
            body = _body(operation)
            fields = [*_fields(_resolved(about, body)), *_patterns(body)]
            yield {
                "method": method.upper(),
                "path": path,
                "words": operation.get("description", operation.get("summary", "")),
                "parameters": [
                    (one["name"], one["in"], _type(one["schema"]), one.get("description", ""))
                    for one in operation.get("parameters", [])
                ],
                "fields": fields,
                "answers": [
                    (code, one.get("description", ""), _answer(one))
                    for code, one in operation["responses"].items()
                ],
                "curl": _curl(method, path, fields, body),
            }


def _body(operation: Mapping[str, Any]) -> Mapping[str, Any]:
    content = operation.get("requestBody", {}).get("content", {})
    return next((content[kind]["schema"] for kind in MEDIA if kind in content), {})


def _resolved(about: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    return about["components"]["schemas"][name] if name else schema


def _fields(schema: Mapping[str, Any]) -> Iterator[tuple[str, str, bool, str]]:
    """Name, type, whether it must be given, and words, of the fields of an object."""
    for name, one in schema.get("properties", {}).items():
        yield name, _type(one), name in schema.get("required", ()), one.get("description", "")


def _patterns(schema: Mapping[str, Any]) -> Iterator[tuple[str, str, bool, str]]:
    """The same of fields whose names follow a pattern."""
    for one in schema.get("patternProperties", {}).values():
        yield one["title"], _type(one), False, one["description"]


def _type(schema: Mapping[str, Any]) -> str:
    """A type in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return " or ".join(_type(one) for one in schema[key] if one.get("type") != "null")
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if schema.get("contentMediaType") or schema.get("format") == "binary":
        return "file"
    return str(schema.get("format") or schema.get("type") or "object")


def _answer(answer: Mapping[str, Any]) -> str:
    for kind, one in answer.get("content", {}).items():
        return _type(one["schema"]) if kind == MEDIA[0] and "schema" in one else kind
    return ""


def _curl(method: str, path: str, fields: list[tuple[str, str, bool, str]], body: Mapping[str, Any]) -> str:
    words = ['curl -H "Authorization: Bearer $TOKEN"']
    if method == "post" and any(kind == "list of file" for _, kind, _, _ in fields):
        words += [f"-F {name}=@{name}.png" for name, kind, needed, _ in fields if needed]
        # Only a server with a single model knows which one is meant.
        words += [f"-F {name}=NAME" for name, *_ in fields if name == "model"]
    elif method == "post" and body:
        words += ["-H 'Content-Type: application/json'", "-d '{…}'"]
    elif method == "post":
        words.append("-X POST -H 'Content-Length: 0'")
    return " ".join([*words, f"$SERVER{path}"])
