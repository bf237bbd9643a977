"""Who may ask, and how much."""

from __future__ import annotations

from anyio import CapacityLimiter
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request

from spamguard.server.store import Site
from spamguard.server.worker import Services


def address_of(request: Request) -> str:
    """Return the address that a request came from, as far as it is known."""
    return request.client.host if request.client else ""


def admitted(services: Services, key: str, address: str) -> Site | None:
    """Return the site with this key and count the request; None where no site has it.

    Raises
    ------
    HTTPException
        429 if the site asks too much, or the address has tried too many keys.
    """
    site = services.site_of(key) if key else None
    if site is None:
        # Counted after the look-up: whoever shares an address with a guesser, behind one
        # proxy say, is still served. No rate makes a key's 48 bits worth guessing.
        not_too_many(services.limits.wait_of_guesser(address))
        return None
    not_too_many(services.limits.wait_of_key(site.id))
    return site


def not_too_many(wait: int) -> None:
    """Raise 429 if somebody must wait so many seconds; 0 is now."""
    if wait:
        raise HTTPException(429, "too many requests", {"Retry-After": str(wait)})


class Threads:
    """The threads of one application, by what they wait for.

    Few of them judge: scoring holds the interpreter, and more would only wait
    for each other. Who waits for the disk must not keep others from being judged.
    """

    def __init__(self) -> None:
        self.judging = CapacityLimiter(4)
        self.writing = CapacityLimiter(4)

    @staticmethod
    def of(app: Starlette) -> Threads:
        """Return the threads of `app`."""
        found: Threads = app.state.threads
        return found
