"""One request to the pages: who asks, what the form says, whether it may, and its errors as pages."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlsplit

from anyio import CapacityLimiter, to_thread
from jinja2 import Environment
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from spamguard.errors import FeedbackError, SpamguardError
from spamguard.server.access import address_of
from spamguard.server.http import body_of
from spamguard.server.pages.accounts import Moderator
from spamguard.server.pages.rendering import HEADERS, environment, page
from spamguard.server.pages.sessions import Session, Sessions
from spamguard.server.store import Site
from spamguard.server.watch import logs
from spamguard.server.worker import Services

PREFIX: Final = "/moderate"
LOG_IN: Final = f"{PREFIX}/login"

_MOST_FIELDS: Final = 2_000
_THREADS: Final = 4
_LONGEST_QUERY: Final = 4_000

Fields = dict[str, list[str]]


@dataclass(slots=True)
class Visit:
    """A request, read and ready to be answered in a thread."""

    request: Request
    services: Services
    templates: Environment
    query: Fields
    form: Fields
    session: Session | None = None
    _sites: list[Site] | None = field(default=None, repr=False)

    @property
    def moderator(self) -> Moderator:
        """Who is logged in."""
        assert self.session is not None
        return self.session.moderator

    @property
    def wants_json(self) -> bool:
        """Whether the script of the pages asks, which has a page already."""
        return "application/json" in self.request.headers.get("accept", "")

    @property
    def is_secure(self) -> bool:
        """Whether the browser came by HTTPS."""
        return self.request.url.scheme == "https"

    @property
    def address(self) -> str:
        """Where the request came from."""
        return address_of(self.request)

    def asked(self, name: str, otherwise: str = "") -> str:
        """Return a parameter of the address."""
        return self.query.get(name, [otherwise])[0]

    def sent(self, name: str, otherwise: str = "") -> str:
        """Return a field of the form."""
        return self.form.get(name, [otherwise])[0]

    def cookie(self, name: str) -> str:
        """Return a cookie."""
        return self.request.cookies.get(cookie_name(name, self.is_secure), "")

    def sites(self) -> list[Site]:
        """Return the sites that the moderator may see, by name."""
        if self._sites is None:
            every = self.services.sites.all()
            self._sites = [site for site in every if self.moderator.may_see(site.id)]
        return self._sites

    def site(self, name: str) -> Site:
        """Return the site of this name; the first one where there is no name.

        Raises
        ------
        HTTPException
            404 if there is none, or it is not theirs to see.
        """
        for site in self.sites():
            if name in ("", site.name):
                return site
        raise HTTPException(404, "There is no such site, or it is not one of yours.")

    def render(
        self,
        template: str,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **values: Any,
    ) -> Response:
        """Return a page."""
        values |= {
            "prefix": PREFIX,
            "path": self.request.url.path,
            "moderator": None if self.session is None else self.moderator.name,
            "csrf": "" if self.session is None else self.session.csrf,
        }
        return page(self.templates.get_template(template).render(values), status, headers)

    def to(self, path: str, **query: str) -> Response:
        """Send the browser to a page."""
        given = "&".join(f"{name}={quote(value)}" for name, value in query.items())
        return RedirectResponse(f"{PREFIX}{path}" + (f"?{given}" if given else ""), 303)


Answer = Callable[[Visit], Response]


class Door:
    """Lets visits in."""

    def __init__(self) -> None:
        self._templates = environment()
        self._threads: CapacityLimiter | None = None

    def endpoint(self, answer: Answer, public: bool = False) -> Callable[[Request], Any]:
        """Return the endpoint that has `answer` given, in a thread.

        Parameters
        ----------
        answer : callable
        public : bool
            Also to those who are not logged in.
        """

        async def found(request: Request) -> Response:
            if self._threads is None:
                # Of their own: moderators' slow questions must not keep blogs waiting.
                self._threads = CapacityLimiter(_THREADS)
            services: Services = request.app.state.services
            visit = Visit(request, services, self._templates, {}, {})
            try:
                visit.query = _fields(request.url.query[:_LONGEST_QUERY])
                if request.method == "POST":
                    visit.form = _form(request, await body_of(request, services.config))
                response = await to_thread.run_sync(
                    _answered, visit, answer, public, limiter=self._threads
                )
            except HTTPException as error:
                response = _error(visit, error.detail, error.status_code, error.headers)
            except FeedbackError as error:
                logs.failure(error)
                words = "The database cannot be used right now, and nothing was changed. Try again."
                response = _error(visit, words, 503, {"Retry-After": "30"})
            except SpamguardError as error:
                response = _error(visit, str(error), 409)
            except Exception as error:
                logs.failure(error)
                response = _error(visit, "Something went wrong here; the log tells where.", 500)
            for name, value in HEADERS.items():
                response.headers.setdefault(name, value)
            if visit.is_secure:
                response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
            return response

        return found


def _answered(visit: Visit, answer: Answer, public: bool) -> Response:
    visit.session = Sessions(visit.services.journal.database).of(visit.cookie("session"))
    posted = visit.request.method == "POST"
    if posted and not _is_from_here(visit.request):
        raise HTTPException(403, "This form was sent by another site, and nothing was changed.")
    if not public and visit.session is None:
        return _log_in_first(visit)
    if posted and not public:
        assert visit.session is not None
        if not same(visit.sent("csrf"), visit.session.csrf):
            raise HTTPException(
                403, "This page is of an earlier log-in, and nothing was changed. Load it again."
            )
    return answer(visit)


def _log_in_first(visit: Visit) -> Response:
    if visit.wants_json:
        return JSONResponse({"said": "You are not logged in any more. Load the page again."}, 401)
    url = visit.request.url
    here = url.path + (f"?{url.query}" if url.query else "")
    if visit.request.method != "GET" or here == PREFIX:
        return RedirectResponse(LOG_IN, 303)
    return RedirectResponse(f"{LOG_IN}?next={quote(here)}", 303)


def _is_from_here(request: Request) -> bool:
    """Tell whether a form comes from a page of this server, by what the browser says of it."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    # Without either it is no browser of today; the token of the form decides then.
    return origin is None or urlsplit(origin).netloc == request.headers.get("host", "")


def same(one: str, other: str) -> bool:
    """Compare secrets without telling by the time where they differ."""
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))


def cookie_name(name: str, secure: bool) -> str:
    """Return a cookie's name; by HTTPS one that no other host may set for this one."""
    return f"__Host-spamguard-{name}" if secure else f"spamguard-{name}"


def set_cookie(visit: Visit, response: Response, name: str, value: str, seconds: int) -> None:
    """Give the browser a cookie that scripts cannot read and other sites cannot send; 0 takes it."""
    response.set_cookie(
        cookie_name(name, visit.is_secure), value, max_age=seconds, path="/",
        httponly=True, samesite="lax", secure=visit.is_secure,
    )  # fmt: skip


def _fields(text: str) -> Fields:
    try:
        pairs = parse_qsl(
            text, keep_blank_values=True, errors="replace", max_num_fields=_MOST_FIELDS
        )
    except ValueError:
        raise HTTPException(400, "There are too many fields in this form.") from None
    found: Fields = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def _form(request: Request, body: bytes) -> Fields:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and kind != "application/x-www-form-urlencoded":
        raise HTTPException(415, "Send the form as a browser does.")
    return _fields(body.decode("utf-8", "replace"))


def _error(
    visit: Visit, words: str, status: int, headers: Mapping[str, str] | None = None
) -> Response:
    if visit.wants_json:
        return JSONResponse({"said": words}, status, headers)
    return visit.render("error.html", status, headers, words=words, number=status)
