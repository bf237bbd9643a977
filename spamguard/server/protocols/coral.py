"""Coral's external moderation phase, and its webhooks to learn from.

When Coral asks for a verdict, the comment has neither an id nor a time; its later
webhooks have an id and no text. So the comment is kept with the digest of its story,
and the next webhook about that story gives it its id, but only where exactly one
comment can be meant. A wrong label is worse than none.

https://docs.coralproject.net/external-moderation-phases
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from anyio import to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from spamguard.comment import Comment
from spamguard.feedback import Decision, stamp
from spamguard.server.http import Threads, address_of, body_of, enforce_wait
from spamguard.server.queries import Query
from spamguard.server.store import Site, tables
from spamguard.server.worker import Worker

_STAFF: Final = frozenset(("STAFF", "MODERATOR", "ADMIN"))
_NEW: Final = timedelta(minutes=2)  # a comment's first webhook comes at once
_NAMING: Final = frozenset(
    ("COMMENT_CREATED", "COMMENT_REPLY_CREATED", "COMMENT_ENTERED_MODERATION_QUEUE")
)
_BY: Final = "coral"
_MOST_TAGS: Final = 10
_TAG: Final = re.compile(r"sha256=([0-9a-fA-F]{64})")
_FLAG: Final = {"actionType": "FLAG", "reason": "COMMENT_DETECTED_SPAM"}


def routes() -> list[Route]:
    """Return the routes; Coral signs the requests with the site's secret."""
    return [
        Route("/coral/{site}/moderation", _moderation, methods=["POST"]),
        Route("/coral/{site}/events", _events, methods=["POST"]),
    ]


async def _moderation(request: Request) -> Response:
    worker, site, data = await _signed(request)
    query = query_of(data)
    return await to_thread.run_sync(
        _verdict, worker, site, query, limiter=Threads.of(request.app).judging
    )


async def _events(request: Request) -> Response:
    worker, site, event = await _signed(request)
    data = event.get("data")
    if not isinstance(data, dict):
        raise HTTPException(400, "an event has data")
    await to_thread.run_sync(
        _process_event, worker, site, str(event.get("type")), data,
        limiter=Threads.of(request.app).writing,
    )  # fmt: skip
    return Response(status_code=204)


async def _signed(request: Request) -> tuple[Worker, Site, dict[str, Any]]:
    """Return the site and the request's JSON, once its signature is verified."""
    worker: Worker = request.app.state.worker
    address, name = address_of(request), request.path_params["site"]
    body = await body_of(request, worker.config)
    site = await to_thread.run_sync(worker.sites.named, name)
    if site is None or not _is_signed(body, site, request.headers.get("x-coral-signature", "")):
        enforce_wait(worker.limits.wait_of_guesser(address))
        raise HTTPException(403, "the signature is not that of this site's Coral secret")
    enforce_wait(worker.limits.wait_of_key(site.id))
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise HTTPException(400, "the body is not JSON") from None
    if not isinstance(data, dict):
        raise HTTPException(400, "the body is not a JSON object")
    return worker, site, data


def _is_signed(body: bytes, site: Site, header: str) -> bool:
    """Return whether one of the signatures is right; there are two while a secret is replaced."""
    given = [m[1].lower() for m in map(_TAG.fullmatch, map(str.strip, header.split(","))) if m]
    right = [
        hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        for secret in (site.coral_secret or "").split()
    ]
    return sum(hmac.compare_digest(tag, one) for tag in given[:_MOST_TAGS] for one in right) > 0


def query_of(data: dict[str, Any]) -> Query:
    """Return the comment of a moderation request; HTTPException 400 for anything else."""
    comment, author, story = (_object(data, name) for name in ("comment", "author", "story"))
    body = comment.get("body")
    if not isinstance(body, str):
        raise HTTPException(400, "comment.body must be text")
    url, role = _text(story, "url"), _text(author, "role")
    staff = role in _STAFF
    return Query(
        Comment(body), url, url, "comment",
        ruling=False if staff else None,
        cause="administrator" if staff else "model",
        story=_hash(_text(story, "id")),
    )  # fmt: skip


def _verdict(worker: Worker, site: Site, query: Query) -> Response:
    answer = worker.filters.answer(site, query)
    worker.recorder.put(answer)
    verdict = answer.verdict
    if verdict is None:
        worker.metrics.verdict("ham", query.cause, None)
        return Response(status_code=204)
    worker.metrics.verdict(verdict.label, query.cause, verdict.spam_probability)
    if verdict.is_spam and answer.discard:
        return JSONResponse({"status": "REJECTED", "actions": [_FLAG]})
    if answer.is_spam:
        return JSONResponse({"status": "SYSTEM_WITHHELD", "actions": [_FLAG]})
    if verdict.label == "unsure":
        return JSONResponse({"status": "PREMOD"})
    return Response(status_code=204)  # no opinion: Coral's own settings decide


# --- webhooks -----------------------------------------------------------------------


def _process_event(worker: Worker, site: Site, kind: str, data: dict[str, Any]) -> None:
    name, story = _hash(_text(data, "commentID")), _hash(_text(data, "storyID"))
    if name is None:
        return
    worker.recorder.flush()
    if kind in _NAMING and story is not None:
        _name(worker, site, story, name)
    elif kind == "COMMENT_LEFT_MODERATION_QUEUE":
        _decide(worker, site, name, _text(data, "status"))


def _name(worker: Worker, site: Site, story: str, name: str) -> None:
    """Give the story's new comment its id, if there is exactly one."""
    comments = tables.comments
    since = stamp(datetime.now(UTC) - _NEW)
    mine = comments.c.site == site.id
    nameless = sa.select(comments.c.id).where(
        mine, comments.c.story == story, comments.c.external_id.is_(None), comments.c.at >= since
    )
    known = sa.select(comments.c.id).where(mine, comments.c.external_id == name)
    with worker.journal.database.writing() as connection:
        if connection.execute(known.limit(1)).first() is not None:
            return
        found = connection.execute(nameless.limit(2)).scalars().all()
        if len(found) == 1:
            this = comments.c.id == found[0]
            connection.execute(sa.update(comments).where(this).values(external_id=name))


def _decide(worker: Worker, site: Site, name: str, status: str | None) -> None:
    comments = tables.comments
    query = sa.select(comments.c.id, comments.c.label, comments.c.text).where(
        comments.c.site == site.id, comments.c.external_id == name
    )
    with worker.journal.database.reading() as connection:
        row = connection.execute(query.order_by(comments.c.id.desc()).limit(1)).first()
    if row is None or row.text is None:
        return
    decision: Decision
    if status == "APPROVED":
        decision = "ham"
    elif status == "REJECTED":
        # Coral does not say why. A comment that did not look like spam may have been an insult.
        decision = "remove" if row.label == "ham" else "spam"
    else:
        return
    receipt = worker.feedback.decide(site, row.id, decision, _BY)
    worker.metrics.feedback(decision, receipt.agreed)


def _object(data: dict[str, Any], name: str) -> dict[str, Any]:
    value = data.get(name)
    if not isinstance(value, dict):
        raise HTTPException(400, f"{name} must be an object")
    return value


def _text(data: dict[str, Any], name: str) -> str | None:
    value = data.get(name)
    return value if isinstance(value, str) and value else None


def _hash(name: str | None) -> str | None:
    """Return a digest that fits the column, whatever the name's length and characters."""
    if name is None:
        return None
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
