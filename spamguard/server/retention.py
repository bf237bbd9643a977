"""Retention: deletes undecided and decided comments after their time."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

import sqlalchemy as sa

from spamguard.errors import FeedbackError
from spamguard.feedback import Journal, stamp
from spamguard.server.config import ServerConfig
from spamguard.server.store import tables
from spamguard.server.watch import write_log

_EVERY: Final = timedelta(hours=20)
_BY: Final = "retention"


class Retention:
    """Deletes comments that are older than the configuration allows."""

    def __init__(self, journal: Journal, config: ServerConfig) -> None:
        self._journal = journal
        self._undecided = config.retention_days
        self._decided = config.feedback_days

    def run_if_due(self) -> None:
        """Delete, unless another worker has done so today."""
        if self._undecided is None and self._decided is None:
            return
        now = datetime.now(UTC)
        with self._journal.database.writing() as connection:
            last = connection.execute(
                sa.select(tables.settings.c.value).where(tables.settings.c.key == "retention")
            ).scalar()
            if last is not None and last > stamp(now - _EVERY):
                return
            connection.execute(
                sa.delete(tables.settings).where(tables.settings.c.key == "retention")
            )
            connection.execute(sa.insert(tables.settings).values(key="retention", value=stamp(now)))
        try:
            deleted = self.run(now)
        except FeedbackError:
            with suppress(FeedbackError), self._journal.database.writing() as connection:
                connection.execute(  # not done today, so the next round tries again
                    sa.delete(tables.settings).where(tables.settings.c.key == "retention")
                )
            raise
        write_log("retention", deleted=deleted)

    def run(self, now: datetime) -> int:
        """Delete what is too old at `now`, and rewrite the file; return the number of comments.

        Raises FeedbackError if the file cannot be rewritten now; the rows stay deleted.
        """
        database, gone = self._journal.database, 0
        with database.writing() as connection:
            if self._undecided is not None:
                limit = stamp(now - timedelta(days=self._undecided))
                old = sa.delete(tables.comments).where(
                    tables.comments.c.at < limit, tables.comments.c.decision.is_(None)
                )
                gone += connection.execute(old).rowcount
            if self._decided is not None:
                limit = stamp(now - timedelta(days=self._decided))
                old = sa.delete(tables.comments).where(tables.comments.c.decided_at < limit)
                gone += connection.execute(old).rowcount
            note = database.must_scrub(connection) if gone else None
        if self._decided is not None:
            self._journal.forget_before(now - timedelta(days=self._decided), by=_BY)
        elif note is not None:
            database.scrub(note)
        return gone
