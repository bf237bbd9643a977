"""The log: every decision as the journal has it, and what else was changed on these pages."""

from __future__ import annotations

import json
from typing import Any, Final

import sqlalchemy as sa
from starlette.exceptions import HTTPException
from starlette.responses import Response

from spamguard.feedback import Entry
from spamguard.feedback import journal_entries as entries
from spamguard.model import probability
from spamguard.server.pages import decisions as deciding
from spamguard.server.pages.rendering import percent
from spamguard.server.pages.requests import Visit
from spamguard.server.store.server_tables import actions

_A_PAGE: Final = 50
_CHANGES: Final = 30
_KINDS: Final = ("correction", "undo", "forget", "retention")


def show(visit: Visit) -> Response:
    """Show the log, the latest first."""
    names = [site.name for site in visit.sites()]
    site, by = visit.asked("site"), visit.asked("by")[:255]
    if site and site not in names:
        raise HTTPException(404, "There is no such site, or it is not one of yours.")
    before = visit.asked("before")
    found = _entries(visit, [site] if site else names, by, before)
    return visit.render(
        "log.html",
        sites=names,
        site=site,
        by=by,
        rows=[(entry, _words(entry)) for entry in found[:_A_PAGE]],
        older=found[_A_PAGE - 1].id if len(found) > _A_PAGE else None,
        changes=[] if before else _changes(visit),
        said={"undone": "Taken back."}.get(visit.asked("said"), ""),
    )


def undo(visit: Visit) -> Response:
    """Take one decision back, whoever made it."""
    number = visit.sent("entry")
    if not (number.isascii() and number.isdecimal() and len(number) < 19):
        raise HTTPException(400, "Name the entry by its number.")
    site = visit.site(visit.sent("site"))
    deciding.undo_entry(visit.services, visit.moderator, site, int(number))
    return visit.to("/log", said="undone")


def _entries(visit: Visit, names: list[str], by: str, before: str) -> list[Entry]:
    wanted: list[sa.ColumnElement[bool]] = [entries.c.site.in_(names), entries.c.kind.in_(_KINDS)]
    if by:
        wanted.append(entries.c.moderator == by)
    if before.isascii() and before.isdecimal() and len(before) < 19:
        wanted.append(entries.c.id < int(before))
    query = sa.select(entries.c.id, entries.c.site).where(*wanted).order_by(entries.c.id.desc())
    journal = visit.services.journal
    with journal.database.reading() as connection:
        numbers = connection.execute(query.limit(_A_PAGE + 1)).all()
    # The journal tells which of them still count.
    found = (next(journal.entries(site=row.site, after=row.id - 1), None) for row in numbers)
    return [entry for entry in found if entry is not None]


def _words(entry: Entry) -> str:
    if entry.kind == "correction":
        said = {"spam": "spam", "ham": "not spam", "remove": "removed, no label"}
        return said[str(entry.decision)]
    if entry.kind == "undo":
        return f"took back entry {entry.undoes}"
    return "forgot the comment" if entry.kind == "forget" else f"retention time: {entry.note}"


def _changes(visit: Visit) -> list[tuple[sa.Row[Any], str, str]]:
    own = {site.id: site.name for site in visit.sites()}
    query = (
        sa.select(actions)
        .where(actions.c.kind != "decide", actions.c.site.in_(list(own)))
        .order_by(actions.c.id.desc())
        .limit(_CHANGES)
    )
    with visit.services.journal.database.reading() as connection:
        rows = connection.execute(query).all()
    return [(row, own[row.site], _change(row.kind, json.loads(row.detail))) for row in rows]


def _change(kind: str, detail: dict[str, Any]) -> str:
    if kind == "thresholds":
        before, after = (
            "the model’s own" if cut is None else percent(probability(cut))
            for cut in (detail["before"], detail["after"])
        )
        return f"threshold for {detail['action']}: from {before} to {after}"
    if kind == "retrain":
        return "started a retraining"
    return f"{'put a new model to use' if kind == 'use' else 'rolled back'}: now {detail['model']}"
