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

from spamguard.server.pages import audit, cuts, figures, learning, queue, signing_in
from spamguard.server.pages.rendering import STATIC
from spamguard.server.pages.visits import PREFIX, Answer, Door


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
        Route(f"{PREFIX}/login", door.endpoint(signing_in.show, public=True), methods=["GET"]),
        Route(f"{PREFIX}/login", door.endpoint(signing_in.log_in, public=True), methods=["POST"]),
        *at("/logout", None, signing_in.log_out),
        *at("", queue.show),
        *at("/decide", None, queue.decide),
        *at("/undo", None, queue.undo),
        *at("/thresholds", cuts.show, cuts.save),
        *at("/retrain", learning.show, learning.start),
        *at("/retrain/use", None, learning.use),
        *at("/retrain/back", None, learning.back),
        *at("/figures", figures.show),
        *at("/log", audit.show, audit.undo),
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
