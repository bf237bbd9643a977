"""Logging in and out."""

from __future__ import annotations

import re
import secrets
from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from spamguard.server.pages.accounts import Accounts
from spamguard.server.pages.requests import LOG_IN, PREFIX, Visit, same, set_cookie
from spamguard.server.pages.sessions import Sessions, csrf_of
from spamguard.server.watch import logs

_WEEK: Final = 7 * 86_400
_HOUR: Final = 3_600
_WAYS: Final = re.compile(rf"{PREFIX}(?:/[a-z]{{1,20}})?(?:\?[\w=&%.+-]{{0,2000}})?", re.ASCII)


def show(visit: Visit) -> Response:
    """Show the form."""
    if visit.session is not None:
        return RedirectResponse(_way(visit.asked("next")), 303)
    return _form(visit, visit.asked("next"))


def log_in(visit: Visit) -> Response:
    """Take a name and a password."""
    way, name = visit.sent("next"), visit.sent("name").strip()[:100]
    # Nobody is logged in yet, so the token belongs to a cookie of the form's own: without it
    # another site could log a moderator in under an account of its own.
    if not same(visit.sent("csrf"), csrf_of(visit.cookie("form"))):
        return _form(visit, way, "The form had grown old. Please try again.", 403)
    # Before the password is looked at: that takes a good part of a second.
    wait = visit.services.limits.wait_of_log_in(visit.address, name.lower())
    if wait:
        words = f"Too many attempts. Try again in {wait} seconds."
        return _form(visit, way, words, 429, {"Retry-After": str(wait)})
    database = visit.services.journal.database
    moderator = Accounts(database).verified(name, visit.sent("password"))
    if moderator is None:
        logs.write("log-in", succeeded=False)
        return _form(visit, way, "Name or password is wrong.", 401)
    session = Sessions(database).begin(moderator, visit.cookie("session"))
    logs.write("log-in", succeeded=True)
    response = RedirectResponse(_way(way), 303)
    set_cookie(visit, response, "session", session.token, _WEEK)
    set_cookie(visit, response, "form", "", 0)
    return response


def log_out(visit: Visit) -> Response:
    """End the log-in."""
    if visit.session is None:
        raise HTTPException(403, "You are not logged in.")
    Sessions(visit.services.journal.database).end(visit.session.token)
    response = RedirectResponse(LOG_IN, 303)
    set_cookie(visit, response, "session", "", 0)
    return response


def _form(
    visit: Visit,
    way: str,
    wrong: str = "",
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> Response:
    secret = visit.cookie("form")
    if len(secret) < 20:
        secret = secrets.token_urlsafe(32)
    response = visit.render(
        "login.html", status, headers, form_csrf=csrf_of(secret), wrong=wrong,
        next=_way(way), name=visit.sent("name")[:64],
        nobody=not Accounts(visit.services.journal.database).all(),
    )  # fmt: skip
    set_cookie(visit, response, "form", secret, _HOUR)
    return response


def _way(path: str) -> str:
    """Return where to go after the log-in: to a page of ours and nowhere else."""
    return path if _WAYS.fullmatch(path) and path != f"{PREFIX}/logout" else PREFIX
