"""The moderation pages, on the same server and the same parts as the protocols.

From the inside out: `inert` and `explaining` turn what strangers wrote and why it was
judged so into plain text; `waiting`, `cuts`, `figures` and `audit` read the database;
`deciding` and `runs` change it; `accounts`, `sessions` and `visits` let people in.
`queue`, `cuts`, `learning`, `figures`, `audit` and `signing_in` answer. The pages are
templates filled here, and work without a script; `static/pages.js` makes them faster.
"""

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
from spamguard.server.pages.requests import PREFIX, Answer, Door


def routes() -> list[BaseRoute]:
    """Return the routes of the pages."""
    door = Door()

    def at(path: str, get: Answer | None, post: Answer | None = None) -> list[Route]:
        made = []
        for method, answer in (("GET", get), ("POST", post)):
            if answer is not None:
                made.append(Route(PREFIX + path, door.endpoint(answer), methods=[method]))
        return made

    return [
        Route("/", _home, methods=["GET"]),
        Route(f"{PREFIX}/", _home, methods=["GET"]),
        Route(f"{PREFIX}/login", door.endpoint(login_page.show, public=True), methods=["GET"]),
        Route(f"{PREFIX}/login", door.endpoint(login_page.log_in, public=True), methods=["POST"]),
        *at("/logout", None, login_page.log_out),
        *at("", queue_page.show),
        *at("/decide", None, queue_page.decide),
        *at("/undo", None, queue_page.undo),
        *at("/thresholds", thresholds_page.show, thresholds_page.save),
        *at("/retrain", retrain_page.show, retrain_page.start),
        *at("/retrain/use", None, retrain_page.use),
        *at("/retrain/back", None, retrain_page.back),
        *at("/figures", charts_page.show),
        *at("/log", audit_page.show, audit_page.undo),
        Mount(f"{PREFIX}/static", _Static(directory=STATIC)),
    ]


async def _home(request: Request) -> Response:
    return RedirectResponse(PREFIX)


class _Static(StaticFiles):
    """Style sheet, script and icon; the browser asks each time whether they are new."""

    def file_response(self, *args: Any, **options: Any) -> Response:
        """Return a file."""
        response = super().file_response(*args, **options)
        response.headers["Cache-Control"] = "no-cache"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response
