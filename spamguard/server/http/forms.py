"""Request bodies: bounded in size and time, and decoded in the charset that they name."""

from __future__ import annotations

import asyncio
import codecs
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

from spamguard.server.config import ServerConfig

_MOST_FIELDS: Final = 2_000
_UTF8: Final = "utf-8"
# Charsets that a blog may use; Python has codecs that are not charsets.
_CHARSET: Final = re.compile(
    r"utf-?8|us-ascii|ascii|iso-?8859-?\d{1,2}|latin-?1|windows-?125\d|cp125\d|koi8-[ru]|"
    r"gb2312|gbk|gb18030|big5|euc-(?:jp|kr)|shift_jis|iso-2022-jp|tis-620|macintosh",
    re.IGNORECASE,
)


async def body_of(request: Request, config: ServerConfig) -> bytes:
    """Return the body of a request.

    Raises
    ------
    HTTPException
        413 if it is too large, 408 if it does not arrive in time.
    """
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:18]) > config.body_bytes:
        raise HTTPException(413, "the body is too large")
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(config.client_seconds):
            async for part in request.stream():
                size += len(part)
                if size > config.body_bytes:
                    raise HTTPException(413, "the body is too large")
                parts.append(part)
    except TimeoutError:
        raise HTTPException(408, "the body did not arrive in time") from None
    return b"".join(parts)


def fields_of(body: bytes, content_type: str, query: str = "") -> dict[str, str]:
    """Return the fields of a form, and those of the query that the form lacks.

    Of a repeated field, such as ``comment_context[]``, the first counts.

    Raises
    ------
    HTTPException
        415 if the body is another kind of form, 400 if it has too many fields.
    """
    kind, _, rest = content_type.partition(";")
    if body and kind.strip().lower() not in ("", "application/x-www-form-urlencoded"):
        raise HTTPException(415, "send the fields as application/x-www-form-urlencoded")
    raw = _pairs(body.decode("latin-1"))
    charset = _charset(rest) or _named(raw.get("blog_charset", "")) or _UTF8
    found = {_decoded(name, _UTF8): _decoded(value, charset) for name, value in raw.items()}
    for name, value in _pairs(query).items():
        found.setdefault(_decoded(name, _UTF8), _decoded(value, _UTF8))
    return found


def _pairs(text: str) -> dict[str, str]:
    """Return names and values; each byte becomes the character of its number."""
    try:
        pairs = parse_qsl(
            text, keep_blank_values=True, encoding="latin-1", max_num_fields=_MOST_FIELDS
        )
    except ValueError:
        raise HTTPException(400, "too many fields") from None
    found: dict[str, str] = {}
    for name, value in pairs:
        found.setdefault(name, value)
    return found


def _decoded(value: str, charset: str) -> str:
    data = value.encode("latin-1", "replace")
    try:
        return data.decode(charset)
    except UnicodeDecodeError:
        # Text that is not in the charset it names is most often in one of these two.
        return data.decode(_UTF8 if charset != _UTF8 else "windows-1252", "replace")


def _charset(parameters: str) -> str:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return _named(value.strip().strip("\"'"))
    return ""


def _named(charset: str) -> str:
    if not _CHARSET.fullmatch(charset.strip()):
        return ""
    try:
        return codecs.lookup(charset.strip()).name
    except LookupError:
        return ""


def text_of(fields: Mapping[str, str], *names: str) -> str | None:
    """Return the first of these fields that is not blank; None if there is none."""
    return next((fields[name] for name in names if fields.get(name, "").strip()), None)
