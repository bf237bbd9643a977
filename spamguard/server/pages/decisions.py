"""Decisions on several comments at once, and their undo in one step."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import sqlalchemy as sa

from spamguard.errors import ForgottenError, ServerError
from spamguard.feedback import Database, stamp
from spamguard.server.pages.accounts import Moderator
from spamguard.server.pages.rendering import now
from spamguard.server.store import Site, tables
from spamguard.server.worker import Worker

MOST: Final = 500
"""Comments in one action."""

Side = Literal["spam", "ham"]


@dataclass(slots=True)
class ActionResult:
    """The result of one action.

    Parameters
    ----------
    action : int or None
        Its number, by which it is undone; None if nothing had to be done.
    comments : int
        Comments that now have the decision, or lost it.
    entries : list of (int, int)
        Site and number of each entry in the journal.
    errors : list of str
        Why other comments were left out.
    """

    action: int | None = None
    comments: int = 0
    entries: list[tuple[int, int]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def decide(worker: Worker, by: Moderator, numbers: Iterable[int], decision: Side) -> ActionResult:
    """Decide on comments, by the numbers of their rows.

    Each decision is durable by itself: after a FeedbackError, the earlier ones are kept
    and can be undone.
    """
    result = ActionResult()
    sites: dict[int, Site | None] = {}
    try:
        for row in _rows(worker.journal.database, by, numbers):
            if row.decision == decision:
                result.comments += 1  # pressed twice: one entry is enough
                continue
            if row.site not in sites:
                sites[row.site] = worker.sites.with_id(row.site)
            site = sites[row.site]
            if site is not None:
                _decide(worker, by, site, row.id, decision, result)
    finally:
        if result.entries:
            touched = {number for number, _ in result.entries}
            result.action = record_action(
                worker.journal.database, by, "decide", touched.pop() if len(touched) == 1 else None,
                decision=decision, comments=len(result.entries), entries=result.entries,
            )  # fmt: skip
    return result


def _decide(
    worker: Worker, by: Moderator, site: Site, number: int, decision: Side, result: ActionResult
) -> None:
    try:
        receipt = worker.feedback.decide(site, number, decision, by.name)
    except (ForgottenError, ServerError) as error:
        result.errors.append(str(error))
        return
    worker.metrics.feedback(decision, receipt.agreed)
    result.comments += 1
    result.entries.append((site.id, receipt.entry))


def undo(worker: Worker, by: Moderator, action: int | None = None) -> ActionResult:
    """Undo an action of this moderator, by default the last; ServerError if there is none."""
    row = last_action(worker.journal.database, by, action)
    if row is None:
        raise ServerError("There is nothing to undo.")
    result = ActionResult(int(row.id))
    for number, entry in json.loads(row.detail)["entries"]:
        site = worker.sites.with_id(int(number))
        if site is not None and _is_in_force(worker, site, int(entry)):
            worker.feedback.undo(site, int(entry), by.name)
            result.entries.append((site.id, int(entry)))
            result.comments += 1
    with worker.journal.database.writing() as connection:
        mine = tables.actions.c.id == row.id
        connection.execute(sa.update(tables.actions).where(mine).values(undone_at=stamp(now())))
    return result


def undo_entry(worker: Worker, by: Moderator, site: Site, entry: int) -> None:
    """Undo one decision of any moderator; ServerError if it is undone or does not exist."""
    if not _is_in_force(worker, site, entry):
        raise ServerError("This decision is undone already, or there is no such entry.")
    worker.feedback.undo(site, entry, by.name)


def last_action(database: Database, by: Moderator, action: int | None = None) -> sa.Row[Any] | None:
    """Return the moderator's last decision that is not undone, or the one with a number."""
    actions = tables.actions
    conditions = [
        actions.c.moderator == by.name, actions.c.kind == "decide", actions.c.undone_at.is_(None),
    ]  # fmt: skip
    if action is not None:
        conditions.append(actions.c.id == action)
    query = sa.select(actions).where(*conditions).order_by(actions.c.id.desc()).limit(1)
    with database.reading() as connection:
        return connection.execute(query).first()


def record_action(
    database: Database, by: Moderator, kind: str, site: int | None, **detail: Any
) -> int:
    """Record what a moderator did on the pages; return its number."""
    values = {
        "moderator": by.name, "at": stamp(now()), "kind": kind, "site": site,
        "detail": json.dumps(detail),
    }  # fmt: skip
    with database.writing() as connection:
        key = connection.execute(sa.insert(tables.actions).values(values)).inserted_primary_key
    assert key is not None
    return int(key[0])


def _is_in_force(worker: Worker, site: Site, entry: int) -> bool:
    """Return whether an entry is a decision that is not undone."""
    found = next(worker.journal.entries(site=site.name, after=entry - 1), None)
    return (
        found is not None
        and found.id == entry
        and found.kind == "correction"
        and found.undone_by is None
    )


def _rows(database: Database, by: Moderator, numbers: Iterable[int]) -> list[sa.Row[Any]]:
    """Return the rows that the moderator may decide on, each comment once."""
    distinct = list(dict.fromkeys(numbers))
    if len(distinct) > MOST:
        raise ServerError(f"Decide on at most {MOST} comments at once; choose fewer.")
    comments = tables.comments
    columns = [comments.c[name] for name in ("id", "site", "digest", "decision")]
    query = sa.select(*columns).where(comments.c.id.in_(distinct)).order_by(comments.c.id)
    with database.reading() as connection:
        rows = connection.execute(query).all()
    once: dict[tuple[int, str], sa.Row[Any]] = {}
    for row in rows:
        if by.may_see(row.site):
            once.setdefault((row.site, row.digest), row)
    return list(once.values())
