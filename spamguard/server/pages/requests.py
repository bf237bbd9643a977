"""One request to the pages: its log-in, its form, its checks, and its errors as pages."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from anyio import to_thread
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from spamguard.errors import FeedbackError, SpamguardError
from spamguard.server.http import Threads, address_of, body_of
from spamguard.server.pages.accounts import Moderator
from spamguard.server.pages.rendering import HEADERS, environment, page
from spamguard.server.pages.sessions import Session, Sessions
from spamguard.server.store import Site
from spamguard.server.watch import log_failure
from spamguard.server.worker import Worker

PREFIX: Final = "/moderate"
LOG_IN: Final = f"{PREFIX}/login"
_MOST_FIELDS: Final = 2_000


@dataclass(slots=True)
class Visit:
    """A request, read and ready to be handled in a thread."""

    request: Request
    worker: Worker
    form: QueryParams = field(default_factory=QueryParams)
    session: Session | None = None
    _sites: list[Site] | None = field(default=None, repr=False)

    @property
    def moderator(self) -> Moderator:
        """The moderator who is logged in."""
        assert self.session is not None
        return self.session.moderator

    @property
    def wants_json(self) -> bool:
        """Whether the request comes from the pages' script, which has a page already."""
        return "application/json" in self.request.headers.get("accept", "")

    @property
    def is_secure(self) -> bool:
        """Whether the browser uses HTTPS."""
        return self.request.url.scheme == "https"

    @property
    def address(self) -> str:
        """The client's address."""
        return address_of(self.request)

    def parameter(self, name: str, default: str = "") -> str:
        """Return the first value of a parameter of the URL."""
        return (self.request.query_params.getlist(name) or [default])[0]

    def form_value(self, name: str, default: str = "") -> str:
        """Return the first value of a field of the form."""
        return (self.form.getlist(name) or [default])[0]

    def cookie(self, name: str) -> str:
        """Return a cookie; empty if there is none."""
        return self.request.cookies.get(cookie_name(name, self.is_secure), "")

    def sites(self) -> list[Site]:
        """Return the sites that the moderator may see, by name."""
        if self._sites is None:
            every = self.worker.sites.all()
            self._sites = [site for site in every if self.moderator.may_see(site.id)]
        return self._sites

    def site(self, name: str) -> Site:
        """Return the site of this name, or the first; HTTPException 404 if not theirs."""
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
        text = environment().get_template(template).render(values)
        return page(text, status, headers)

    def redirect(self, path: str, **query: str) -> Response:
        """Send the browser to a page."""
        given = urlencode(query, quote_via=quote)
        return RedirectResponse(f"{PREFIX}{path}" + (f"?{given}" if given else ""), 303)


Handler = Callable[[Visit], Response]


def endpoint(handler: Handler, public: bool = False) -> Callable[[Request], Any]:
    """Return an endpoint that runs `handler` in a thread; only for moderators unless `public`."""

    async def wrapped(request: Request) -> Response:
        visit = Visit(request, request.app.state.worker)
        try:
            response = await _response(visit, handler, public)
        except HTTPException as error:
            response = _error(visit, error.detail, error.status_code, error.headers)
        except FeedbackError as error:
            log_failure(error)
            words = "The database is not available right now. Nothing was changed; try again."
            response = _error(visit, words, 503, {"Retry-After": "30"})
        except SpamguardError as error:
            response = _error(visit, str(error), 409)
        except Exception as error:
            log_failure(error)
            response = _error(visit, "Something went wrong; the server’s log says where.", 500)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if visit.is_secure:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        return response

    return wrapped


async def _response(visit: Visit, handler: Handler, public: bool) -> Response:
    request = visit.request
    if request.method == "POST":
        body = await body_of(request, visit.worker.config)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if body and kind != "application/x-www-form-urlencoded":
            raise HTTPException(415, "Send the form as application/x-www-form-urlencoded.")
        text = body.decode("utf-8", "replace")
        try:
            pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
        except ValueError:
            raise HTTPException(400, "This form has too many fields.") from None
        visit.form = QueryParams(pairs)
    limiter = Threads.of(request.app).pages
    return await to_thread.run_sync(_checked, visit, handler, public, limiter=limiter)


def _checked(visit: Visit, handler: Handler, public: bool) -> Response:
    """Run the handler if the log-in and the form's origin and token are right."""
    visit.session = Sessions(visit.worker.journal.database).of(visit.cookie("session"))
    is_post = visit.request.method == "POST"
    if is_post and not _is_same_origin(visit.request):
        raise HTTPException(403, "Another site sent this form. Nothing was changed.")
    if not public and visit.session is None:
        return _to_log_in(visit)
    if is_post and not public:
        assert visit.session is not None
        if not is_same(visit.form_value("csrf"), visit.session.csrf):
            raise HTTPException(
                403, "This page is from an earlier log-in. Nothing was changed; reload the page."
            )
    return handler(visit)


def _to_log_in(visit: Visit) -> Response:
    if visit.wants_json:
        return JSONResponse({"message": "You are logged out. Reload the page."}, 401)
    url = visit.request.url
    here = url.path + (f"?{url.query}" if url.query else "")
    if visit.request.method != "GET" or here == PREFIX:
        return RedirectResponse(LOG_IN, 303)
    return RedirectResponse(f"{LOG_IN}?next={quote(here)}", 303)


def _is_same_origin(request: Request) -> bool:
    """Return whether a form comes from a page of this server, according to the browser."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    # No current browser sends neither header; the form's token decides then.
    return origin is None or urlsplit(origin).netloc == request.headers.get("host", "")


def is_same(one: str, other: str) -> bool:
    """Compare secrets in constant time."""
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))


def cookie_name(name: str, secure: bool) -> str:
    """Return a cookie's name; with HTTPS one that no other host may set for this one."""
    return f"__Host-spamguard-{name}" if secure else f"spamguard-{name}"


def set_cookie(visit: Visit, response: Response, name: str, value: str, seconds: int) -> None:
    """Set a cookie that scripts cannot read and other sites cannot send; 0 seconds deletes it."""
    response.set_cookie(
        cookie_name(name, visit.is_secure), value, max_age=seconds, path="/",
        httponly=True, samesite="lax", secure=visit.is_secure,
    )  # fmt: skip


def _error(
    visit: Visit, words: str, status: int, headers: Mapping[str, str] | None = None
) -> Response:
    if visit.wants_json:
        return JSONResponse({"message": words}, status, headers)
    return visit.render("error.html", status, headers, words=words, number=status)
