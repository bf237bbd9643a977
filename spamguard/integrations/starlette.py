"""spamguard in a Starlette or FastAPI application.

>>> from spamguard.integrations.starlette import Spamguard
>>> guard = Spamguard("/var/lib/blog/feedback.db")  # nothing is opened yet

``FastAPI(lifespan=guard.lifespan)`` opens the journal and loads the model before the
first request. In an endpoint, one call scores a comment::

    verdict = await guard.check(comment, "c17")
    published = not guard.holds(verdict)

Another keeps a moderator's decision: ``await guard.correct("c17", "spam", by="anna")``.
The work runs in two threads, so the event loop stays free. It needs
``pip install 'spamguard[fastapi]'``.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

from spamguard.comment import Comment, Post
from spamguard.errors import InputError
from spamguard.feedback import Decision, Site
from spamguard.integrations.fields import comment_of
from spamguard.verdict import Verdict

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["Spamguard"]

_THREADS: Final = 2  # scoring is bound by the processor, so more threads are no faster
_T = TypeVar("_T")


class Spamguard:
    """A `Site` with awaitable calls.

    Event loops and threads may share it. `lifespan` or the first call opens the journal.
    Everything else is in `site`, whose calls block.

    Parameters
    ----------
    journal : str or path
        As for `Site`.
    **options
        As for `Site`.
    """

    def __init__(self, journal: str | os.PathLike[str], **options: Any) -> None:
        self.site = Site(journal, **options)
        self._threads: ThreadPoolExecutor | None = None
        self._starting = threading.Lock()

    @asynccontextmanager
    async def lifespan(self, app: Any) -> AsyncIterator[None]:
        """Open the journal and load the model at startup; close the journal at shutdown."""
        await self._run(lambda: self.site.model())
        try:
            yield
        finally:
            await asyncio.to_thread(self.close)

    def close(self) -> None:
        """Finish running calls and close the journal; the next call opens it again."""
        with self._starting:
            threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown(wait=True)
        self.site.close()

    async def _run(self, work: Callable[[], _T]) -> _T:
        # The event loop may wait for this lock, so release it before the work.
        with self._starting:
            if self._threads is None:
                self._threads = ThreadPoolExecutor(_THREADS, "spamguard")
            future = self._threads.submit(work)
        return await asyncio.wrap_future(future)

    async def check(
        self, comment: Comment | str, comment_id: str | int | None = None, post: Post | None = None
    ) -> Verdict:
        """Return the verdict on a comment; see `Site.check`."""
        return await self._run(lambda: self.site.check(comment, comment_id, post))

    async def check_request(
        self,
        request: Request,
        comment_id: str | int | None = None,
        post: Post | None = None,
    ) -> Verdict:
        """Return the verdict on the comment in a request, a form or a JSON object.

        `comment_id` is as in `Site.check`. Raises InputError if the request has no field with
        a text; see `comment_of`.
        """
        sent: Any
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "application/json":
            try:
                sent = await request.json()
            except (ValueError, RecursionError):
                raise InputError("the request is not JSON.") from None
        else:
            sent = await request.form()
        return await self.check(
            comment_of(sent if isinstance(sent, Mapping) else {}, post), comment_id
        )

    def holds(self, verdict: Verdict | str) -> bool:
        """Return whether a comment with this verdict or label waits for a moderator."""
        return self.site.holds(verdict)

    async def correct(
        self,
        comment_id: str | int,
        decision: Decision,
        *,
        by: str,
        comment: Comment | str | None = None,
    ) -> int:
        """Keep a moderator's decision, and return its number; see `Site.correct`."""
        return await self._run(
            lambda: self.site.correct(comment_id, decision, by=by, comment=comment)
        )
