"""The address of a request, waits, and the threads that requests run in."""

from __future__ import annotations

from anyio import CapacityLimiter
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request


def address_of(request: Request) -> str:
    """Return the client's address; empty where it is not known."""
    return request.client.host if request.client else ""


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
