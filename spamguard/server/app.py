"""The application: its routes, its error responses, and the log line and metrics of each request."""

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
from spamguard.server import pages, protocols
from spamguard.server.config import ServerConfig
from spamguard.server.http import Threads
from spamguard.server.watch import log_failure, write_log
from spamguard.server.worker import Worker

_NO_ENDPOINT: Final = "other"  # one name for all unknown paths, or there would be endless ones


def create_app(config: ServerConfig | None = None) -> Starlette:
    """Return the application; ``app.state.worker`` holds the `Worker` while it runs.

    `config` is by default the one that `spamguard serve` puts into the environment.
    """
    settings = ServerConfig.from_environment() if config is None else config

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        worker = await to_thread.run_sync(Worker.open, settings)
        app.state.worker = worker
        worker.start()
        if config is None:
            _tune_interpreter()
        write_log("started", model=worker.models.shared.title)
        try:
            yield
        finally:
            await to_thread.run_sync(worker.close)
            write_log("stopped")

    app = Starlette(
        routes=[
            *protocols.routes(),
            *pages.routes(),
        ],
        exception_handlers={
            HTTPException: _http_error,
            FeedbackError: _unavailable,
            Exception: _internal_error,
        },
        lifespan=lifespan,
    )
    app.state.threads = Threads()
    app.add_middleware(RequestLog)
    return app


def _tune_interpreter() -> None:
    """Keep background work from delaying requests, in the server's own process."""
    # By default a background thread may run for 5 ms, as long as a whole answer takes.
    sys.setswitchinterval(0.0005)
    # Models and libraries stay loaded, so the garbage collector may skip them.
    gc.collect()
    gc.freeze()


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _error_response(request, error.detail, error.status_code, error.headers)


async def _unavailable(request: Request, error: Exception) -> Response:
    """Answer that nothing was kept, so that the client tries again."""
    log_failure(error)
    words = "the database is not available; try again later"
    return _error_response(request, words, 503, {"Retry-After": "30"})


async def _internal_error(request: Request, error: Exception) -> Response:
    return _error_response(request, "internal error", 500)


def _error_response(
    request: Request, words: str, status: int, headers: Mapping[str, str] | None = None
) -> Response:
    if request.url.path.startswith(protocols.POSTS_PREFIX):
        return JSONResponse({"error": words}, status, headers)
    return PlainTextResponse(words, status, headers)


class RequestLog:
    """Middleware that counts and logs each request: its endpoint, status and duration."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 500

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, observed)
        finally:
            seconds = time.perf_counter() - begun
            # The route's pattern and never the path itself, which may hold a key.
            endpoint = getattr(scope.get("route"), "path", _NO_ENDPOINT)
            worker: Worker = scope["app"].state.worker
            worker.metrics.request(endpoint, status, seconds)
            write_log(
                "request", endpoint=endpoint, status=status, milliseconds=round(1000 * seconds, 2)
            )
