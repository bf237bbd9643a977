"""The moderation pages, on the same server and the same parts as the protocols."""

from __future__ import annotations

from starlette.routing import BaseRoute


def routes() -> list[BaseRoute]:
    """Return the routes of the pages."""
    return []
