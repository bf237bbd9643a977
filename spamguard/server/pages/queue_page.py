"""The queue: comments beside their posts, and decisions on them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from spamguard.display import counted
from spamguard.server.pages import decisions, queue_query
from spamguard.server.pages.escaping import Piece, marks_of, one_line, pieces_of, plain
from spamguard.server.pages.queue_query import QueueFilter
from spamguard.server.pages.reasons import Sentence, parse_reasons, sentences_of
from spamguard.server.pages.requests import PREFIX, Visit

_SHORT: Final = 1_200  # characters before "show all"
_SHORT_COPY: Final = 300
_SHORT_POST: Final = 360
_MOST_POST: Final = 8_000
_MESSAGES: Final = {
    "undone": "Undone.",
    "nothing": "Nothing was changed: choose a comment first.",
    "missing": "Some comments could not be decided on: they were deleted meanwhile, or only a "
    "digest of them is kept.",
}


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The beginning of a text, and the rest that a click opens."""

    first: list[Piece]
    rest: list[Piece]


@dataclass(frozen=True, slots=True)
class CommentView:
    """One comment as the page shows it."""

    row: sa.Row[Any]
    author: list[Piece]
    author_url: list[Piece]
    permalink: list[Piece]
    text: Excerpt


@dataclass(frozen=True, slots=True)
class Card:
    """A comment with its near-copies, its post and the reasons."""

    main: CommentView
    copies: list[CommentView]
    title: list[Piece]
    post: Excerpt | None
    sentences: list[Sentence]


def show(visit: Visit) -> Response:
    """Show the queue."""
    filters = QueueFilter.of(visit.request.query_params)
    database = visit.worker.journal.database
    visit.worker.recorder.flush()
    if filters.site:
        visit.site(filters.site)  # 404 if it is not one of theirs
    sites = {site.id: site.name for site in visit.sites()}
    found = queue_query.find(database, filters, sites)
    posts = queue_query.posts_of(database, [group[0] for group in found.groups])
    last = decisions.last_action(database, visit.moderator)
    return visit.render(
        "queue.html",
        filters=filters,
        found=found,
        cards=[_card(group, posts) for group in found.groups],
        sites=sorted(sites.values()),
        last=None if last is None else _action_in_words(last),
        reasons=queue_query.REASONS,
        labels=queue_query.LABELS,
        ages=queue_query.AGES,
        states=queue_query.STATES,
        orders=queue_query.ORDERS,
        private=visit.worker.config.privacy,
        message=_MESSAGES.get(visit.parameter("message"), ""),
    )


def decide(visit: Visit) -> Response:
    """Decide on one comment or several."""
    decision = visit.form_value("decision")
    if decision not in ("spam", "ham"):
        raise HTTPException(400, "A decision is spam or ham.")
    given = visit.form.getlist("id")
    numbers = [int(n) for n in given if n.isascii() and n.isdecimal() and len(n) < 19]
    result = decisions.decide(
        visit.worker, visit.moderator, numbers, "spam" if decision == "spam" else "ham"
    )
    if visit.wants_json:
        words = _decided(decision, result.comments)
        if result.errors:
            words += f" {len(result.errors)} could not be: {result.errors[0]}"
        status = 200 if result.comments else 409
        return JSONResponse({"message": words, "comments": result.comments}, status)
    return _back(visit, "missing" if result.errors else "" if result.comments else "nothing")


def undo(visit: Visit) -> Response:
    """Undo the last action."""
    result = decisions.undo(visit.worker, visit.moderator)
    if visit.wants_json:
        return JSONResponse({"message": f"Undone: {counted(result.comments, 'comment')}."})
    return _back(visit, "undone")


def _back(visit: Visit, message: str) -> Response:
    """Send the browser back to the queue with the same filters."""
    query = QueueFilter.of(visit.form).query()
    query = "&".join(part for part in (query, f"message={message}" if message else "") if part)
    return RedirectResponse(f"{PREFIX}?{query}" if query else PREFIX, 303)


def _action_in_words(action: sa.Row[Any]) -> str:
    detail = json.loads(action.detail)
    return _decided(str(detail["decision"]), int(detail["comments"]))


def _decided(decision: str, comments: int) -> str:
    return (
        f"{counted(comments, 'comment')} marked as {'spam' if decision == 'spam' else 'not spam'}."
    )


def _card(group: list[sa.Row[Any]], posts: Mapping[tuple[int, str], sa.Row[Any]]) -> Card:
    first, *others = group
    post = None if first.post_key is None else posts.get((first.site, first.post_key))
    reasons = parse_reasons(first.reasons)
    excerpt = None
    if post is not None:
        excerpt = _excerpt(plain((post.text or "")[:_MOST_POST]), {}, _SHORT_POST)
    return Card(
        _view(first, marks_of(reasons), _SHORT),
        [_view(row, marks_of(parse_reasons(row.reasons)), _SHORT_COPY) for row in others],
        [] if post is None else one_line(post.title),
        excerpt,
        sentences_of(reasons),
    )


def _view(row: sa.Row[Any], marks: dict[str, float], short: int) -> CommentView:
    return CommentView(
        row,
        pieces_of(row.author, marks, 300),
        pieces_of(row.author_url, marks, 300),
        one_line(row.permalink),
        _excerpt(row.text or "", marks, short),
    )


def _excerpt(text: str, marks: dict[str, float], short: int) -> Excerpt:
    """Split a long text, between two words if it has any."""
    if len(text) <= short:
        return Excerpt(pieces_of(text, marks), [])
    at = text.rfind(" ", short // 2, short)
    at = short if at < 0 else at
    return Excerpt(
        [*pieces_of(text[:at], marks), Piece(" …")], pieces_of(text[at:].lstrip(), marks)
    )
