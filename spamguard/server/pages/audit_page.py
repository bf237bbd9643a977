"""The log: every decision in the journal, and the other changes made on these pages."""

from __future__ import annotations

import json
from typing import Any, Final

import sqlalchemy as sa
from starlette.exceptions import HTTPException
from starlette.responses import Response

from spamguard.display import share
from spamguard.feedback import Entry
from spamguard.feedback import journal_entries as entries
from spamguard.model import probability
from spamguard.server.pages import decisions
from spamguard.server.pages.requests import Visit
from spamguard.server.store import tables

_PAGE_SIZE: Final = 50
_MOST_CHANGES: Final = 30
_KINDS: Final = ("correction", "undo", "forget", "retention")
_DECISIONS: Final = {"spam": "spam", "ham": "not spam", "remove": "removed, no label"}


def show(visit: Visit) -> Response:
    """Show the log, the latest first."""
    names = [site.name for site in visit.sites()]
    site, by = visit.parameter("site"), visit.parameter("by")[:255]
    if site:
        visit.site(site)  # 404 if it is not one of theirs
    before = visit.parameter("before")
    found = _entries(visit, [site] if site else names, by, before)
    return visit.render(
        "audit.html",
        sites=names,
        site=site,
        by=by,
        rows=[(entry, _in_words(entry)) for entry in found[:_PAGE_SIZE]],
        older=found[_PAGE_SIZE - 1].id if len(found) > _PAGE_SIZE else None,
        changes=[] if before else _changes(visit),
        message={"undone": "Undone."}.get(visit.parameter("message"), ""),
    )


def undo(visit: Visit) -> Response:
    """Undo one decision of any moderator."""
    number = visit.form_value("entry")
    if not _is_number(number):
        raise HTTPException(400, "Name the entry by its number.")
    site = visit.site(visit.form_value("site"))
    decisions.undo_entry(visit.worker, visit.moderator, site, int(number))
    return visit.redirect("/log", message="undone")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19


def _entries(visit: Visit, names: list[str], by: str, before: str) -> list[Entry]:
    conditions: list[sa.ColumnElement[bool]] = [
        entries.c.site.in_(names),
        entries.c.kind.in_(_KINDS),
    ]
    if by:
        conditions.append(entries.c.moderator == by)
    if _is_number(before):
        conditions.append(entries.c.id < int(before))
    query = sa.select(entries.c.id, entries.c.site).where(*conditions)
    journal = visit.worker.journal
    with journal.database.reading() as connection:
        rows = connection.execute(query.order_by(entries.c.id.desc()).limit(_PAGE_SIZE + 1)).all()
    # The journal knows which of them are undone.
    found = (next(journal.entries(site=row.site, after=row.id - 1), None) for row in rows)
    return [entry for entry in found if entry is not None]


def _in_words(entry: Entry) -> str:
    if entry.kind == "correction":
        return _DECISIONS[str(entry.decision)]
    if entry.kind == "undo":
        return f"undid entry {entry.undoes}"
    return "deleted the comment" if entry.kind == "forget" else f"retention: {entry.note}"


def _changes(visit: Visit) -> list[tuple[sa.Row[Any], str, str]]:
    own = {site.id: site.name for site in visit.sites()}
    actions = tables.actions
    query = (
        sa.select(actions)
        .where(actions.c.kind != "decide", actions.c.site.in_(list(own)))
        .order_by(actions.c.id.desc())
        .limit(_MOST_CHANGES)
    )
    with visit.worker.journal.database.reading() as connection:
        rows = connection.execute(query).all()
    return [
        (row, own[row.site], _change_in_words(row.kind, json.loads(row.detail))) for row in rows
    ]


def _change_in_words(kind: str, detail: dict[str, Any]) -> str:
    if kind == "thresholds":
        before, after = (
            "the model’s own" if cut is None else share(probability(cut))
            for cut in (detail["before"], detail["after"])
        )
        return f"changed the threshold for {detail['action']} from {before} to {after}"
    if kind == "retrain":
        return "started a retraining"
    verb = "put a new model to use" if kind == "use" else "rolled back to the previous model"
    return f"{verb}: {detail['model']}"
