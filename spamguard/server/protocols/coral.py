"""Coral's external moderation phase, and its webhooks to learn from.

When Coral asks, the comment has neither an id nor a time, and the webhooks that
come later have an id and no text. So what was asked is kept under its digest with
the story; the next webhook about that story gives it its id, but only where one
comment alone can be meant. A wrong label is worse than none.

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
from spamguard.server.access import Threads, address_of, not_too_many
from spamguard.server.http import body_of
from spamguard.server.queries import Query
from spamguard.server.store import Site
from spamguard.server.store.server_tables import comments
from spamguard.server.worker import Services

_STAFF: Final = frozenset(("STAFF", "MODERATOR", "ADMIN"))
_NEWBORN: Final = timedelta(minutes=2)  # a comment's first webhook comes at once
_NAMED: Final = frozenset(
    ("COMMENT_CREATED", "COMMENT_REPLY_CREATED", "COMMENT_ENTERED_MODERATION_QUEUE")
)
_BY: Final = "coral"
_MOST_TAGS: Final = 10
_TAG: Final = re.compile(r"sha256=([0-9a-fA-F]{64})")
_FLAG: Final = {"actionType": "FLAG", "reason": "COMMENT_DETECTED_SPAM"}


def routes() -> list[Route]:
    """Return the routes; both are signed with the site's Coral secret."""
    return [
        Route("/coral/{site}/moderation", _moderation, methods=["POST"]),
        Route("/coral/{site}/events", _events, methods=["POST"]),
    ]


async def _moderation(request: Request) -> Response:
    services, site, told = await _signed(request)
    query = query_of(told)
    return await to_thread.run_sync(
        _answer, services, site, query, limiter=Threads.of(request.app).judging
    )


async def _events(request: Request) -> Response:
    services, site, told = await _signed(request)
    data = told.get("data")
    if not isinstance(data, dict):
        raise HTTPException(400, "an event has data")
    await to_thread.run_sync(
        _heard, services, site, str(told.get("type")), data,
        limiter=Threads.of(request.app).writing,
    )  # fmt: skip
    return Response(status_code=204)


async def _signed(request: Request) -> tuple[Services, Site, dict[str, Any]]:
    """Return the site and what Coral says, once the signature shows that Coral says it."""
    services: Services = request.app.state.services
    address, name = address_of(request), request.path_params["site"]
    body = await body_of(request, services.config)
    site = await to_thread.run_sync(services.sites.named, name)
    if site is None or not _is_signed(body, site, request.headers.get("x-coral-signature", "")):
        not_too_many(services.limits.wait_of_guesser(address))
        raise HTTPException(403, "the signature is not that of this site's Coral secret")
    not_too_many(services.limits.wait_of_key(site.id))
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise HTTPException(400, "the body is no JSON") from None
    if not isinstance(told, dict):
        raise HTTPException(400, "the body is no object")
    return services, site, told


def _is_signed(body: bytes, site: Site, header: str) -> bool:
    """Tell whether one of the signatures is right; while a secret is rolled there are two."""
    given = [m[1].lower() for m in map(_TAG.fullmatch, map(str.strip, header.split(","))) if m]
    right = [
        hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        for secret in (site.coral_secret or "").split()
    ]
    return sum(hmac.compare_digest(tag, one) for tag in given[:_MOST_TAGS] for one in right) > 0


def query_of(told: dict[str, Any]) -> Query:
    """Return what Coral asks about.

    Raises
    ------
    HTTPException
        400 if it is not such a request.
    """
    comment, author, story = (_object(told, name) for name in ("comment", "author", "story"))
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


def _answer(services: Services, site: Site, query: Query) -> Response:
    answer = services.filters.answer(site, query)
    services.recorder.put(answer)
    verdict = answer.verdict
    if verdict is None:
        services.metrics.verdict("ham", query.cause, None)
        return Response(status_code=204)
    services.metrics.verdict(verdict.label, query.cause, verdict.spam_probability)
    if verdict.is_spam and answer.discard:
        return JSONResponse({"status": "REJECTED", "actions": [_FLAG]})
    if answer.is_spam:
        return JSONResponse({"status": "SYSTEM_WITHHELD", "actions": [_FLAG]})
    if verdict.label == "unsure":
        return JSONResponse({"status": "PREMOD"})
    return Response(status_code=204)  # no opinion: Coral's own settings decide


# --- webhooks -----------------------------------------------------------------------


def _heard(services: Services, site: Site, kind: str, data: dict[str, Any]) -> None:
    name, story = _hash(_text(data, "commentID")), _hash(_text(data, "storyID"))
    if name is None:
        return
    services.recorder.flush()
    if kind in _NAMED and story is not None:
        _name(services, site, story, name)
    elif kind == "COMMENT_LEFT_MODERATION_QUEUE":
        _decide(services, site, name, _text(data, "status"))


def _name(services: Services, site: Site, story: str, name: str) -> None:
    """Give the story's newborn comment its id, if there is one alone."""
    since = stamp(datetime.now(UTC) - _NEWBORN)
    mine = comments.c.site == site.id
    nameless = sa.select(comments.c.id).where(
        mine, comments.c.story == story, comments.c.external_id.is_(None), comments.c.at >= since
    )
    known = sa.select(comments.c.id).where(mine, comments.c.external_id == name)
    with services.journal.database.writing() as connection:
        if connection.execute(known.limit(1)).first() is not None:
            return
        found = connection.execute(nameless.limit(2)).scalars().all()
        if len(found) == 1:
            this = comments.c.id == found[0]
            connection.execute(sa.update(comments).where(this).values(external_id=name))


def _decide(services: Services, site: Site, name: str, status: str | None) -> None:
    query = sa.select(comments.c.id, comments.c.label, comments.c.text).where(
        comments.c.site == site.id, comments.c.external_id == name
    )
    with services.journal.database.reading() as connection:
        row = connection.execute(query.order_by(comments.c.id.desc()).limit(1)).first()
    if row is None or row.text is None:
        return
    decision: Decision
    if status == "APPROVED":
        decision = "ham"
    elif status == "REJECTED":
        # Coral does not say why. What did not look like spam may have been an insult.
        decision = "remove" if row.label == "ham" else "spam"
    else:
        return
    receipt = services.feedback.decide(site, row.id, decision, _BY)
    services.metrics.feedback(decision, receipt.agreed)


def _object(told: dict[str, Any], name: str) -> dict[str, Any]:
    value = told.get(name)
    if not isinstance(value, dict):
        raise HTTPException(400, f"{name} must be an object")
    return value


def _text(told: dict[str, Any], name: str) -> str | None:
    value = told.get(name)
    return value if isinstance(value, str) and value else None


def _hash(name: str | None) -> str | None:
    """Return a name of any length and letters as one that a column takes."""
    if name is None:
        return None
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
