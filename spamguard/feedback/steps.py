"""The steps of the journal: the effect of each decision, written in its own transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import sqlalchemy as sa

from spamguard.comment import Comment
from spamguard.feedback.database import Database
from spamguard.feedback.journal_tables import comments, entries, steps
from spamguard.feedback.labels import LabelInForce, standing_of
from spamguard.training import MOST

Learner = Callable[[Comment, Literal["spam", "ham"]], bytes]
"""Turns a comment and its label into a step: see `spamguard.training.pack_step`."""

_TOGETHER: Final = 50  # comments learned per transaction, which blocks other writers


@dataclass(frozen=True, slots=True)
class Page:
    """Steps since a given number.

    `rows` are keys with steps (None undoes a key), `last` is the number of the last row.
    `whole` says that earlier steps no longer count, `due` that comments must be learned
    first.
    """

    rows: tuple[tuple[str, bytes | None], ...]
    last: int
    whole: bool
    due: bool


# --- writing, within a transaction ----------------------------------------------------


def put_step(
    connection: sa.Connection,
    site: str,
    comment_id: str,
    data: bytes | None = None,
    *,
    due: bool = False,
    shared: bool = False,
) -> None:
    """Replace the step of a comment; a shared one stays shared."""
    mine = (steps.c.site == site) & (steps.c.comment_id == comment_id)
    former = connection.execute(sa.select(steps.c.shared).where(mine)).scalar()
    if former is None and data is None and not (due or shared):
        return  # no step before or now
    connection.execute(sa.delete(steps).where(mine))
    values = {"site": site, "comment_id": comment_id, "data": data, "due": due}
    connection.execute(sa.insert(steps).values(**values, shared=shared or bool(former)))


def settle_step(
    connection: sa.Connection,
    site: str,
    comment_id: str,
    standing: LabelInForce | None,
    learn: Learner,
) -> None:
    """Write the step that follows from a comment's decision in force."""
    decision = None if standing is None else standing.correction
    data = None
    if decision is not None and decision.decision != "remove" and decision.comment is not None:
        data = learn(decision.comment, decision.decision)
    put_step(connection, site, comment_id, data)


def mark_due(connection: sa.Connection, site: str, comment_id: str) -> None:
    """Note that a text has arrived for a decision that was kept without one."""
    mine = (steps.c.site == site) & (steps.c.comment_id == comment_id)
    decided = sa.select(entries.c.id).where(
        entries.c.site == site, entries.c.comment_id == comment_id, entries.c.kind == "correction"
    )
    learned = sa.select(steps.c.id).where(mine, steps.c.data.is_not(None))
    if (
        connection.execute(decided.limit(1)).first() is not None
        and connection.execute(learned).first() is None
    ):
        put_step(connection, site, comment_id, due=True)


def delete_orphans(connection: sa.Connection) -> None:
    """Delete the steps of comments without entries."""
    known = sa.exists().where(
        entries.c.site == steps.c.site, entries.c.comment_id == steps.c.comment_id
    )
    orphans = (steps.c.comment_id != "", ~known)
    found = connection.execute(sa.select(steps.c.site).where(*orphans).distinct()).scalars().all()
    connection.execute(sa.delete(steps).where(*orphans))
    for site in found:
        restart(connection, site)


def share_step(connection: sa.Connection, site: str, comment_id: str, prefix: bool = False) -> None:
    """Share a comment's step with other sites; `prefix` means that keys begin with `comment_id`."""
    is_it = (
        steps.c.comment_id.startswith(comment_id) if prefix else steps.c.comment_id == comment_id
    )
    mine = (steps.c.site == site) & is_it
    connection.execute(sa.update(steps).where(mine).values(shared=True))


def unshare_steps(connection: sa.Connection, site: str) -> None:
    """Stop sharing steps of this site."""
    connection.execute(sa.update(steps).where(steps.c.site == site).values(shared=False))
    restart(connection, site)


def restart(connection: sa.Connection, site: str) -> None:
    """Make all readers of this site's steps read them from the beginning."""
    put_step(connection, site, "", shared=True)


# --- reading --------------------------------------------------------------------------


def last_step_of(site: sa.ColumnElement[str]) -> sa.ScalarSelect[int]:
    """Return an expression for the number of a site's last step."""
    return sa.select(sa.func.max(steps.c.id)).where(steps.c.site == site).scalar_subquery()


def last_shared_step() -> sa.ScalarSelect[int]:
    """Return an expression for the number of the last step that sites share."""
    return sa.select(sa.func.max(steps.c.id)).where(steps.c.shared).scalar_subquery()


def count_steps(database: Database, site: str) -> int:
    """Return the number of a site's comments with a step."""
    query = sa.select(sa.func.count()).where(steps.c.site == site, steps.c.data.is_not(None))
    with database.reading() as connection:
        return connection.execute(query).scalar_one()


def last_step(database: Database, site: str) -> int:
    """Return the number of a site's last step; 0 if there is none."""
    with database.reading() as connection:
        return connection.execute(_LAST, {"site": site}).scalar() or 0


_LAST: Final = sa.select(sa.func.max(steps.c.id)).where(steps.c.site == sa.bindparam("site"))


def read_steps(database: Database, site: str, after: int, shared: bool = False) -> Page:
    """Read a site's steps or, if `shared`, those shared by all other sites."""
    mine = (steps.c.shared & (steps.c.site != site)) if shared else steps.c.site == site
    query = sa.select(steps).where(mine).order_by(steps.c.id.desc())
    with database.reading() as connection:
        last = connection.execute(query.with_only_columns(steps.c.id).limit(1)).scalar() or 0
        new = query.where(steps.c.id > after, steps.c.id <= last)
        rows = connection.execute(new).all() if after else []
        whole = after == 0 or any(row.comment_id == "" for row in rows)
        if whole:
            # A reader without steps has nothing to undo.
            some = steps.c.data.is_not(None) | steps.c.due
            rows = connection.execute(query.where(some, steps.c.id <= last).limit(MOST)).all()
    found = tuple(
        (f"{row.site}:{row.comment_id}" if shared else row.comment_id, row.data)
        for row in reversed(rows)
    )
    return Page(found, last, whole, not shared and any(row.due for row in rows))


def learn_due(database: Database, site: str, learn: Learner) -> None:
    """Learn the due comments, the latest few thousand, in several transactions.

    Raises FeedbackError if it cannot be written; earlier transactions are kept.
    """
    due = (steps.c.site == site, steps.c.due)
    newest = sa.select(steps.c.id).where(*due).order_by(steps.c.id.desc())
    with database.writing() as connection:
        last = connection.execute(newest.limit(1)).scalar() or 0
        bound = connection.execute(newest.offset(MOST).limit(1)).scalar() or 0
        old = sa.update(steps).where(*due, steps.c.id <= bound).values(due=False)
        connection.execute(old)
    while True:
        with database.writing() as connection:
            page = sa.select(steps.c.comment_id).where(*due, steps.c.id <= last)
            keys = connection.execute(page.order_by(steps.c.id).limit(_TOGETHER)).scalars().all()
            for key in keys:
                settle_step(connection, site, key, standing_of(connection, site, key), learn)
        if len(keys) < _TOGETHER:
            return


def relearn(database: Database, site: str, keys: list[str]) -> None:
    """Mark those of the comments as due whose texts are in the journal."""
    content = sa.exists().where(
        comments.c.site == site, comments.c.comment_id == steps.c.comment_id
    )
    with database.writing() as connection:
        for start in range(0, len(keys), 500):
            mine = (steps.c.site == site, steps.c.comment_id.in_(keys[start : start + 500]))
            connection.execute(sa.update(steps).where(*mine, content).values(due=True))
