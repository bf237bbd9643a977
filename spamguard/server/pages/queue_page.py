"""The queue: comments beside their posts, and decisions about them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from spamguard.server.pages import decisions as deciding
from spamguard.server.pages import queue_query as waiting
from spamguard.server.pages.escaping import Piece, marks_of, one_line, pieces_of, plain
from spamguard.server.pages.queue_query import Wanted
from spamguard.server.pages.reasons import Sentence, read_reasons, sentences_of
from spamguard.server.pages.rendering import count
from spamguard.server.pages.requests import PREFIX, Visit

_SHORT: Final = 1_200  # characters before "show all"
_SHORT_POST: Final = 360
_MOST_POST: Final = 8_000


@dataclass(frozen=True, slots=True)
class Text:
    """A text in pieces, and the rest that is opened by a click."""

    first: list[Piece]
    rest: list[Piece]


@dataclass(frozen=True, slots=True)
class Shown:
    """One comment as the page shows it."""

    row: sa.Row[Any]
    author: list[Piece]
    author_url: list[Piece]
    permalink: list[Piece]
    text: Text


@dataclass(frozen=True, slots=True)
class Card:
    """A comment, its near-copies, its post and the reasons."""

    main: Shown
    copies: list[Shown]
    title: list[Piece]
    post: Text | None
    sentences: list[Sentence]


def show(visit: Visit) -> Response:
    """Show the queue."""
    wanted = Wanted.of(visit.query)
    database = visit.services.journal.database
    visit.services.recorder.flush()
    allowed = {site.id: site.name for site in visit.sites()}
    if wanted.site and wanted.site not in allowed.values():
        raise HTTPException(404, "There is no such site, or it is not one of yours.")
    found = waiting.find(database, wanted, allowed)
    posts = waiting.posts_of(database, [group[0] for group in found.groups])
    last = deciding.last_action(database, visit.moderator)
    return visit.render(
        "queue.html",
        wanted=wanted,
        found=found,
        cards=[_card(group, posts) for group in found.groups],
        sites=sorted(allowed.values()),
        last=None if last is None else _words_of(last),
        reasons=waiting.REASONS,
        labels=waiting.LABELS,
        ages=waiting.AGES,
        states=waiting.STATES,
        orders=waiting.ORDERS,
        window=waiting.WINDOW,
        private=visit.services.config.privacy,
        said=_SAID.get(visit.asked("said"), ""),
    )


_SAID: Final = {
    "undone": "Taken back.",
    "nothing": "Nothing was changed: choose a comment first.",
    "missing": "Some comments could not be decided on: they were deleted meanwhile, or only a "
    "digest of them is kept.",
}


def decide(visit: Visit) -> Response:
    """Take a decision about one comment or several."""
    decision = visit.sent("decision")
    if decision not in ("spam", "ham"):
        raise HTTPException(400, "A decision is spam or ham.")
    given = visit.form.get("id", [])
    numbers = [int(n) for n in given if n.isascii() and n.isdecimal() and len(n) < 19]
    done = deciding.decide(
        visit.services, visit.moderator, numbers, "spam" if decision == "spam" else "ham"
    )
    if visit.wants_json:
        words = _decided(decision, done.comments)
        if done.missing:
            words += f" {len(done.missing)} could not be: {done.missing[0]}"
        status = 200 if done.comments else 409
        return JSONResponse({"said": words, "comments": done.comments}, status)
    said = "missing" if done.missing else "" if done.comments else "nothing"
    return _back(visit, said)


def undo(visit: Visit) -> Response:
    """Take the last step back."""
    done = deciding.undo(visit.services, visit.moderator)
    if visit.wants_json:
        return JSONResponse({"said": f"Taken back: {_comments(done.comments)}."})
    return _back(visit, "undone")


def _back(visit: Visit, said: str) -> Response:
    """Send the browser to the queue as it was."""
    wanted = Wanted.of({name: values for name, values in visit.form.items() if name != "id"})
    query = "&".join(part for part in (wanted.query(), f"said={said}" if said else "") if part)
    return RedirectResponse(f"{PREFIX}?{query}" if query else PREFIX, 303)


def _words_of(action: sa.Row[Any]) -> str:
    detail = json.loads(action.detail)
    return _decided(str(detail["decision"]), int(detail["comments"]))


def _decided(decision: str, number: int) -> str:
    return f"{_comments(number)} marked as {'spam' if decision == 'spam' else 'not spam'}."


def _comments(number: int) -> str:
    return "1 comment" if number == 1 else f"{count(number)} comments"


def _card(group: list[sa.Row[Any]], posts: Mapping[tuple[int, str], sa.Row[Any]]) -> Card:
    first, *others = group
    post = None if first.post_key is None else posts.get((first.site, first.post_key))
    reasons = read_reasons(first.reasons)
    words = None
    if post is not None:
        said = plain((post.text or "")[:_MOST_POST])
        words = _text(said, {}, _SHORT_POST)
    return Card(
        _shown(first, marks_of(reasons)),
        [_shown(row, marks_of(read_reasons(row.reasons)), 300) for row in others],
        [] if post is None else one_line(post.title),
        words,
        sentences_of(reasons),
    )


def _shown(row: sa.Row[Any], marks: dict[str, float], short: int = _SHORT) -> Shown:
    text = row.text or ""
    return Shown(
        row,
        pieces_of(row.author, marks, 300),
        pieces_of(row.author_url, marks, 300),
        one_line(row.permalink),
        _text(text, marks, short),
    )


def _text(text: str, marks: dict[str, float], short: int) -> Text:
    """Part a long text between two words, where there are any."""
    if len(text) <= short:
        return Text(pieces_of(text, marks), [])
    at = text.rfind(" ", short // 2, short)
    at = short if at < 0 else at
    return Text([*pieces_of(text[:at], marks), Piece(" …")], pieces_of(text[at:].lstrip(), marks))
