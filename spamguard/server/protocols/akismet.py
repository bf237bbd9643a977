"""Akismet's HTTP protocol.

Clients compare bodies to the letter, so a body is a bare word without a newline, and
a wrong key or field is reported with status 200. An error header never goes out
with a verdict, because some clients would take the answer for an error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from spamguard.comment import Comment
from spamguard.errors import ForgottenError
from spamguard.server.http import Threads, address_of, body_of, fields_of, text_of
from spamguard.server.queries import Answer, Query
from spamguard.server.store import RegisteredPost, Site, tables
from spamguard.server.worker import Worker

THANKS: Final = "Thanks for making the web a better place."
_INVALID: Final = "invalid"
_AUTHORS: Final = frozenset(("akismet-guaranteed-spam", "viagra-test-123"))
_EMAIL: Final = "akismet-guaranteed-spam@example.com"
_NO_LIMIT: Final = 1_000_000_000  # clients expect a number
_MOST_HEADER: Final = 2_000
_MOST_REASONS: Final = 5  # in the header
_MONTH: Final = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])")
_ORDERS: Final = {
    "total": "api_calls", "spam": "spam", "ham": "ham", "missed_spam": "missed_spam",
    "false_positives": "false_positives",
}  # fmt: skip
_FIGURES: Final = tuple(_ORDERS.values())
_NEEDED: Final = ("blog", "user_ip")

Fields = Mapping[str, str]
Handler = Callable[[Worker, Site, Fields], Response]


def routes() -> list[Route]:
    """Return the routes of the protocol."""
    return [
        Route("/1.1/verify-key", _endpoint(_verify_key), methods=["POST", "GET"]),
        Route("/1.1/comment-check", _endpoint(_comment_check), methods=["POST"]),
        Route("/1.1/submit-spam", _endpoint(_submit_spam, writes=True), methods=["POST"]),
        Route("/1.1/submit-ham", _endpoint(_submit_ham, writes=True), methods=["POST"]),
        Route("/1.1/deactivate", _endpoint(_deactivate), methods=["POST"]),
        Route("/1.1/get-subscription", _endpoint(_get_subscription), methods=["POST"]),
        Route("/1.1/get-stats", _endpoint(_get_stats), methods=["POST"]),
        Route("/1.1/test", _test, methods=["GET"]),
        Route("/1.2/key-sites", _endpoint(_key_sites), methods=["GET", "POST"]),
        Route("/1.2/usage-limit", _endpoint(_usage_limit), methods=["GET", "POST"]),
    ]


def _endpoint(handler: Handler, writes: bool = False) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        worker: Worker = request.app.state.worker
        body = await body_of(request, worker.config)
        fields = fields_of(body, request.headers.get("content-type", ""), request.url.query)
        host, address = request.headers.get("host", ""), address_of(request)
        threads = Threads.of(request.app)
        limiter = threads.writing if writes else threads.judging
        return await to_thread.run_sync(
            _response, worker, handler, fields, host, address, limiter=limiter
        )

    return endpoint


def _response(
    worker: Worker, handler: Handler, fields: Fields, host: str, address: str
) -> Response:
    site = worker.authenticate(api_key_of(fields, host), address)
    if site is None:
        return _invalid("the API key is missing or unknown", "invalid-key")
    return handler(worker, site, fields)


def api_key_of(fields: Fields, host: str) -> str:
    """Return the key from the fields or the host's first label; empty if there is none."""
    key = text_of(fields, "api_key", "key")
    if key is not None:
        return key.strip()
    label, dot, _ = host.partition(".")
    return label if dot else ""


def _plain(body: str, headers: Mapping[str, str] | None = None) -> Response:
    return PlainTextResponse(body, headers=headers)


def _invalid(why: str, error: str) -> Response:
    return _plain(_INVALID, {"X-akismet-debug-help": why, "X-Akismet-Error": error})


# --- the endpoints ----------------------------------------------------------------


def _verify_key(worker: Worker, site: Site, fields: Fields) -> Response:
    return _plain("valid")


def _comment_check(worker: Worker, site: Site, fields: Fields) -> Response:
    if (missing := _missing(fields)) is not None:
        return missing
    query = query_of(fields)
    answer = worker.filters.answer(site, query)
    if not query.is_test:
        worker.recorder.put(answer)
    verdict = answer.verdict
    if verdict is None:
        label, probability = "spam" if answer.is_spam else "ham", None
    else:
        label, probability = verdict.label, verdict.spam_probability
    worker.metrics.verdict(label, query.cause, probability)
    headers = {"X-akismet-guid": answer.guid, **_own_headers(answer, label)}
    if answer.is_spam and answer.discard:
        headers["X-akismet-pro-tip"] = "discard"
    if fields.get("classify") == "1":
        headers["X-Akismet-Classification"] = label
    return _plain("true" if answer.is_spam else "false", headers)


def _own_headers(answer: Answer, label: str) -> dict[str, str]:
    """Return our own headers: label, probability and reasons, in ASCII."""
    headers = {"X-Spamguard-Label": label, "X-Spamguard-Cause": answer.query.cause}
    if answer.verdict is not None:
        headers["X-Spamguard-Probability"] = f"{answer.verdict.spam_probability:.4f}"
        reasons = [[r.feature, r.contribution, r.evidence] for r in answer.reasons[:_MOST_REASONS]]
        while reasons and len(text := json.dumps(reasons)) > _MOST_HEADER:
            del reasons[-1]
        if reasons:
            headers["X-Spamguard-Reasons"] = text
    return headers


def _submit_spam(worker: Worker, site: Site, fields: Fields) -> Response:
    return _submit(worker, site, fields, "spam")


def _submit_ham(worker: Worker, site: Site, fields: Fields) -> Response:
    return _submit(worker, site, fields, "ham")


def _submit(worker: Worker, site: Site, fields: Fields, decision: Any) -> Response:
    if (missing := _missing(fields)) is not None:
        return missing
    query = query_of(fields)
    if query.is_test:
        return _plain(THANKS)
    try:
        receipt = worker.feedback.correct(site, query, decision, _reporter(fields))
    except ForgottenError:
        return _plain(THANKS)  # the comment's author asked for that, and the client can do nothing
    worker.metrics.feedback(decision, receipt.agreed)
    return _plain(THANKS)


def _reporter(fields: Fields) -> str:
    """Return the moderator's name, in characters that the journal accepts."""
    name = "".join(letter for letter in fields.get("reporter", "") if letter.isprintable())
    return name.encode("utf-8", "ignore").decode()[:200].strip() or "akismet"


def _deactivate(worker: Worker, site: Site, fields: Fields) -> Response:
    # The plugin was switched off on one blog; the key stays valid for the others.
    return _plain("deactivated")


def _get_subscription(worker: Worker, site: Site, fields: Fields) -> Response:
    # WordPress's settings page accepts a key only with an active account.
    account = {
        "account_name": site.name,
        "account_type": "spamguard",
        "status": "active",
        "next_billing_date": False,
    }
    return _json(account)


def _get_stats(worker: Worker, site: Site, fields: Fields) -> Response:
    # With figures the settings page would show a frame of akismet.com, with the key in its URL.
    return _json(None)


async def _test(request: Request) -> Response:
    """Answer the settings page, which tests the connection without a key."""
    return _plain("connected")


def _usage_limit(worker: Worker, site: Site, fields: Fields) -> Response:
    usage = tables.usage
    month = datetime.now(UTC).strftime("%Y-%m")
    query = sa.select(sa.func.coalesce(sa.func.sum(usage.c.api_calls), 0)).where(
        usage.c.site == site.id, usage.c.month == month
    )
    with worker.journal.database.reading() as connection:
        used = int(connection.execute(query).scalar_one())
    return _json(
        {
            "limit": _NO_LIMIT,
            "usage": used,
            "percentage": f"{100 * used / _NO_LIMIT:.2f}",
            "throttled": False,
        }
    )


def _key_sites(worker: Worker, site: Site, fields: Fields) -> Response:
    usage, month = tables.usage, fields.get("month", "")
    if not _MONTH.fullmatch(month):
        month = datetime.now(UTC).strftime("%Y-%m")
    limit, offset = _number(fields, "limit", 500, 1), _number(fields, "offset", 0, 0)
    order = usage.c[_ORDERS.get(fields.get("order", ""), "api_calls")]
    conditions = [usage.c.site == site.id, usage.c.month == month]
    if text := fields.get("filter", "").strip():
        conditions.append(usage.c.blog.contains(text[:255], autoescape=True))
    query = sa.select(usage).where(*conditions).order_by(order.desc(), usage.c.blog)
    with worker.journal.database.reading() as connection:
        rows = connection.execute(query.limit(limit).offset(offset)).all()
        total = connection.execute(
            sa.select(sa.func.count()).select_from(usage).where(*conditions)
        ).scalar_one()
    if fields.get("format") == "csv":
        return _plain(_csv(api_key_of(fields, ""), month, rows, limit, offset, int(total)))
    sites = [
        {
            "site": row.blog,
            **{name: str(getattr(row, name)) for name in _FIGURES},
            "is_revoked": False,
        }
        for row in rows
    ]
    return _json({month: sites, "limit": limit, "offset": offset, "total": int(total)})


def _csv(key: str, month: str, rows: Any, limit: int, offset: int, total: int) -> str:
    lines = [
        f"Active sites for {key} during {month} (limit: {limit}, offset: {offset}, total: {total}).",
        "Site,Total API Calls,Spam,Ham,Missed Spam,False Positives,Is Revoked",
    ]
    for row in rows:  # a host has no comma
        figures = ",".join(str(getattr(row, name)) for name in _FIGURES)
        lines.append(f"{row.blog},{figures},false")
    return "\n".join(lines) + "\n"


def _json(data: object) -> Response:
    return Response(json.dumps(data), media_type="application/json")


def _number(fields: Fields, name: str, default: int, least: int) -> int:
    digits = fields.get(name, "").strip()[:9]
    if not (digits.isdecimal() and digits.isascii()):
        return default
    return max(least, min(int(digits), 10_000_000))


# --- fields -> query ----------------------------------------------------------------


def _missing(fields: Fields) -> Response | None:
    for name in _NEEDED:
        if text_of(fields, name) is None:
            return _invalid(f"{name} is missing", "missing-required-field")
    return None


def query_of(fields: Fields) -> Query:
    """Return the comment that a client asks about or submits, with its facts."""
    comment = Comment(
        fields.get("comment_content", ""),
        text_of(fields, "comment_author"),
        text_of(fields, "comment_author_url"),
        text_of(fields, "comment_date_gmt"),
    )
    permalink = text_of(fields, "permalink")
    title, text = text_of(fields, "post_title"), text_of(fields, "post_content")
    post = RegisteredPost(permalink or "", title, text) if title or text else None
    ruling, cause = _ruling(fields)
    return Query(
        comment, permalink, text_of(fields, "blog"),
        text_of(fields, "comment_type", "content_type"),  # the latter is Discourse's
        post, ruling, cause,
        is_test=fields.get("is_test", "").strip().lower() in ("1", "true"),
        again=text_of(fields, "recheck_reason") is not None,
    )  # fmt: skip


def _ruling(fields: Fields) -> tuple[bool | None, Any]:
    """Return the answer that the protocol prescribes and its cause; None if the model decides."""
    roles = {role.strip().lower() for role in fields.get("user_role", "").split(",")}
    if "administrator" in roles:
        return False, "administrator"
    author = fields.get("comment_author", "").strip().lower()
    if author in _AUTHORS or fields.get("comment_author_email", "").strip().lower() == _EMAIL:
        return True, "test"
    trap = fields.get("honeypot_field_name", "").strip()
    if trap and fields.get(trap, "").strip():
        return True, "honeypot"
    return None, "model"
