"""Authentication by key, rate limits, and the threads that requests run in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyio import CapacityLimiter
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request

from spamguard.server.store import Site

if TYPE_CHECKING:
    from spamguard.server.worker import Worker


def address_of(request: Request) -> str:
    """Return the client's address; empty where it is not known."""
    return request.client.host if request.client else ""


def authenticate(worker: Worker, key: str, address: str) -> Site | None:
    """Return the site with this key and count the request; None if no site has it.

    Raises
    ------
    HTTPException
        429 if the site sends too much, or the address has tried too many keys.
    """
    site = worker.site_of(key) if key else None
    if site is None:
        # Counted after the look-up, so that a site behind the same proxy as a guesser is still
        # served. A key's 48 bits cannot be guessed at this rate.
        enforce_wait(worker.limits.wait_of_guesser(address))
        return None
    enforce_wait(worker.limits.wait_of_key(site.id))
    return site


def enforce_wait(seconds: int) -> None:
    """Raise 429 unless there is no time to wait."""
    if seconds:
        raise HTTPException(429, "too many requests", {"Retry-After": str(seconds)})


class Threads:
    """The thread limits of one application, by kind of work.

    Scoring holds the interpreter, so more threads would only wait for each other.
    Work that waits for the disk must not delay scoring, and a moderator's slow query must
    not delay blogs.
    """

    def __init__(self) -> None:
        self.judging = CapacityLimiter(4)
        self.writing = CapacityLimiter(4)
        self.pages = CapacityLimiter(4)

    @staticmethod
    def of(app: Starlette) -> Threads:
        """Return the threads of `app`."""
        threads: Threads = app.state.threads
        return threads
