"""A thread that writes answers to the database, so that no blog waits for the disk.

It writes in batches, a moment after the answer; a killed worker loses the last batch.
Feedback is written directly: see `spamguard.server.feedback`.
"""

from __future__ import annotations

import json
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import sqlalchemy as sa

from spamguard.errors import FeedbackError
from spamguard.feedback import Database
from spamguard.server.queries import Answer
from spamguard.server.store import RegisteredPost, key_of, register, tables
from spamguard.server.watch import log_failure

_MOST: Final = 20_000  # waiting answers; beyond that, the oldest are dropped
_TOGETHER: Final = 100  # in one transaction, whose end corrections wait for
_PAUSE: Final = 0.1  # seconds

DECIDED: Final = ("decision", "decided_by", "decided_at", "entry")


class Recorder:
    """Writes answers, in a thread of its own.

    Parameters
    ----------
    privacy : bool
        Keep no texts, names or addresses.
    report : callable
        Called with "waiting" or "dropped", and the number of comments.
    """

    def __init__(
        self, database: Database, privacy: bool, report: Callable[[str, int], None]
    ) -> None:
        self._database = database
        self._privacy = privacy
        self._report = report
        self._waiting: list[Answer] = []
        self._under_way: list[Answer] = []
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="spamguard-records", daemon=True)
        self._failing = False

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Write all waiting answers, and stop."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self.flush()

    def put(self, answer: Answer) -> None:
        """Take an answer; return at once."""
        with self._lock:
            self._waiting.append(answer)
            lost = len(self._waiting) - _MOST
            if lost > 0:
                del self._waiting[:lost]
        if lost > 0:
            self._report("dropped", lost)

    def flush(self) -> bool:
        """Write the answers that wait now; return False if the database cannot be written."""
        with self._flushing:
            # New answers wait, or this might never end.
            left = len(self._waiting)
            while left > 0:
                size = min(left, _TOGETHER)
                with self._lock:
                    batch, self._waiting = self._waiting[:size], self._waiting[size:]
                    self._under_way = batch
                left -= size
                try:
                    with self._database.writing() as connection:
                        write(connection, batch, self._privacy)
                except FeedbackError:
                    batch = self._without_unwritable(batch)
                    with self._lock:
                        self._waiting = batch + self._waiting
                    if batch:
                        if not self._failing:
                            self._report("waiting", len(batch))
                        self._failing = True
                        return False
                except BaseException:
                    with self._lock:
                        self._waiting = batch + self._waiting
                    raise
                self._failing = False
            with self._lock:
                self._under_way = []
            return True

    def flush_if_waiting(self, digest: str) -> None:
        """Write all waiting answers if one has this digest."""
        with self._lock:
            found = any(answer.digest == digest for answer in (*self._under_way, *self._waiting))
        if found:
            self.flush()

    def _without_unwritable(self, batch: list[Answer]) -> list[Answer]:
        """Write one by one, past bad answers; return those left if the database fails."""
        dropped = 0
        for place, answer in enumerate(batch):
            try:
                with self._database.writing() as connection:
                    write(connection, [answer], self._privacy)
            except FeedbackError:
                if not self._can_write():
                    return batch[place:]
                dropped += 1
        if dropped:
            self._report("dropped", dropped)
        return []

    def _can_write(self) -> bool:
        """Return whether the database accepts writes, so that the comment is at fault."""
        probe = tables.settings.c.key == "probe"
        try:
            with self._database.writing() as connection:
                connection.execute(sa.delete(tables.settings).where(probe))
                connection.execute(sa.insert(tables.settings).values(key="probe", value="x" * 200))
        except FeedbackError:
            return False
        return True

    def _run(self) -> None:
        while not self._stop.wait(_PAUSE if not self._failing else 10 * _PAUSE):
            try:
                self.flush()
            except Exception as error:  # the thread must outlive it; its answers wait again
                self._failing = True
                log_failure(error)


def write(connection: sa.Connection, batch: Sequence[Answer], privacy: bool) -> None:
    """Add comments and count them."""
    sent: dict[int, list[RegisteredPost]] = defaultdict(list)
    added: list[dict[str, Any]] = []
    changed: dict[int, dict[str, Any]] = {}  # existing rows, by number
    # The same comment may have an earlier decision.
    latest = _latest_of(connection, batch)
    for answer in batch:
        if answer.query.post is not None and answer.query.post.url:
            sent[answer.site.id].append(answer.query.post)
        values = row_of(answer, privacy)
        key = answer.site.id, answer.digest
        former = latest.get(key)
        if former is not None:
            values |= {name: former[name] for name in DECIDED}
        if former is None or not answer.query.again:
            added.append(_EMPTY | values)
            latest[key] = added[-1]
        else:
            former.update(values)  # a row of this batch, or an existing one
            if "id" in former:
                changed[former["id"]] = former
    if added:
        connection.execute(_INSERT, added)
    for values in changed.values():
        mine = tables.comments.c.id == values.pop("id")
        connection.execute(sa.update(tables.comments).where(mine).values(values))
    for site, posts in sent.items():
        register(connection, site, posts)
    count(connection, _counted(batch))


# Built once, because building a statement takes longer than running it.
_INSERT: Final = sa.insert(tables.comments)
_EMPTY: Final = {column.name: None for column in tables.comments.c if not column.primary_key}
_SAME: Final = sa.select(sa.func.max(tables.comments.c.id)).where(
    tables.comments.c.site.in_(sa.bindparam("sites", expanding=True)),
    tables.comments.c.digest.in_(sa.bindparam("digests", expanding=True)),
)
_LATEST: Final = sa.select(
    *(tables.comments.c[name] for name in ("id", "site", "digest", *DECIDED))
).where(tables.comments.c.id.in_(_SAME.group_by(tables.comments.c.site, tables.comments.c.digest)))


def _latest_of(
    connection: sa.Connection, batch: Sequence[Answer]
) -> dict[tuple[int, str], dict[str, Any]]:
    """Return the latest existing row of each comment, by site and digest."""
    wanted = {
        "sites": list({answer.site.id for answer in batch}),
        "digests": list({answer.digest for answer in batch}),
    }
    rows = connection.execute(_LATEST, wanted).mappings()
    return {(row["site"], row["digest"]): dict(row) for row in rows}


def row_of(answer: Answer, privacy: bool) -> dict[str, Any]:
    """Return the row of an answer."""
    query, verdict, comment = answer.query, answer.verdict, answer.query.comment
    reasons = [[r.feature, r.contribution, "" if privacy else r.evidence] for r in answer.reasons]
    row: dict[str, Any] = {
        "site": answer.site.id,
        "guid": answer.guid,
        "digest": answer.digest,
        "at": answer.at,
        "blog": host_of(query.blog),
        "post_key": key_of(query.permalink) if query.permalink else None,
        "story": query.story,
        "kind": (query.kind or "")[:64] or None,
        "cause": query.cause,
        "answer": answer.is_spam,
        "reasons": json.dumps(reasons) if reasons else None,
    }
    if not privacy:
        row |= {
            "permalink": query.permalink,
            "text": comment.text,
            "author": comment.author,
            "author_url": comment.author_url,
            "date": None if comment.date is None else str(comment.date),
        }
    if verdict is not None:
        row |= {
            "label": verdict.label,
            "spam_probability": float(verdict.spam_probability),
            "log_odds": float(verdict.log_odds),
            "discard": bool(verdict.discard),
            "language": verdict.language[:16],
            "model": verdict.model,
        }
    return row


def host_of(address: str | None) -> str:
    """Return the host of a blog's address, or an empty string."""
    try:
        host = urlsplit((address or "").strip()).hostname or ""
    except ValueError:
        return ""
    # Some databases refuse unprintable characters.
    return "".join(letter for letter in host if letter.isprintable())[:255]


Counts = dict[tuple[int, str, str], Counter[str]]


def _counted(batch: Sequence[Answer]) -> Counts:
    found: Counts = defaultdict(Counter)
    for answer in batch:
        key = (answer.site.id, answer.at[:7], host_of(answer.query.blog))
        found[key].update(("api_calls", "spam" if answer.is_spam else "ham"))
    return found


def count(connection: sa.Connection, counts: Counts) -> None:
    """Add to the monthly figures, by site, month and blog."""
    for (site, month, blog), more in counts.items():
        mine = {"of_site": site, "of_month": month, "of_blog": blog}
        raised = {f"more_{name}": more[name] for name in _FIGURES}
        if not connection.execute(_RAISE, mine | raised).rowcount:
            values = {name: more[name] for name in _FIGURES}
            row = {"site": site, "month": month, "blog": blog, **values}
            connection.execute(sa.insert(tables.usage).values(row))


_FIGURES: Final = tuple(column.name for column in tables.usage.c if not column.primary_key)
_RAISE: Final = (
    sa.update(tables.usage)
    .where(
        *(tables.usage.c[name] == sa.bindparam(f"of_{name}") for name in ("site", "month", "blog"))
    )
    .values({name: tables.usage.c[name] + sa.bindparam(f"more_{name}") for name in _FIGURES})
)
