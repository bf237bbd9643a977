"""What the server answers: Akismet, Coral, our own endpoint for posts, and its health."""

from starlette.routing import Route

from spamguard.server.protocols import akismet, coral, health, posts_api
from spamguard.server.protocols.posts_api import PREFIX as POSTS_PREFIX

__all__ = ["POSTS_PREFIX", "routes"]


def routes() -> list[Route]:
    """Return the routes of all protocols."""
    return [*akismet.routes(), *coral.routes(), *posts_api.routes(), *health.routes()]
