"""Logging in and out."""

from __future__ import annotations

import re
import secrets
from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from spamguard.display import counted
from spamguard.server.pages.accounts import Accounts
from spamguard.server.pages.requests import LOG_IN, PREFIX, Visit, is_same, set_cookie
from spamguard.server.pages.sessions import Sessions, csrf_of
from spamguard.server.watch import write_log

_WEEK: Final = 7 * 86_400
_HOUR: Final = 3_600
_OUR_PAGES: Final = re.compile(rf"{PREFIX}(?:/[a-z]{{1,20}})?(?:\?[\w=&%.+-]{{0,2000}})?", re.ASCII)


def show(visit: Visit) -> Response:
    """Show the form."""
    if visit.session is not None:
        return RedirectResponse(_target(visit.parameter("next")), 303)
    return _form(visit, visit.parameter("next"))


def log_in(visit: Visit) -> Response:
    """Check the name and the password, and begin a session."""
    target, name = visit.form_value("next"), visit.form_value("name").strip()[:100]
    # There is no session yet, so the token belongs to a cookie of the form. Without it
    # another site could log a moderator in under an account of its own.
    if not is_same(visit.form_value("csrf"), csrf_of(visit.cookie("form"))):
        return _form(visit, target, "The form has expired. Please try again.", 403)
    # Before the password is checked, which takes a good part of a second.
    wait = visit.worker.limits.wait_of_log_in(visit.address, name.lower())
    if wait:
        words = f"Too many attempts. Try again in {counted(wait, 'second')}."
        return _form(visit, target, words, 429, {"Retry-After": str(wait)})
    database = visit.worker.journal.database
    moderator = Accounts(database).verify(name, visit.form_value("password"))
    if moderator is None:
        write_log("log-in", succeeded=False)
        return _form(visit, target, "Name or password is wrong.", 401)
    session = Sessions(database).begin(moderator, visit.cookie("session"))
    write_log("log-in", succeeded=True)
    response = RedirectResponse(_target(target), 303)
    set_cookie(visit, response, "session", session.token, _WEEK)
    set_cookie(visit, response, "form", "", 0)
    return response


def log_out(visit: Visit) -> Response:
    """End the session."""
    if visit.session is None:
        raise HTTPException(403, "You are not logged in.")
    Sessions(visit.worker.journal.database).end(visit.session.token)
    response = RedirectResponse(LOG_IN, 303)
    set_cookie(visit, response, "session", "", 0)
    return response


def _form(
    visit: Visit,
    target: str,
    wrong: str = "",
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> Response:
    secret = visit.cookie("form")
    if len(secret) < 20:
        secret = secrets.token_urlsafe(32)
    response = visit.render(
        "login.html", status, headers, form_csrf=csrf_of(secret), wrong=wrong,
        next=_target(target), name=visit.form_value("name")[:64],
        no_accounts=not Accounts(visit.worker.journal.database).all(),
    )  # fmt: skip
    set_cookie(visit, response, "form", secret, _HOUR)
    return response


def _target(path: str) -> str:
    """Return where to go after the log-in: one of our pages and nowhere else."""
    return path if _OUR_PAGES.fullmatch(path) and path != f"{PREFIX}/logout" else PREFIX
