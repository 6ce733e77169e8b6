"""The reference of the API: its OpenAPI document, and a page that shows it without a script."""

import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse

from web.problems import ProblemOut

router = APIRouter()

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem;
       color: #1c2430; background: #fff }
h2 { margin-top: 2.5rem } section { border-top: 1px solid #d5dbe3; padding: .5rem 0 1rem }
code { font: 14px/1.4 ui-monospace, monospace; overflow-wrap: anywhere }
h3 code { font-size: 15px } .method { font-weight: 700; color: #0b5d3b }
table { border-collapse: collapse; width: 100% } caption { text-align: left; font-weight: 600 }
td { vertical-align: top; padding: .15rem .8rem .15rem 0 } td:first-child { width: 14rem }
@media (prefers-color-scheme: dark) {
  body { color: #dfe6ee; background: #12171e } .method { color: #6fd3a5 }
  section { border-color: #2c3644 } a { color: #8ab8ff } }
"""
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}

_CODE = re.compile(r"`([^`]+)`")

Schema = Mapping[str, Any]


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with the problem document that every refusal is."""
    told = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    schemas = told["components"]["schemas"]
    problem = ProblemOut.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs") | {"ProblemOut": problem}
    return told


@router.get("/api/docs", include_in_schema=False)
def docs(request: Request) -> HTMLResponse:
    """The page for people; it loads nothing from anywhere."""
    app: FastAPI = request.app
    return HTMLResponse("".join(_page(app.openapi())), headers=_HEADERS)


def _page(told: Schema) -> Iterator[str]:
    title = escape(told["info"]["title"])
    yield f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
    yield f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
    yield f"<h1>{title}</h1><p>{_prose(told['info']['description'])}</p>"
    yield '<p>For programs: <a href="/api/openapi.json">openapi.json</a></p><h2>Requests</h2>'
    for path, operations in told["paths"].items():
        for method, operation in operations.items():
            yield from _operation(method.upper(), path, operation)
    yield "<h2>Objects</h2>"
    for name, schema in told["components"]["schemas"].items():
        yield from _object(name, schema)


def _operation(method: str, path: str, operation: Schema) -> Iterator[str]:
    yield f'<section><h3><code><span class="method">{method}</span> {escape(path)}</code></h3>'
    yield f"<p>{_prose(operation.get('description', ''))}</p>"
    rows = [
        (given["name"], _kind(given["schema"]), given["schema"].get("description", ""))
        for given in operation.get("parameters", ())
        if given["in"] != "header"
    ]
    yield from _table("Parameters", rows)
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body:
        yield f"<p>Body: {_kind(body['schema'])}</p>"
    yield f"<p>Answers: {'; '.join(_answers(operation['responses']))}</p></section>"


def _answers(responses: Mapping[str, Schema]) -> Iterator[str]:
    """Each object that may be answered, after the statuses it comes with."""
    statuses: dict[str, list[str]] = {}
    for status, response in sorted(responses.items()):
        for content in response.get("content", {}).values():
            statuses.setdefault(_kind(content["schema"]), []).append(escape(status))
    for kind, those in statuses.items():
        yield f"{', '.join(those)} {kind}"


def _object(name: str, schema: Schema) -> Iterator[str]:
    yield f'<section id="{escape(name)}"><h3><code>{escape(name)}</code></h3>'
    yield f"<p>{_prose(schema.get('description', ''))}</p>"
    required = schema.get("required", ())
    yield from _table(
        "Fields",
        [
            (
                field if field not in required else f"{field} *",
                _kind(inner),
                inner.get("description", ""),
            )
            for field, inner in schema.get("properties", {}).items()
        ],
    )
    if "enum" in schema:
        yield f"<p>One of {', '.join(escape(str(choice)) for choice in schema['enum'])}</p>"
    yield "</section>"


def _table(caption: str, rows: list[tuple[str, str, str]]) -> Iterator[str]:
    if rows:
        yield f"<table><caption>{caption}</caption>"
        for name, kind, says in rows:
            yield f"<tr><td><code>{escape(name)}</code><td>{kind}<td>{_prose(says)}"
        yield "</table>"


def _prose(text: str) -> str:
    """A text as HTML; what stands in backticks is code."""
    return _CODE.sub(r"<code>\1</code>", escape(text))


def _kind(schema: Schema) -> str:
    """What a value is, in a few words, as HTML."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_kind(choice) for choice in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"<code>{escape(str(choice))}</code>" for choice in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}"
    return escape(schema.get("format") or str(schema.get("type", "anything")))
