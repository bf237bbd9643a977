"""Endpoints for operators: whether the process lives, whether it is ready, and its metrics."""

from __future__ import annotations

from anyio import to_thread
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from spamguard.server.worker import Worker


def routes() -> list[Route]:
    """Return the routes."""
    return [
        Route("/health", _health, methods=["GET"]),
        Route("/ready", _ready, methods=["GET"]),
        Route("/metrics", _metrics, methods=["GET"]),
    ]


async def _health(request: Request) -> Response:
    return JSONResponse({"status": "alive"})


async def _ready(request: Request) -> Response:
    worker: Worker = request.app.state.worker
    if await to_thread.run_sync(worker.is_ready):
        return JSONResponse({"status": "ready", "model": worker.models.shared.title})
    return JSONResponse({"status": "not ready"}, 503, {"Retry-After": "5"})


async def _metrics(request: Request) -> Response:
    worker: Worker = request.app.state.worker
    page = await to_thread.run_sync(worker.metrics.page)
    return Response(page, headers={"Content-Type": CONTENT_TYPE_LATEST})
