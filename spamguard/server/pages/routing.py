"""The routes of the moderation pages."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from spamguard.server.pages import (
    audit_page,
    charts_page,
    login_page,
    queue_page,
    retrain_page,
    thresholds_page,
)
from spamguard.server.pages.rendering import STATIC
from spamguard.server.pages.requests import PREFIX, Handler, endpoint


def routes() -> list[BaseRoute]:
    """Return the routes."""
    return [
        Route("/", _home, methods=["GET"]),
        Route(f"{PREFIX}/", _home, methods=["GET"]),
        _get("/login", login_page.show, public=True),
        _post("/login", login_page.log_in, public=True),
        _post("/logout", login_page.log_out),
        _get("", queue_page.show),
        _post("/decide", queue_page.decide),
        _post("/undo", queue_page.undo),
        _get("/thresholds", thresholds_page.show),
        _post("/thresholds", thresholds_page.save),
        _get("/retrain", retrain_page.show),
        _post("/retrain", retrain_page.start),
        _post("/retrain/use", retrain_page.use),
        _post("/retrain/back", retrain_page.back),
        _get("/figures", charts_page.show),
        _get("/log", audit_page.show),
        _post("/log", audit_page.undo),
        Mount(f"{PREFIX}/static", _Static(directory=STATIC)),
    ]


def _get(path: str, handler: Handler, public: bool = False) -> Route:
    return Route(PREFIX + path, endpoint(handler, public), methods=["GET"])


def _post(path: str, handler: Handler, public: bool = False) -> Route:
    return Route(PREFIX + path, endpoint(handler, public), methods=["POST"])


async def _home(request: Request) -> Response:
    return RedirectResponse(PREFIX)


class _Static(StaticFiles):
    """Style sheet, script and icon; the browser asks each time whether they have changed."""

    def file_response(self, *args: Any, **options: Any) -> Response:
        """Return a file."""
        response = super().file_response(*args, **options)
        response.headers["Cache-Control"] = "no-cache"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response
