"""Akismet's HTTP protocol.

Clients compare bodies to the letter, so they are bare words without a newline, and
what goes wrong with a key or a field is told with status 200. No header of an error
is ever sent with a verdict: some clients take it for one.
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
from spamguard.server.access import Threads, address_of, admitted
from spamguard.server.http import body_of, fields_of, text_of
from spamguard.server.queries import Answer, Query
from spamguard.server.store import Registered, Site
from spamguard.server.store.server_tables import usage
from spamguard.server.worker import Services

THANKS: Final = "Thanks for making the web a better place."
_INVALID: Final = "invalid"
_AUTHORS: Final = frozenset(("akismet-guaranteed-spam", "viagra-test-123"))
_EMAIL: Final = "akismet-guaranteed-spam@example.com"
_NO_LIMIT: Final = 1_000_000_000  # a client wants a number
_MOST_HEADER: Final = 2_000
_TOLD: Final = 5  # reasons in the header
_MONTH: Final = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])")
_ORDERS: Final = {
    "total": "api_calls", "spam": "spam", "ham": "ham", "missed_spam": "missed_spam",
    "false_positives": "false_positives",
}  # fmt: skip
_FIGURES: Final = tuple(_ORDERS.values())
_NEEDED: Final = ("blog", "user_ip")

Fields = Mapping[str, str]
Work = Callable[[Services, Site, Fields], Response]


def routes() -> list[Route]:
    """Return the routes of the protocol; the key may stand in the host's first label."""
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


def _endpoint(work: Work, writes: bool = False) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        services: Services = request.app.state.services
        body = await body_of(request, services.config)
        fields = fields_of(body, request.headers.get("content-type", ""), request.url.query)
        host, address = request.headers.get("host", ""), address_of(request)
        threads = Threads.of(request.app)
        limiter = threads.writing if writes else threads.judging
        return await to_thread.run_sync(
            _answered, services, work, fields, host, address, limiter=limiter
        )

    return endpoint


def _answered(services: Services, work: Work, fields: Fields, host: str, address: str) -> Response:
    site = admitted(services, key_of(fields, host), address)
    if site is None:
        return _invalid("the API key is missing or not known here", "invalid-key")
    return work(services, site, fields)


def key_of(fields: Fields, host: str) -> str:
    """Return the key: of the fields, else the first label of the host; empty where there is none."""
    given = text_of(fields, "api_key", "key")
    if given is not None:
        return given.strip()
    label, dot, _ = host.partition(".")
    return label if dot else ""


def _plain(body: str, headers: Mapping[str, str] | None = None) -> Response:
    return PlainTextResponse(body, headers=headers)


def _invalid(why: str, error: str) -> Response:
    return _plain(_INVALID, {"X-akismet-debug-help": why, "X-Akismet-Error": error})


# --- the endpoints ----------------------------------------------------------------


def _verify_key(services: Services, site: Site, fields: Fields) -> Response:
    return _plain("valid")


def _comment_check(services: Services, site: Site, fields: Fields) -> Response:
    if (missing := _missing(fields)) is not None:
        return missing
    query = query_of(fields)
    answer = services.filters.answer(site, query)
    if not query.is_test:
        services.recorder.put(answer)
    verdict = answer.verdict
    if verdict is None:
        label, probability = "spam" if answer.is_spam else "ham", None
    else:
        label, probability = verdict.label, verdict.spam_probability
    services.metrics.verdict(label, query.cause, probability)
    headers = {"X-akismet-guid": answer.guid, **_ours(answer, label)}
    if answer.is_spam and answer.discard:
        headers["X-akismet-pro-tip"] = "discard"
    if fields.get("classify") == "1":
        headers["X-Akismet-Classification"] = label
    return _plain("true" if answer.is_spam else "false", headers)


def _ours(answer: Answer, label: str) -> dict[str, str]:
    """Return the headers of our own: label, probability and reasons, in ASCII."""
    headers = {"X-Spamguard-Label": label, "X-Spamguard-Cause": answer.query.cause}
    if answer.verdict is not None:
        headers["X-Spamguard-Probability"] = f"{answer.verdict.spam_probability:.4f}"
        told = [[r.feature, r.contribution, r.evidence] for r in answer.reasons[:_TOLD]]
        while told and len(text := json.dumps(told)) > _MOST_HEADER:
            del told[-1]
        if told:
            headers["X-Spamguard-Reasons"] = text
    return headers


def _submit_spam(services: Services, site: Site, fields: Fields) -> Response:
    return _submit(services, site, fields, "spam")


def _submit_ham(services: Services, site: Site, fields: Fields) -> Response:
    return _submit(services, site, fields, "ham")


def _submit(services: Services, site: Site, fields: Fields, decision: Any) -> Response:
    if (missing := _missing(fields)) is not None:
        return missing
    query = query_of(fields)
    if query.is_test:
        return _plain(THANKS)
    try:
        receipt = services.feedback.correct(site, query, decision, _reporter(fields))
    except ForgottenError:
        return _plain(THANKS)  # whoever wrote it asked for that, and the client can do nothing
    services.metrics.feedback(decision, receipt.agreed)
    return _plain(THANKS)


def _reporter(fields: Fields) -> str:
    """Return who corrected, as the journal takes it."""
    said = "".join(letter for letter in fields.get("reporter", "") if letter.isprintable())
    return said.encode("utf-8", "ignore").decode()[:200].strip() or "akismet"


def _deactivate(services: Services, site: Site, fields: Fields) -> Response:
    # The plugin is switched off on one blog; its key goes on being good for the others.
    return _plain("deactivated")


def _get_subscription(services: Services, site: Site, fields: Fields) -> Response:
    # Without an account that is active WordPress's settings page takes no key.
    account = {
        "account_name": site.name,
        "account_type": "spamguard",
        "status": "active",
        "next_billing_date": False,
    }
    return _json(account)


def _get_stats(services: Services, site: Site, fields: Fields) -> Response:
    # With figures the settings page would show a frame of akismet.com, named by the key.
    return _json(None)


async def _test(request: Request) -> Response:
    """Answer the settings page, which asks without a key whether it gets through."""
    return _plain("connected")


def _usage_limit(services: Services, site: Site, fields: Fields) -> Response:
    month = datetime.now(UTC).strftime("%Y-%m")
    query = sa.select(sa.func.coalesce(sa.func.sum(usage.c.api_calls), 0)).where(
        usage.c.site == site.id, usage.c.month == month
    )
    with services.journal.database.reading() as connection:
        used = int(connection.execute(query).scalar_one())
    told = {
        "limit": _NO_LIMIT,
        "usage": used,
        "percentage": f"{100 * used / _NO_LIMIT:.2f}",
        "throttled": False,
    }
    return _json(told)


def _key_sites(services: Services, site: Site, fields: Fields) -> Response:
    month = fields.get("month", "")
    if not _MONTH.fullmatch(month):
        month = datetime.now(UTC).strftime("%Y-%m")
    limit, offset = _number(fields, "limit", 500, 1), _number(fields, "offset", 0, 0)
    order = usage.c[_ORDERS.get(fields.get("order", ""), "api_calls")]
    wanted = [usage.c.site == site.id, usage.c.month == month]
    if found := fields.get("filter", "").strip():
        wanted.append(usage.c.blog.contains(found[:255], autoescape=True))
    query = sa.select(usage).where(*wanted).order_by(order.desc(), usage.c.blog)
    with services.journal.database.reading() as connection:
        rows = connection.execute(query.limit(limit).offset(offset)).all()
        total = connection.execute(
            sa.select(sa.func.count()).select_from(usage).where(*wanted)
        ).scalar_one()
    if fields.get("format") == "csv":
        return _plain(_csv(key_of(fields, ""), month, rows, limit, offset, int(total)))
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
    for row in rows:  # a host holds no comma
        figures = ",".join(str(getattr(row, name)) for name in _FIGURES)
        lines.append(f"{row.blog},{figures},false")
    return "\n".join(lines) + "\n"


def _json(told: object) -> Response:
    return Response(json.dumps(told), media_type="application/json")


def _number(fields: Fields, name: str, default: int, least: int) -> int:
    said = fields.get(name, "").strip()[:9]
    return (
        max(least, min(int(said), 10_000_000)) if said.isdecimal() and said.isascii() else default
    )


# --- fields -> query ------------------------------------------------------------


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
    post = Registered(permalink or "", title, text) if title or text else None
    ruling, cause = _ruling(fields)
    return Query(
        comment, permalink, text_of(fields, "blog"),
        text_of(fields, "comment_type", "content_type"),  # the latter is Discourse's
        post, ruling, cause,
        is_test=fields.get("is_test", "").strip().lower() in ("1", "true"),
        again=text_of(fields, "recheck_reason") is not None,
    )  # fmt: skip


def _ruling(fields: Fields) -> tuple[bool | None, Any]:
    """Return the answer that the protocol prescribes, and why; None where the model decides."""
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
