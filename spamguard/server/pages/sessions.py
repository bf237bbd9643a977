"""Who is logged in: a random token in the browser, its digest in the database, nothing else."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import sqlalchemy as sa

from spamguard.feedback import Database, stamp
from spamguard.server.pages.accounts import Moderator, moderator_of
from spamguard.server.store.server_tables import moderators, sessions

_IDLE: Final = timedelta(hours=12)
_LONGEST: Final = timedelta(days=7)
_FRESH: Final = timedelta(minutes=5)  # it is not noted more often that somebody was seen


@dataclass(frozen=True, slots=True)
class Session:
    """A log-in that is in force."""

    moderator: Moderator
    token: str = field(repr=False)

    @property
    def csrf(self) -> str:
        """What a form must bring along: known to the pages of this log-in and to no other site."""
        return csrf_of(self.token)


def csrf_of(token: str) -> str:
    """Return the token of the forms that belong to a secret of the browser."""
    return hmac.new(token.encode(), b"spamguard form", hashlib.sha256).hexdigest()


class Sessions:
    """The log-ins of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, moderator: Moderator, former: str = "") -> Session:
        """Log in; the token is always a new one, and that of a `former` log-in ends."""
        token, now = secrets.token_urlsafe(32), stamp(datetime.now(UTC))
        with self._database.writing() as connection:
            too_old = stamp(datetime.now(UTC) - _LONGEST)
            dead = (sessions.c.created_at < too_old) | (sessions.c.digest == _digest(former))
            connection.execute(sa.delete(sessions).where(dead))
            values = {
                "digest": _digest(token), "moderator": moderator.id, "created_at": now, "seen_at": now,
            }  # fmt: skip
            connection.execute(sa.insert(sessions).values(values))
        return Session(moderator, token)

    def of(self, token: str) -> Session | None:
        """Return the log-in that a token belongs to; None where it has ended, or never was."""
        if not 20 <= len(token) <= 100:
            return None
        query = (
            sa.select(moderators, sessions.c.created_at.label("begun"), sessions.c.seen_at)
            .join_from(sessions, moderators)
            .where(sessions.c.digest == _digest(token))
        )
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        now = datetime.now(UTC)
        if row is None or row.begun < stamp(now - _LONGEST) or row.seen_at < stamp(now - _IDLE):
            return None
        if row.seen_at < stamp(now - _FRESH):
            with self._database.writing() as connection:
                mine = sessions.c.digest == _digest(token)
                connection.execute(sa.update(sessions).where(mine).values(seen_at=stamp(now)))
        return Session(moderator_of(row), token)

    def end(self, token: str) -> None:
        """Log out."""
        with self._database.writing() as connection:
            connection.execute(sa.delete(sessions).where(sessions.c.digest == _digest(token)))


def _digest(token: str) -> str:
    return hashlib.sha256(f"spamguard session {token}".encode()).hexdigest()
