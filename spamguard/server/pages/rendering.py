"""Pages from templates, escaped, with headers that let a browser do nothing but show them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import Response

from spamguard.display import counted, share

_HERE: Final = Path(__file__).parent
STATIC: Final = _HERE / "static"

HEADERS: Final = {
    # Nothing inline, nothing foreign: even a comment that got through as markup could do nothing.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # a stricter one makes browsers hide the origin of forms
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "X-Robots-Tag": "noindex",
    "Cache-Control": "no-store",
}


def page(text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a page; lone surrogates, which cannot be sent, become question marks."""
    body = text.encode("utf-8", "replace")
    return Response(body, status, headers, media_type="text/html; charset=utf-8")


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Return the templates; every value is escaped."""
    found = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {"when": when, "percent": share, "number": number, "counted": counted}
    return found


def when(stamp: str | None) -> str:
    """Return a time from the database for people, in UTC."""
    return f"{stamp[:10]} {stamp[11:16]} UTC" if stamp else ""


def number(value: int) -> str:
    """Return a number with separators between thousands."""
    return f"{value:,}"


def now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)
