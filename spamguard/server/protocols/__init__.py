"""The protocols that blogs speak: Akismet, Coral, and our own endpoint for posts."""

from starlette.routing import Route

from spamguard.server.protocols import akismet, coral, posts_api
from spamguard.server.protocols.posts_api import PREFIX as POSTS_PREFIX

__all__ = ["POSTS_PREFIX", "routes"]


def routes() -> list[Route]:
    """Return the routes of all protocols."""
    return [*akismet.routes(), *coral.routes(), *posts_api.routes()]
