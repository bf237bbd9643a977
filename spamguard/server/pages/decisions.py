"""What a moderator does on the pages: some comments at once, and the way back of the last step."""

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
from spamguard.server.store import Site
from spamguard.server.store.server_tables import actions, comments
from spamguard.server.worker import Services

MOST: Final = 500
"""Comments that one step is for."""

Side = Literal["spam", "ham"]


@dataclass(slots=True)
class Done:
    """What became of a step.

    Parameters
    ----------
    action : int or None
        Its number, by which it is taken back; None where nothing was to do.
    comments : int
        Comments that now have the decision.
    entries : list of (int, int)
        Site, and number in the journal, of what was entered.
    missing : list of str
        Why others have not.
    """

    action: int | None = None
    comments: int = 0
    entries: list[tuple[int, int]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def decide(services: Services, by: Moderator, numbers: Iterable[int], decision: Side) -> Done:
    """Decide about comments, by the numbers of their rows.

    Each is durable by itself: if the database goes away in between, what was
    done is done, and can be taken back.

    Raises
    ------
    FeedbackError
        If one could not be kept; the rest was not tried.
    """
    found = Done()
    rows = _rows(services.journal.database, by, numbers)
    known: dict[int, Site | None] = {}
    try:
        for row in rows:
            if row.decision == decision:
                found.comments += 1  # pressed twice: one entry is enough
                continue
            if row.site not in known:
                known[row.site] = services.sites.with_id(row.site)
            site = known[row.site]
            if site is None:
                continue
            try:
                receipt = services.feedback.decide(site, row.id, decision, by.name)
            except (ForgottenError, ServerError) as error:
                found.missing.append(str(error))
                continue
            services.metrics.feedback(decision, receipt.agreed)
            found.comments += 1
            found.entries.append((site.id, receipt.entry))
    finally:
        if found.entries:
            found.action = note(
                services.journal.database, by, "decide", _only(found.entries),
                decision=decision, comments=len(found.entries), entries=found.entries,
            )  # fmt: skip
    return found


def undo(services: Services, by: Moderator, action: int | None = None) -> Done:
    """Take back a step of decisions of the same moderator, by default the last one.

    Raises
    ------
    ServerError
        If there is none.
    """
    row = last_action(services.journal.database, by, action)
    if row is None:
        raise ServerError("There is nothing left to take back.")
    found = Done(int(row.id))
    for number, entry in json.loads(row.detail)["entries"]:
        site = services.sites.with_id(int(number))
        if site is not None and _counts(services, site, int(entry)):
            services.feedback.undo(site, int(entry), by.name)
            found.entries.append((site.id, int(entry)))
            found.comments += 1
    with services.journal.database.writing() as connection:
        mine = actions.c.id == row.id
        connection.execute(sa.update(actions).where(mine).values(undone_at=stamp(now())))
    return found


def undo_entry(services: Services, by: Moderator, site: Site, entry: int) -> None:
    """Take back one decision, whoever made it.

    Raises
    ------
    ServerError
        If it does not count any more, or never did.
    """
    if not _counts(services, site, entry):
        raise ServerError("This decision is taken back already, or there is none of this number.")
    services.feedback.undo(site, entry, by.name)


def last_action(database: Database, by: Moderator, action: int | None = None) -> sa.Row[Any] | None:
    """Return the last step of decisions that was not taken back; or a certain one."""
    wanted = [
        actions.c.moderator == by.name, actions.c.kind == "decide", actions.c.undone_at.is_(None),
    ]  # fmt: skip
    if action is not None:
        wanted.append(actions.c.id == action)
    query = sa.select(actions).where(*wanted).order_by(actions.c.id.desc()).limit(1)
    with database.reading() as connection:
        return connection.execute(query).first()


def note(database: Database, by: Moderator, kind: str, site: int | None, **detail: Any) -> int:
    """Keep what was done on the pages; return its number."""
    values = {
        "moderator": by.name, "at": stamp(now()), "kind": kind, "site": site,
        "detail": json.dumps(detail),
    }  # fmt: skip
    with database.writing() as connection:
        key = connection.execute(sa.insert(actions).values(values)).inserted_primary_key
    assert key is not None
    return int(key[0])


def _counts(services: Services, site: Site, entry: int) -> bool:
    """Tell whether an entry is a decision that nobody has taken back."""
    found = next(services.journal.entries(site=site.name, after=entry - 1), None)
    return (
        found is not None
        and found.id == entry
        and found.kind == "correction"
        and found.undone_by is None
    )


def _rows(database: Database, by: Moderator, numbers: Iterable[int]) -> list[sa.Row[Any]]:
    """Return the rows that the moderator may decide on, each comment once."""
    wanted = list(dict.fromkeys(numbers))
    if len(wanted) > MOST:
        raise ServerError(f"At most {MOST} comments are decided at once; choose fewer.")
    columns = [comments.c[name] for name in ("id", "site", "digest", "decision")]
    with database.reading() as connection:
        query = sa.select(*columns).where(comments.c.id.in_(wanted)).order_by(comments.c.id)
        rows = connection.execute(query).all()
    once: dict[tuple[int, str], sa.Row[Any]] = {}
    for row in rows:
        if by.may_see(row.site):
            once.setdefault((row.site, row.digest), row)
    return list(once.values())


def _only(entries: list[tuple[int, int]]) -> int | None:
    found = {site for site, _ in entries}
    return found.pop() if len(found) == 1 else None
