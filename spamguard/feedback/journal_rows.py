"""Rows of the journal's tables, written and read within one transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa

from spamguard.comment import Comment, Post
from spamguard.feedback.database import Database
from spamguard.feedback.entries import Entry, stamp, undone
from spamguard.feedback.journal_tables import comments, entries, posts

_PAGE: Final = 100
_FACTS: Final = (
    *("decision", "undoes", "digest", "label", "spam_probability"),
    *("log_odds", "discard", "model", "language", "note"),
)


def of_comment(site: str, comment_id: str) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    """Return the conditions that choose a comment's entries."""
    return entries.c.site == site, entries.c.comment_id == comment_id


def is_forgotten(connection: sa.Connection, site: str, comment_id: str) -> bool:
    """Tell whether this comment was forgotten."""
    query = sa.select(entries.c.id).where(*of_comment(site, comment_id), entries.c.kind == "forget")
    return connection.execute(query.limit(1)).first() is not None


def now_after(connection: sa.Connection, site: str, comment_id: str) -> str:
    """Return the time; a decision made now is the latest even if a clock was set back."""
    query = sa.select(sa.func.max(entries.c.at)).where(*of_comment(site, comment_id))
    return max(stamp(datetime.now(UTC)), connection.execute(query).scalar() or "")


def append_entry(connection: sa.Connection, **values: Any) -> int:
    """Add an entry and return its number."""
    return _insert(connection, entries, values)


def _insert(connection: sa.Connection, table: sa.Table, values: dict[str, Any]) -> int:
    key = connection.execute(sa.insert(table).values(values)).inserted_primary_key
    assert key is not None
    return int(key[0])


# --- comments and posts -------------------------------------------------------------


def put_comment(
    connection: sa.Connection,
    site: str,
    comment_id: str,
    comment: Comment,
    post_id: str | None,
) -> tuple[int, bool]:
    """Return the number of the row with this content, and whether the row is new."""
    post, address = _put_post(connection, site, comment.post)
    values = {
        "text": comment.text,
        "author": comment.author,
        "author_url": comment.author_url,
        "date": _date(comment.date),
        "post": post,
        "post_id": post_id if post_id is not None else address,
    }
    query = sa.select(comments).where(comments.c.site == site, comments.c.comment_id == comment_id)
    for row in connection.execute(query.order_by(comments.c.id.desc())):
        if all(getattr(row, name) == value for name, value in values.items()):
            return int(row.id), False
    return _insert(connection, comments, {"site": site, "comment_id": comment_id, **values}), True


def _put_post(
    connection: sa.Connection, site: str, post: Post | None
) -> tuple[int | None, str | None]:
    """Return the number of the post's row, and a key to use if the site has none."""
    if post is None:
        return None, None
    values = {
        "title": post.title,
        "text": post.text,
        "url": post.url,
        "author": post.author,
        "date": _date(post.date),
    }
    if not any(values.values()):
        return None, None
    digest = _sha256([site, *values.values()])
    query = sa.select(posts.c.id).where(posts.c.site == site, posts.c.digest == digest)
    number = connection.execute(query).scalar()
    if number is None:
        number = _insert(connection, posts, {"site": site, "digest": digest, **values})
    # An address may be longer than a name can be, and hold characters that a name cannot.
    key = f"url:{_sha256([post.url])[:24]}" if post.url else f"post:{digest[:24]}"
    return int(number), key


def _sha256(values: Sequence[str | None]) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()


def _date(value: datetime | str | None) -> str | None:
    return value.isoformat() if isinstance(value, datetime) else value


# --- entries ------------------------------------------------------------------------


def read_entries(
    database: Database, wanted: Sequence[sa.ColumnElement[bool]], after: int, last: int | None
) -> Iterator[Entry]:
    """Yield entries in their order, a page at a time."""
    if last is not None:
        query = sa.select(entries.c.id).where(*wanted).order_by(entries.c.id.desc())
        with database.reading() as connection:
            bound = connection.execute(query.offset(max(0, last)).limit(1)).scalar()
        after = max(after, bound or 0)
    while True:
        with database.reading() as connection:
            query = sa.select(entries).where(*wanted, entries.c.id > after)
            page = connection.execute(query.order_by(entries.c.id).limit(_PAGE)).all()
            undone_by = _undone_of(connection, page)
        if not page:
            return
        yield from (_entry(row, undone_by.get(row.id)) for row in page)
        after = page[-1].id


def _undone_of(connection: sa.Connection, page: Sequence[sa.Row[Any]]) -> dict[int, int]:
    """Return which entries of the page's comments are undone, each with its undo."""
    found: dict[int, int] = {}
    for site in {row.site for row in page}:
        names = {row.comment_id for row in page if row.site == site}
        query = sa.select(entries.c.id, entries.c.undoes).where(
            entries.c.kind == "undo", entries.c.site == site, entries.c.comment_id.in_(names)
        )
        found |= undone((row.id, row.undoes) for row in connection.execute(query))
    return found


def _entry(row: sa.Row[Any], undone_by: int | None) -> Entry:
    return Entry(
        id=row.id,
        kind=row.kind,
        site=row.site,
        comment_id=row.comment_id,
        at=datetime.fromisoformat(row.at),
        by=row.moderator,
        undone_by=undone_by,
        **{name: getattr(row, name) for name in _FACTS},
    )
