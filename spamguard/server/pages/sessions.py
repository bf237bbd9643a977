"""Log-ins: a random token in the browser, and its digest in the database."""

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
from spamguard.server.store import tables

_IDLE: Final = timedelta(hours=12)
_LONGEST: Final = timedelta(days=7)
_FRESH: Final = timedelta(minutes=5)  # activity is noted at most this often


@dataclass(frozen=True, slots=True)
class Session:
    """A valid log-in."""

    moderator: Moderator
    token: str = field(repr=False)

    @property
    def csrf(self) -> str:
        """Token that forms must carry; only the pages of this log-in know it."""
        return csrf_of(self.token)


def csrf_of(token: str) -> str:
    """Return the form token that belongs to a secret in the browser."""
    return hmac.new(token.encode(), b"spamguard form", hashlib.sha256).hexdigest()


class Sessions:
    """The log-ins in one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, moderator: Moderator, former: str = "") -> Session:
        """Log in with a new token, and end the `former` log-in of this browser."""
        token, now = secrets.token_urlsafe(32), stamp(datetime.now(UTC))
        with self._database.writing() as connection:
            too_old = stamp(datetime.now(UTC) - _LONGEST)
            dead = (tables.sessions.c.created_at < too_old) | (
                tables.sessions.c.digest == _digest(former)
            )
            connection.execute(sa.delete(tables.sessions).where(dead))
            values = {
                "digest": _digest(token), "moderator": moderator.id, "created_at": now, "seen_at": now,
            }  # fmt: skip
            connection.execute(sa.insert(tables.sessions).values(values))
        return Session(moderator, token)

    def of(self, token: str) -> Session | None:
        """Return the log-in with this token; None if there is no valid one."""
        if not 20 <= len(token) <= 100:
            return None
        query = (
            sa.select(
                tables.moderators,
                tables.sessions.c.created_at.label("begun"),
                tables.sessions.c.seen_at,
            )
            .join_from(tables.sessions, tables.moderators)
            .where(tables.sessions.c.digest == _digest(token))
        )
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        now = datetime.now(UTC)
        if row is None or row.begun < stamp(now - _LONGEST) or row.seen_at < stamp(now - _IDLE):
            return None
        if row.seen_at < stamp(now - _FRESH):
            with self._database.writing() as connection:
                mine = tables.sessions.c.digest == _digest(token)
                connection.execute(
                    sa.update(tables.sessions).where(mine).values(seen_at=stamp(now))
                )
        return Session(moderator_of(row), token)

    def end(self, token: str) -> None:
        """Log out."""
        with self._database.writing() as connection:
            connection.execute(
                sa.delete(tables.sessions).where(tables.sessions.c.digest == _digest(token))
            )


def _digest(token: str) -> str:
    return hashlib.sha256(f"spamguard session {token}".encode()).hexdigest()
