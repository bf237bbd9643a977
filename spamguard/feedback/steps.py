"""The steps of the journal: what each decision taught, written in the decision's own transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import sqlalchemy as sa

from spamguard.comment import Comment
from spamguard.feedback.database import Database
from spamguard.feedback.journal_tables import comments, entries, steps
from spamguard.feedback.labels import Standing, standing_of
from spamguard.training import MOST

Learner = Callable[[Comment, Literal["spam", "ham"]], bytes]
"""Turns a comment and its label into a step: see `spamguard.training.pack_step`."""

_TOGETHER: Final = 50  # comments learned in one transaction, for whose end other writers wait


@dataclass(frozen=True, slots=True)
class Page:
    """The steps that were written since a number.

    Attributes
    ----------
    rows : tuple of (str, bytes or None)
        Keys with their steps; None undoes a key.
    last : int
        Number of the last row.
    whole : bool
        These are all steps: those known before no longer count.
    due : bool
        Some comments have to be learned first.
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
    """Replace the step of a comment; one that was shared stays shared."""
    mine = (steps.c.site == site) & (steps.c.comment_id == comment_id)
    former = connection.execute(sa.select(steps.c.shared).where(mine)).scalar()
    if former is None and data is None and not (due or shared):
        return  # nothing was taught, and nothing is
    connection.execute(sa.delete(steps).where(mine))
    values = {"site": site, "comment_id": comment_id, "data": data, "due": due}
    connection.execute(sa.insert(steps).values(**values, shared=shared or bool(former)))


def settle_step(
    connection: sa.Connection,
    site: str,
    comment_id: str,
    standing: Standing | None,
    learn: Learner,
) -> None:
    """Make the step of a comment follow from its decision in force."""
    decision = None if standing is None else standing.correction
    data = None
    if decision is not None and decision.decision != "remove" and decision.comment is not None:
        data = learn(decision.comment, decision.decision)
    put_step(connection, site, comment_id, data)


def mark_due(connection: sa.Connection, site: str, comment_id: str) -> None:
    """Note that a text has come for a decision that could teach nothing without it."""
    mine = (steps.c.site == site) & (steps.c.comment_id == comment_id)
    decided = sa.select(entries.c.id).where(
        entries.c.site == site, entries.c.comment_id == comment_id, entries.c.kind == "correction"
    )
    taught = sa.select(steps.c.id).where(mine, steps.c.data.is_not(None))
    if (
        connection.execute(decided.limit(1)).first() is not None
        and connection.execute(taught).first() is None
    ):
        put_step(connection, site, comment_id, due=True)


def delete_orphans(connection: sa.Connection) -> None:
    """Delete the steps of comments that have no entries left."""
    known = sa.exists().where(
        entries.c.site == steps.c.site, entries.c.comment_id == steps.c.comment_id
    )
    orphans = (steps.c.comment_id != "", ~known)
    found = connection.execute(sa.select(steps.c.site).where(*orphans).distinct()).scalars().all()
    connection.execute(sa.delete(steps).where(*orphans))
    for site in found:
        restart(connection, site)


def share_step(connection: sa.Connection, site: str, comment_id: str, prefix: bool = False) -> None:
    """Share what a comment taught with other sites; `prefix` is the beginning of its key."""
    is_it = (
        steps.c.comment_id.startswith(comment_id) if prefix else steps.c.comment_id == comment_id
    )
    mine = (steps.c.site == site) & is_it
    connection.execute(sa.update(steps).where(mine).values(shared=True))


def unshare_steps(connection: sa.Connection, site: str) -> None:
    """Share nothing of this site any more."""
    connection.execute(sa.update(steps).where(steps.c.site == site).values(shared=False))
    restart(connection, site)


def restart(connection: sa.Connection, site: str) -> None:
    """Tell all readers of this site's steps to read them from the beginning."""
    put_step(connection, site, "", shared=True)


# --- reading --------------------------------------------------------------------------


def last_step_of(site: sa.ColumnElement[str]) -> sa.ScalarSelect[int]:
    """Return an expression for the number of a site's last step."""
    return sa.select(sa.func.max(steps.c.id)).where(steps.c.site == site).scalar_subquery()


def last_shared_step() -> sa.ScalarSelect[int]:
    """Return an expression for the number of the last step that sites share."""
    return sa.select(sa.func.max(steps.c.id)).where(steps.c.shared).scalar_subquery()


def count_steps(database: Database, site: str) -> int:
    """Return how many comments of a site taught something."""
    query = sa.select(sa.func.count()).where(steps.c.site == site, steps.c.data.is_not(None))
    with database.reading() as connection:
        return connection.execute(query).scalar_one()


def last_step(database: Database, site: str) -> int:
    """Return the number of a site's last step; 0 if there is none."""
    with database.reading() as connection:
        return connection.execute(_LAST, {"site": site}).scalar() or 0


_LAST: Final = sa.select(sa.func.max(steps.c.id)).where(steps.c.site == sa.bindparam("site"))


def read_steps(database: Database, site: str, after: int, shared: bool = False) -> Page:
    """Read a site's steps; or, if `shared`, those that all other sites share."""
    mine = (steps.c.shared & (steps.c.site != site)) if shared else steps.c.site == site
    query = sa.select(steps).where(mine).order_by(steps.c.id.desc())
    with database.reading() as connection:
        last = connection.execute(query.with_only_columns(steps.c.id).limit(1)).scalar() or 0
        new = query.where(steps.c.id > after, steps.c.id <= last)
        rows = connection.execute(new).all() if after else []
        whole = after == 0 or any(row.comment_id == "" for row in rows)
        if whole:
            # Rows that undo something say nothing to a reader who knows nothing yet.
            some = steps.c.data.is_not(None) | steps.c.due
            rows = connection.execute(query.where(some, steps.c.id <= last).limit(MOST)).all()
    found = tuple(
        (f"{row.site}:{row.comment_id}" if shared else row.comment_id, row.data)
        for row in reversed(rows)
    )
    return Page(found, last, whole, not shared and any(row.due for row in rows))


def learn_due(database: Database, site: str, learn: Learner) -> None:
    """Learn the comments that are due, the latest few thousand of them, some at a time.

    Raises
    ------
    FeedbackError
        If it cannot be written; what was learned before stays learned.
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
    """Mark comments as due whose texts are in the journal."""
    content = sa.exists().where(
        comments.c.site == site, comments.c.comment_id == steps.c.comment_id
    )
    with database.writing() as connection:
        for start in range(0, len(keys), 500):
            mine = (steps.c.site == site, steps.c.comment_id.in_(keys[start : start + 500]))
            connection.execute(sa.update(steps).where(*mine, content).values(due=True))
