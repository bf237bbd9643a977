"""Our own endpoint for posts, which Akismet's protocol does not carry.

``openapi.json`` describes it; the tests hold that file against the routes.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

from anyio import to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from spamguard.errors import ServerError
from spamguard.server.http import Threads, address_of, body_of
from spamguard.server.store import VISIBLE, RegisteredPost, Site
from spamguard.server.worker import Worker

PREFIX: Final = "/v1/"
MOST: Final = 100
"""Posts in one request."""

DESCRIPTION: Final = Path(__file__).with_name("openapi.json")
_FIELDS: Final = ("title", "text", "author", "date")


def routes() -> list[Route]:
    """Return the routes."""
    return [
        Route("/v1/posts", _posts, methods=["GET", "PUT", "DELETE"]),
        Route("/openapi.json", _description, methods=["GET"]),
    ]


async def _description(request: Request) -> Response:
    return FileResponse(DESCRIPTION, media_type="application/json")


async def _posts(request: Request) -> Response:
    worker: Worker = request.app.state.worker
    body = await body_of(request, worker.config)
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    key = key.strip() if scheme.lower() == "bearer" else ""
    url, address = request.query_params.get("url", ""), address_of(request)
    # HEAD is answered as GET; the server leaves the body out.
    work = {"PUT": _put, "DELETE": _delete}.get(request.method, _get)

    def answer() -> Response:
        site = worker.authenticate(key, address)
        if site is None:
            raise HTTPException(
                401, "send the site's key: Authorization: Bearer KEY",
                {"WWW-Authenticate": "Bearer"},
            )  # fmt: skip
        return work(worker, site, url, body)

    return await to_thread.run_sync(answer, limiter=Threads.of(request.app).writing)


def _put(worker: Worker, site: Site, url: str, body: bytes) -> Response:
    try:
        count = worker.posts.put(site.id, posts_in(body))
    except ServerError as error:
        raise HTTPException(400, str(error)) from None
    return JSONResponse({"registered": count})


def _get(worker: Worker, site: Site, url: str, body: bytes) -> Response:
    post = worker.posts.get(site.id, _checked(url))
    if post is None:
        raise HTTPException(404, "no post is registered at this address")
    values = {name: getattr(post, name) for name in ("url", *_FIELDS)}
    found = json.dumps({name: value for name, value in values.items() if value is not None})
    # In ASCII: a stored text may hold half a surrogate pair, which UTF-8 cannot encode.
    return Response(found, media_type="application/json")


def _delete(worker: Worker, site: Site, url: str, body: bytes) -> Response:
    if not worker.posts.delete(site.id, _checked(url)):
        raise HTTPException(404, "no post is registered at this address")
    return Response(status_code=204)


def _checked(url: str) -> str:
    if not re.search(VISIBLE, url):
        raise HTTPException(400, "name the post's address: ?url=")
    return url


def posts_in(body: bytes) -> list[RegisteredPost]:
    """Return the posts in a body: one object, or up to a hundred in ``{"posts": [...]}``.

    Raises HTTPException 400 for anything else.
    """
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise HTTPException(400, "the body is not JSON") from None
    if not isinstance(data, dict):
        raise HTTPException(400, "send a post, or an object with posts")
    many = data.get("posts", [data])
    if not isinstance(many, list) or not 0 < len(many) <= MOST:
        raise HTTPException(400, f"posts must be a list of 1 to {MOST}")
    return [_post(item) for item in many]


def _post(data: object) -> RegisteredPost:
    if not isinstance(data, dict) or not isinstance(data.get("url"), str):
        raise HTTPException(400, "a post needs its url")
    values = {name: data.get(name) for name in _FIELDS}
    for name, value in values.items():
        if value is not None and not isinstance(value, str):
            raise HTTPException(400, f"{name} must be text")
    return RegisteredPost(data["url"], **values)
