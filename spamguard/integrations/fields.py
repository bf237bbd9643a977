"""Comments in forms and JSON objects."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from spamguard.comment import Comment, Post, as_post
from spamguard.errors import InputError

NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "text": ("text", "comment", "message", "content", "body"),
    "author": ("author", "name", "author_name"),
    "author_url": ("author_url", "url", "website", "homepage"),
}
"""Fields of a comment, with their names in forms, in order of preference."""


def comment_of(fields: Mapping[str, Any], post: Post | str | None = None) -> Comment:
    """Return the comment in the fields of a form or a JSON object.

    Parameters
    ----------
    fields : mapping
        ``text``, ``comment``, ``message``, ``content`` or ``body``; optionally ``author``
        or ``name``, ``author_url``, ``url`` or ``website``, and ``date``. Others are
        ignored.
    post : Post, str or None
        The post.

    Raises
    ------
    InputError
        If no field has a text.

    Examples
    --------
    >>> comment_of({"name": "Mira", "message": "Which oven?", "website": ""})
    Comment(text='Which oven?', author='Mira', author_url=None, date=None, post=None)
    """
    text, author, author_url = (first_of(fields, names) for names in NAMES.values())
    if text is None and not any(name in fields for name in NAMES["text"]):
        raise InputError(
            f"no field holds the comment's text; name it {' or '.join(NAMES['text'])}."
        )
    date = fields.get("date")
    known = date if isinstance(date, str | datetime) else None
    return Comment(text or "", author, author_url, known, as_post(post))


def first_of(fields: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    """Return the first field that is not empty, as text."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
    return None
