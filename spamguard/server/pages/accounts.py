"""The accounts of moderators. Of a password only a slow hash is kept."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from spamguard.errors import ServerError
from spamguard.feedback import Database, stamp
from spamguard.server.store import tables

_LEAST: Final = 10  # characters of a password
_MOST: Final = 1_000  # the time to hash grows with the length
_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Moderator:
    """An account. `name` is also its name in the journal; `sites` None means all sites."""

    id: int
    name: str
    sites: frozenset[int] | None = None

    def may_see(self, site: int) -> bool:
        """Return whether the account may see the site with this number."""
        return self.sites is None or site in self.sites


class Accounts:
    """The accounts in one database. An unknown name or an unfit password raises `ServerError`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._hasher = PasswordHasher()

    def add(self, name: str, password: str, site_names: Iterable[str] | None = None) -> None:
        """Add an account, for all sites or only for those named."""
        if not _NAME.fullmatch(name):
            raise ServerError(
                "A moderator's name has up to 64 letters, digits, dots, dashes and underscores."
            )
        values = {"name": name, "password": self._hashed(password), "created_at": _now()}
        with self._database.writing() as connection:
            taken = sa.select(tables.moderators.c.id).where(
                sa.func.lower(tables.moderators.c.name) == name.lower()
            )
            if connection.execute(taken).first() is not None:
                raise ServerError("There is already a moderator of this name; choose another.")
            if site_names is not None:
                values["sites"] = json.dumps(_numbers(connection, list(site_names)))
            connection.execute(sa.insert(tables.moderators).values(values))

    def set_password(self, name: str, password: str) -> None:
        """Change an account's password, and log it out everywhere."""
        hashed = self._hashed(password)
        with self._database.writing() as connection:
            number = _number_of(connection, name)
            mine = tables.moderators.c.id == number
            connection.execute(sa.update(tables.moderators).where(mine).values(password=hashed))
            connection.execute(
                sa.delete(tables.sessions).where(tables.sessions.c.moderator == number)
            )

    def remove(self, name: str) -> None:
        """Remove an account; its decisions stay."""
        with self._database.writing() as connection:
            number = _number_of(connection, name)
            connection.execute(
                sa.delete(tables.sessions).where(tables.sessions.c.moderator == number)
            )
            connection.execute(sa.delete(tables.moderators).where(tables.moderators.c.id == number))

    def all(self) -> list[Moderator]:
        """Return the accounts by name."""
        with self._database.reading() as connection:
            rows = connection.execute(
                sa.select(tables.moderators).order_by(tables.moderators.c.name)
            ).all()
        return [moderator_of(row) for row in rows]

    def verify(self, name: str, password: str) -> Moderator | None:
        """Return the account if the password is right; an unknown name takes as long to check."""
        with self._database.reading() as connection:
            query = sa.select(tables.moderators).where(tables.moderators.c.name == name)
            row = connection.execute(query).first()
        if len(password) > _MOST:
            return None
        if row is None:
            self._hasher.hash(password)
            return None
        try:
            self._hasher.verify(row.password, password)
        except (VerificationError, InvalidHashError):
            return None
        if self._hasher.check_needs_rehash(row.password):
            with self._database.writing() as connection:
                mine = tables.moderators.c.id == row.id
                hashed = self._hasher.hash(password)
                connection.execute(sa.update(tables.moderators).where(mine).values(password=hashed))
        return moderator_of(row)

    def _hashed(self, password: str) -> str:
        if not _LEAST <= len(password) <= _MOST:
            raise ServerError(f"A password has {_LEAST} to {_MOST:,} characters.")
        return self._hasher.hash(password)


def moderator_of(row: sa.Row[Any]) -> Moderator:
    """Return the account in a row of its table."""
    own = None if row.sites is None else frozenset(int(n) for n in json.loads(row.sites))
    return Moderator(int(row.id), row.name, own)


def _number_of(connection: sa.Connection, name: str) -> int:
    number = connection.execute(
        sa.select(tables.moderators.c.id).where(tables.moderators.c.name == name)
    ).scalar()
    if number is None:
        raise ServerError(
            f"There is no moderator {name[:64]!r}; list them with spamguard moderators list."
        )
    return int(number)


def _numbers(connection: sa.Connection, names: list[str]) -> list[int]:
    query = sa.select(tables.sites.c.name, tables.sites.c.id).where(
        tables.sites.c.name.in_(names), tables.sites.c.name != ""
    )
    found = {row.name: int(row.id) for row in connection.execute(query)}
    if missing := [name for name in names if name not in found]:
        raise ServerError(
            f"There is no site {missing[0][:64]!r}; list them with spamguard sites list."
        )
    return sorted(set(found.values()))


def _now() -> str:
    return stamp(datetime.now(UTC))
