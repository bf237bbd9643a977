"""Decisions in force, and the labels that they give."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from spamguard.comment import Comment, Post
from spamguard.feedback.database import Database
from spamguard.feedback.entries import Correction, undone
from spamguard.feedback.journal_tables import comments, entries, posts

if TYPE_CHECKING:
    import pandas as pd

_PAGE: Final = 100  # comments in memory at a time, as each may be megabytes long
_POSTS: Final = 100  # posts cached between rows
_LAST: Final = 2**63 - 1
_COLUMNS: Final = (
    *("blog", "comment_id", "post_id", "text", "author", "author_url", "date", "label"),
    *("post_title", "post_text", "post_url", "post_author", "decided_at", "account"),
)


@dataclass(frozen=True, slots=True)
class LabelInForce:
    """The decision in force about a comment, with its entry number."""

    entry: int
    correction: Correction


def standing_of(
    connection: sa.Connection, site: str, comment_id: str, given: Correction | None = None
) -> LabelInForce | None:
    """Return the decision in force about a comment, with its text if the journal has it.

    `given` was just entered; its comment is used as sent, as the journal may keep no
    texts.
    """
    query = sa.select(entries.c.id).where(
        entries.c.site == site, entries.c.comment_id == comment_id, entries.c.kind == "correction"
    )
    numbers = list(connection.execute(query).scalars())
    row = next(iter(in_force(connection, numbers, _LAST)), None)
    if row is None:
        return None
    comment, post_id = None, None
    if row.content is not None:
        content = connection.execute(sa.select(comments).where(comments.c.id == row.content)).one()
        post_id = content.post_id
        query = sa.select(posts).where(posts.c.id == content.post)
        comment = _comment(content, connection.execute(query).first())
    if given is not None and given.comment is not None and row.id == max(numbers):
        comment = given.comment
    at = datetime.fromisoformat(row.at)
    return LabelInForce(
        row.id,
        Correction(comment_id, row.decision, row.moderator, comment, site, post_id, at),
    )


def _comment(content: sa.Row[Any], post: sa.Row[Any] | None) -> Comment:
    under = None
    if post is not None:
        under = Post(post.title, post.text, post.url, post.author, post.date)
    return Comment(content.text, content.author, content.author_url, content.date, under)


# --- the labels of a journal ------------------------------------------------------------


def read_labels(database: Database, site: str | None) -> Iterator[dict[str, Any]]:
    """Yield the labels in force as rows of a corpus, one for each comment."""
    known: dict[int, sa.Row[Any]] = {}
    for page in read_decisions(database, site):
        labelled = [row for row in page if row.decision != "remove" and row.content is not None]
        with database.reading() as connection:
            query = sa.select(comments).where(comments.c.id.in_([row.content for row in labelled]))
            contents = {row.id: row for row in connection.execute(query)}
            missing = {row.post for row in contents.values()} - known.keys() - {None}
            if len(known) + len(missing) > _POSTS:
                known = {}
                missing = {row.post for row in contents.values()} - {None}
            found = connection.execute(sa.select(posts).where(posts.c.id.in_(missing)))
            known |= {row.id: row for row in found}
        for row in labelled:
            # The comment may have been forgotten between the two queries.
            if (content := contents.get(row.content)) is not None:
                yield _label_row(row, content, known.get(content.post))


def read_decisions(database: Database, site: str | None) -> Iterator[list[sa.Row[Any]]]:
    """Yield the corrections in force, a page at a time, in order of entries.

    Entries are only added, so those up to the current last one are a consistent state
    without a long transaction.
    """
    wanted = [entries.c.kind == "correction"]
    if site is not None:
        wanted.append(entries.c.site == site)
    with database.reading() as connection:
        top = connection.execute(sa.select(sa.func.max(entries.c.id))).scalar() or 0
    after = 0
    while after < top:
        with database.reading() as connection:
            query = sa.select(entries.c.id).where(
                *wanted, entries.c.id > after, entries.c.id <= top
            )
            page = list(connection.execute(query.order_by(entries.c.id).limit(_PAGE)).scalars())
            if not page:
                return
            found = in_force(connection, page, top)
        yield found
        after = page[-1]


def corpus_of(rows: Iterator[dict[str, Any]], latest: int | None) -> pd.DataFrame:
    """Return labels as a corpus: all, or the `latest`."""
    import pandas as pd

    from spamguard.corpus import check_corpus

    # Rows under a post share its strings, so that a long post is in memory once.
    pool: dict[str, str] = {}
    kept: deque[dict[str, Any]] = deque(maxlen=latest)
    for row in rows:
        if latest is None:
            for name in ("post_title", "post_text"):
                if row[name] is not None:
                    row[name] = pool.setdefault(row[name], row[name])
        kept.append(row)
    frame = pd.DataFrame({name: [row[name] for row in kept] for name in _COLUMNS}, dtype=object)
    return check_corpus(frame, labelled=True)


def _label_row(
    decision: sa.Row[Any], content: sa.Row[Any], post: sa.Row[Any] | None
) -> dict[str, Any]:
    return {
        "blog": decision.site or None,
        "comment_id": decision.comment_id,
        "post_id": content.post_id,
        "text": content.text,
        "author": content.author,
        "author_url": content.author_url,
        "date": content.date,
        "label": decision.decision,
        "post_title": None if post is None else post.title,
        "post_text": None if post is None else post.text,
        "post_url": None if post is None else post.url,
        "post_author": None if post is None else post.author,
        "decided_at": decision.at,
        "account": decision.moderator,
    }


# --- which correction counts --------------------------------------------------------


def in_force(connection: sa.Connection, page: Sequence[int], top: int) -> list[sa.Row[Any]]:
    """Return the page's corrections that are in force."""
    named = (
        sa.select(entries.c.site, entries.c.comment_id)
        .where(entries.c.id.in_(page))
        .distinct()
        .subquery()
    )
    # A decision without a text may precede the verdict with the text.
    first = (
        sa.select(sa.func.min(comments.c.id))
        .where(comments.c.site == entries.c.site, comments.c.comment_id == entries.c.comment_id)
        .scalar_subquery()
    )
    same = (entries.c.site == named.c.site) & (entries.c.comment_id == named.c.comment_id)
    query = (
        sa.select(
            *(entries.c[name] for name in ("id", "site", "comment_id", "at", "moderator")),
            entries.c.decision,
            entries.c.undoes,
            sa.func.coalesce(entries.c.content, first).label("content"),
        )
        .join(named, same)
        .where(entries.c.kind.in_(("correction", "undo")), entries.c.id <= top)
    )
    histories: dict[tuple[str, str], list[Any]] = {}
    for row in connection.execute(query):
        histories.setdefault((row.site, row.comment_id), []).append(row)
    chosen = (_decision(history) for history in histories.values())
    here = set(page)
    return sorted(
        (row for row in chosen if row is not None and row.id in here), key=lambda row: row.id
    )


def _decision(history: Sequence[sa.Row[Any]]) -> sa.Row[Any] | None:
    """Return the latest correction that is not undone."""
    back = undone((row.id, row.undoes) for row in history)
    left = [row for row in history if row.decision is not None and row.id not in back]
    return max(left, key=lambda row: (row.at, row.id), default=None)
