"""The description of our own endpoints; Akismet's and Coral's are described by their makers."""

from __future__ import annotations

from typing import Any, Final

from spamguard.server.store import MOST_URL, VISIBLE

_POST: Final = {
    "type": "object",
    "required": ["url"],
    "properties": {
        "url": {"type": "string", "minLength": 1, "maxLength": MOST_URL, "pattern": VISIBLE},
        **{name: {"type": ["string", "null"]} for name in ("title", "text", "author", "date")},
    },
}
_ERRORS: Final = {
    400: "The request cannot be used; the error says why",
    401: "The key is missing or not known",
    404: "No post is registered at this address",
    408: "The body did not come in time",
    413: "The body is too large",
    429: "Too many requests; Retry-After says when to come again",
    503: "The database cannot be reached; nothing was kept",
}
_URL: Final = {
    "name": "url", "in": "query", "required": True,
    "description": "Address of the post; ways to write it that mean the same are the same.",
    "schema": {"type": "string", "minLength": 1, "pattern": VISIBLE},
}  # fmt: skip


def document() -> dict[str, Any]:
    """Return the description, OpenAPI 3.1."""
    from spamguard import __version__

    return {
        "openapi": "3.1.0",
        "info": {"title": "spamguard server", "version": __version__},
        "paths": {
            "/v1/posts": {
                "put": _put(),
                "get": _operation(
                    "getPost", "The post registered at an address",
                    {200: _json("The post", {"$ref": "#/components/schemas/Post"})}, (400, 404),
                    parameters=[_URL],
                ),
                "delete": _operation(
                    "deletePost", "Forget the post at an address",
                    {204: {"description": "Forgotten"}}, (400, 404), parameters=[_URL],
                ),
            },
            "/health": {"get": _open("health", "Whether the process lives", _status("alive"))},
            "/ready": {
                "get": _open("ready", "Whether it would answer now", _status("ready"))
                | {"responses": {
                    "200": _json("It would", _status("ready")),
                    "503": _json("It would not", _status("not ready")),
                }},
            },
            "/metrics": {
                "get": {
                    "operationId": "metrics", "summary": "Figures for Prometheus", "security": [],
                    "responses": {"200": {
                        "description": "Prometheus' text format",
                        "content": {"text/plain": {"schema": {"type": "string"}}},
                    }},
                }
            },
        },
        "components": {
            "schemas": {
                "Post": _POST,
                "Error": {
                    "type": "object", "required": ["error"],
                    "properties": {"error": {"type": "string"}},
                },
            },
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "The site's key"}
            },
        },
        "security": [{"key": []}],
    }  # fmt: skip


def _put() -> dict[str, Any]:
    post = {"$ref": "#/components/schemas/Post"}
    many = {
        "type": "object",
        "required": ["posts"],
        "properties": {"posts": {"type": "array", "minItems": 1, "maxItems": 100, "items": post}},
    }
    one = {"allOf": [post, {"not": {"required": ["posts"]}}]}
    registered = {
        "type": "object",
        "required": ["registered"],
        "properties": {"registered": {"type": "integer", "minimum": 1}},
    }
    found = _operation(
        "putPosts", "Register posts, each in the place of the one at its address",
        {200: _json("How many different posts were registered", registered)}, (400,),
    )  # fmt: skip
    content = {"application/json": {"schema": {"anyOf": [one, many]}}}
    return found | {"requestBody": {"required": True, "content": content}}


def _operation(
    name: str,
    summary: str,
    answers: dict[int, Any],
    errors: tuple[int, ...],
    parameters: list[Any] | None = None,
) -> dict[str, Any]:
    error = {"$ref": "#/components/schemas/Error"}
    refused = {n: _json(_ERRORS[n], error) for n in (*errors, 401, 408, 413, 429, 503)}
    return {
        "operationId": name,
        "summary": summary,
        "parameters": parameters or [],
        "responses": {str(n): told for n, told in (answers | refused).items()},
    }


def _open(name: str, summary: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return an operation that needs no key."""
    return {
        "operationId": name,
        "summary": summary,
        "security": [],
        "responses": {"200": _json("It does", schema)},
    }


def _status(word: str) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["status"],
        "properties": {"status": {"const": word}, "model": {"type": "string"}},
    }


def _json(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}
