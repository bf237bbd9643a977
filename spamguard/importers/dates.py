"""The dates that blogs write, in one format."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

_NUMBER: Final = re.compile(r"\d{9,13}(?:\.\d{1,9})?")
_AMERICAN: Final = re.compile(r"\d{1,2}/\d{1,2}/\d{4} ")
_MILLISECONDS: Final = 100_000_000_000  # as seconds, this is the year 5138


def iso_date(value: object, utc: bool = False) -> str | None:
    """Return `value` as ISO 8601, in UTC if its zone is known; None if it is no date.

    Examples
    --------
    >>> iso_date("2014-01-14 17:32:12", utc=True), iso_date("11/13/2008 03:04:07 PM")
    ('2014-01-14T17:32:12Z', '2008-11-13T15:04:07')
    >>> iso_date(1274813699), iso_date("0000-00-00 00:00:00"), iso_date("soon")
    ('2010-05-25T18:54:59Z', None, None)
    """
    found = _parsed(value)
    if found is None or not 1970 <= found.year < 2200:
        return None
    found = found.replace(microsecond=0)
    if found.tzinfo is None:
        return found.isoformat() + ("Z" if utc else "")
    try:
        return found.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
    except OverflowError:
        return None


def _parsed(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return _from_seconds(float(value))
    text = str(value).strip()
    if not text or len(text) > 64:
        return None
    if _NUMBER.fullmatch(text):
        return _from_seconds(float(text))
    try:
        if _AMERICAN.match(text):
            return _american(text)
        if text[:1].isdigit() and "-" in text[:8]:
            return datetime.fromisoformat(text.replace(" UTC", "+00:00"))
        return parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _from_seconds(seconds: float) -> datetime | None:
    if seconds > _MILLISECONDS:
        seconds /= 1000
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _american(text: str) -> datetime:
    half_days = text[-2:].upper() in ("AM", "PM")
    return datetime.strptime(text, "%m/%d/%Y %I:%M:%S %p" if half_days else "%m/%d/%Y %H:%M:%S")
