"""Deletion of comments from a journal, including the bytes of its file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa

from spamguard.errors import FeedbackError
from spamguard.feedback.database import Database
from spamguard.feedback.entries import Erasure, stamp
from spamguard.feedback.journal_rows import append_entry, is_forgotten, of_comment
from spamguard.feedback.journal_tables import comments, entries, posts
from spamguard.feedback.steps import delete_orphans, put_step

_NOTES = ("forget", "retention")  # entries that record a deletion


def erase_comment(
    connection: sa.Connection, site: str, comment_id: str, by: str, name: str
) -> Erasure:
    """Delete a comment and record who forgot it, within a transaction."""
    known = is_forgotten(connection, site, comment_id)
    of_it = (*of_comment(site, comment_id), entries.c.kind != "forget")
    texts = sa.select(entries.c.digest).where(*of_it, entries.c.digest.is_not(None))
    digests = list(connection.execute(texts.distinct()).scalars())
    gone = connection.execute(sa.delete(entries).where(*of_it)).rowcount
    if not (gone or known):
        raise FeedbackError(f"{name} knows no such comment; check its id and the site's key.")
    contents = (comments.c.site == site, comments.c.comment_id == comment_id)
    connection.execute(sa.delete(comments).where(*contents))
    _delete_unanswered_posts(connection)
    put_step(connection, site, comment_id)
    if not known:
        append_entry(
            connection,
            kind="forget",
            site=site,
            comment_id=comment_id,
            at=stamp(datetime.now(UTC)),
            moderator=by,
        )
    return Erasure(gone, _copies(connection, digests))


def erase_before(database: Database, limit: datetime, by: str, site: str | None) -> Erasure:
    """Delete every comment that has no entry since `limit`."""
    wanted = [] if site is None else [entries.c.site == site]
    other = entries.alias()
    younger = sa.exists().where(
        other.c.site == entries.c.site,
        other.c.comment_id == entries.c.comment_id,
        other.c.kind.not_in(_NOTES),
        other.c.at >= stamp(limit),
    )
    with database.writing() as connection:
        old = sa.delete(entries).where(*wanted, entries.c.kind.not_in(_NOTES), ~younger)
        gone = connection.execute(old).rowcount
        mentioned = sa.exists().where(
            entries.c.site == comments.c.site, entries.c.comment_id == comments.c.comment_id
        )
        connection.execute(sa.delete(comments).where(~mentioned))
        _delete_unanswered_posts(connection)
        delete_orphans(connection)
        if gone:
            append_entry(
                connection,
                kind="retention",
                site=site or "",
                comment_id="",
                at=stamp(datetime.now(UTC)),
                moderator=by,
                note=f"{gone} entries before {limit:%Y-%m-%d %H:%M}",
            )
        note = database.must_scrub(connection)
    database.scrub(note)
    return Erasure(gone)


def _delete_unanswered_posts(connection: sa.Connection) -> None:
    answered = sa.exists().where(comments.c.post == posts.c.id)
    connection.execute(sa.delete(posts).where(~answered))


def _copies(connection: sa.Connection, digests: Sequence[str]) -> tuple[tuple[str, str], ...]:
    query = (
        sa.select(entries.c.site, entries.c.comment_id)
        .where(entries.c.digest.in_(digests))
        .distinct()
        .order_by(entries.c.site, entries.c.comment_id)
        .limit(100)
    )
    return tuple((row.site, row.comment_id) for row in connection.execute(query))
