"""Pages from templates, escaped, and with the headers that keep a browser from doing more than show them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import Response

_HERE: Final = Path(__file__).parent
STATIC: Final = _HERE / "static"

HEADERS: Final = {
    # Nothing inline, nothing from elsewhere: a comment that got through as markup would do nothing.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with less, browsers keep back the origin of forms too
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "X-Robots-Tag": "noindex",
    "Cache-Control": "no-store",
}


def environment() -> Environment:
    """Return what makes pages; every value is escaped."""
    found = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {"when": when, "percent": percent, "count": count}
    return found


def page(text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a page; halves of characters, which cannot be sent, become question marks."""
    body = text.encode("utf-8", "replace")
    return Response(body, status, headers, media_type="text/html; charset=utf-8")


def when(stamp: str | None) -> str:
    """Return a time of the database for people, in UTC."""
    return f"{stamp[:10]} {stamp[11:16]} UTC" if stamp else ""


def percent(share: float | None, digits: int = 1) -> str:
    """Return a share, 0 to 1, as percent; a dash where there is none.

    Examples
    --------
    >>> percent(0.1234)
    '12.3 %'
    >>> percent(0.99999)
    '99.9 %'
    """
    if share is None:
        return "–"
    rounded = round(100 * share, digits)
    # What is not certain must not read so.
    edge = 10.0**-digits
    if share < 1 and rounded >= 100:
        rounded = 100 - edge
    return f"{rounded:.{digits}f} %"


def count(number: int) -> str:
    """Return a number with its thousands apart."""
    return f"{number:,}"


def now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


Context = dict[str, Any]
