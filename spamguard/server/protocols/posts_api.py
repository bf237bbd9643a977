"""Our own endpoints: a site pushes its posts, because Akismet's protocol does not carry them."""

from __future__ import annotations

import json
import re
from typing import Final

from anyio import to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from spamguard.errors import ServerError
from spamguard.server.access import Threads, address_of, admitted
from spamguard.server.http import body_of
from spamguard.server.protocols.openapi import document
from spamguard.server.store import VISIBLE, Registered, Site
from spamguard.server.worker import Services

PREFIX: Final = "/v1/"
MOST: Final = 100
"""Posts of one request."""

_FIELDS: Final = ("title", "text", "author", "date")


def routes() -> list[Route]:
    """Return the routes."""
    return [
        Route("/v1/posts", _posts, methods=["GET", "PUT", "DELETE"]),
        Route("/openapi.json", _document, methods=["GET"]),
    ]


async def _document(request: Request) -> Response:
    return JSONResponse(document())


async def _posts(request: Request) -> Response:
    services: Services = request.app.state.services
    body = await body_of(request, services.config)
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    key = key.strip() if scheme.lower() == "bearer" else ""
    url, address = request.query_params.get("url", ""), address_of(request)
    # HEAD is answered as GET; the server leaves the body out.
    work = {"PUT": _put, "DELETE": _delete}.get(request.method, _get)

    def answer() -> Response:
        site = admitted(services, key, address)
        if site is None:
            raise HTTPException(
                401, "send the site's key: Authorization: Bearer KEY",
                {"WWW-Authenticate": "Bearer"},
            )  # fmt: skip
        return work(services, site, url, body)

    return await to_thread.run_sync(answer, limiter=Threads.of(request.app).writing)


def _put(services: Services, site: Site, url: str, body: bytes) -> Response:
    try:
        count = services.posts.put(site.id, posts_of(body))
    except ServerError as error:
        raise HTTPException(400, str(error)) from None
    return JSONResponse({"registered": count})


def _get(services: Services, site: Site, url: str, body: bytes) -> Response:
    post = services.posts.get(site.id, _given(url))
    if post is None:
        raise HTTPException(404, "no post is registered at this address")
    facts = {name: getattr(post, name) for name in ("url", *_FIELDS)}
    told = json.dumps({name: value for name, value in facts.items() if value is not None})
    return Response(told, media_type="application/json")  # in ASCII: half a character is kept


def _delete(services: Services, site: Site, url: str, body: bytes) -> Response:
    if not services.posts.delete(site.id, _given(url)):
        raise HTTPException(404, "no post is registered at this address")
    return Response(status_code=204)


def _given(url: str) -> str:
    if not re.search(VISIBLE, url):
        raise HTTPException(400, "name the post's address: ?url=")
    return url


def posts_of(body: bytes) -> list[Registered]:
    """Return the posts of a body: one object, or up to a hundred in ``{"posts": [...]}``.

    Raises
    ------
    HTTPException
        400 if it is neither.
    """
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise HTTPException(400, "the body is no JSON") from None
    if not isinstance(told, dict):
        raise HTTPException(400, "send a post, or an object with posts")
    many = told.get("posts", [told])
    if not isinstance(many, list) or not 0 < len(many) <= MOST:
        raise HTTPException(400, f"posts must be a list of 1 to {MOST}")
    return [_post_of(post) for post in many]


def _post_of(told: object) -> Registered:
    if not isinstance(told, dict) or not isinstance(told.get("url"), str):
        raise HTTPException(400, "a post needs its url")
    values = {name: told.get(name) for name in _FIELDS}
    for name, value in values.items():
        if value is not None and not isinstance(value, str):
            raise HTTPException(400, f"{name} must be text")
    return Registered(told["url"], **values)
