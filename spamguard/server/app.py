"""The application: routes, what is counted and logged of every request, and its errors in words."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from anyio import to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from spamguard.errors import FeedbackError
from spamguard.server import health as operations
from spamguard.server import pages
from spamguard.server.access import Threads
from spamguard.server.config import ServerConfig
from spamguard.server.protocols import akismet, coral, posts_api
from spamguard.server.watch import logs
from spamguard.server.worker import Services

_UNKNOWN: Final = "other"  # endpoints that are none have one name, or there would be endless ones


def create_app(config: ServerConfig | None = None) -> Starlette:
    """Return the application; its parts are opened when it starts and closed when it ends.

    Parameters
    ----------
    config : ServerConfig, optional
        By default what `spamguard serve` has put into the environment.

    Returns
    -------
    Starlette
        ``app.state.services`` holds the `Services` while it runs.
    """
    chosen = ServerConfig.from_environment() if config is None else config

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        services = await to_thread.run_sync(Services.open, chosen)
        app.state.services = services
        services.start()
        if config is None:
            _answer_soon()
        logs.write("started", model=services.models.shared.title)
        try:
            yield
        finally:
            await to_thread.run_sync(services.close)
            logs.write("stopped")

    app = Starlette(
        routes=[
            *akismet.routes(),
            *coral.routes(),
            *posts_api.routes(),
            *operations.routes(),
            *pages.routes(),
        ],
        exception_handlers={HTTPException: _told, FeedbackError: _not_now, Exception: _failed},
        lifespan=lifespan,
    )
    app.state.threads = Threads()
    app.add_middleware(Counted)
    return app


def _answer_soon() -> None:
    """Keep what runs beside the requests from holding the interpreter for long.

    For a process that is the server's own: it is set for all of it.
    """
    # By default whoever writes records may go on for 5 ms, as long as a whole answer takes.
    sys.setswitchinterval(0.0005)
    # Models and libraries stay until the end: the collector need not look through them again.
    gc.collect()
    gc.freeze()


async def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _in_words(request, error.detail, error.status_code, error.headers)


async def _not_now(request: Request, error: Exception) -> Response:
    """Say that nothing was kept: a client that tries again later loses nothing."""
    logs.failure(error)
    return _in_words(request, "not now; try again later", 503, {"Retry-After": "30"})


async def _failed(request: Request, error: Exception) -> Response:
    return _in_words(request, "failed", 500)


def _in_words(
    request: Request, words: str, status: int, headers: Mapping[str, str] | None = None
) -> Response:
    """Return an error as the endpoint's clients read it."""
    if request.url.path.startswith(posts_api.PREFIX):
        return JSONResponse({"error": words}, status, headers)
    return PlainTextResponse(words, status, headers)


class Counted:
    """Counts and logs each request: which endpoint, its status, how long it took."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, sending)
        finally:
            seconds = time.perf_counter() - begun
            # The route's own pattern, never the address as it came: that may hold a key.
            route = scope.get("route")
            endpoint = getattr(route, "path", _UNKNOWN)
            services: Services = scope["app"].state.services
            services.metrics.request(endpoint, status, seconds)
            logs.write(
                "request", endpoint=endpoint, status=status, milliseconds=round(1000 * seconds, 2)
            )
