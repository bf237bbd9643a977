"""Rows of the journal's tables, read and written within a transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa

from spamguard.comment import Comment, Post
from spamguard.errors import FeedbackError
from spamguard.feedback.database import Database
from spamguard.feedback.entries import Correction, Entry, stamp, undone
from spamguard.feedback.journal_tables import comments, entries, posts

_PAGE: Final = 100
_LAST: Final = 2**63 - 1
_FACTS: Final = (
    *("decision", "undoes", "digest", "label", "spam_probability"),
    *("log_odds", "discard", "model", "language", "note"),
)


def of_comment(site: str, comment_id: str) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    """Return the conditions that select a comment's entries."""
    return entries.c.site == site, entries.c.comment_id == comment_id


def is_forgotten(connection: sa.Connection, site: str, comment_id: str) -> bool:
    """Return whether this comment was forgotten."""
    query = sa.select(entries.c.id).where(*of_comment(site, comment_id), entries.c.kind == "forget")
    return connection.execute(query.limit(1)).first() is not None


def now_after(connection: sa.Connection, site: str, comment_id: str) -> str:
    """Return the present time, but after the comment's latest entry even if a clock was set back."""
    query = sa.select(sa.func.max(entries.c.at)).where(*of_comment(site, comment_id))
    return max(stamp(datetime.now(UTC)), connection.execute(query).scalar() or "")


def append_entry(connection: sa.Connection, **values: Any) -> int:
    """Add an entry and return its number."""
    return _insert(connection, entries, values)


def append_correction(
    connection: sa.Connection, correction: Correction, digest: str | None, keeps_text: bool
) -> tuple[int, bool]:
    """Return the number of a correction's entry, and whether it is new."""
    site, comment_id = correction.site, correction.comment_id
    if correction.at is None:
        at = now_after(connection, site, comment_id)
    else:
        at = stamp(correction.at)
        same = sa.select(entries.c.id).where(
            *of_comment(site, comment_id),
            entries.c.kind == "correction",
            entries.c.decision == correction.decision,
            entries.c.moderator == correction.by,
            entries.c.at == at,
        )
        if (number := connection.execute(same.limit(1)).scalar()) is not None:
            return number, False
    given, content = correction.comment, None
    if given is None:
        # The moderator saw the latest text.
        mine = (comments.c.site == site) & (comments.c.comment_id == comment_id)
        content = connection.execute(sa.select(sa.func.max(comments.c.id)).where(mine)).scalar()
    elif keeps_text:
        content, _ = put_comment(connection, site, comment_id, given, correction.post_id)
    number = append_entry(
        connection,
        kind="correction",
        site=site,
        comment_id=comment_id,
        at=at,
        moderator=correction.by,
        decision=correction.decision,
        content=content,
        digest=digest,
    )
    return number, True


def append_undo(
    connection: sa.Connection, entry: int, by: str, name: str, site: str | None
) -> tuple[int, sa.Row[Any]]:
    """Return the number of the undo, and the row of the entry it undoes, of `site` unless None."""
    row = None
    if 0 < entry <= _LAST:
        row = connection.execute(sa.select(entries).where(entries.c.id == entry)).first()
    if row is None or site not in (None, row.site):
        raise FeedbackError(f"There is no entry {entry} in {name}; list the entries first.")
    if row.kind in ("forget", "retention"):
        raise FeedbackError(f"Entry {entry} forgot a comment, which cannot be undone.")
    where = of_comment(row.site, row.comment_id)
    pairs = connection.execute(sa.select(entries.c.id, entries.c.undoes).where(*where))
    former = undone((r.id, r.undoes) for r in pairs).get(entry)
    if former is not None:
        raise FeedbackError(
            f"Entry {entry} is undone already, by entry {former}; undo that to restore it."
        )
    number = append_entry(
        connection,
        kind="undo",
        site=row.site,
        comment_id=row.comment_id,
        at=now_after(connection, row.site, row.comment_id),
        moderator=by,
        undoes=entry,
    )
    return number, row


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
    """Return the number of the post's row, and a key for sites without one."""
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
    # An address may be too long for a name, or contain characters that a name may not.
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
    """Return the undone entries of the page's comments, each with its undo."""
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
