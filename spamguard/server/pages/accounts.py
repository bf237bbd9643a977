"""The accounts of moderators; of a password only a slow hash is kept."""

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
from spamguard.server.store.server_tables import moderators, sessions, sites

LEAST: Final = 10
"""Characters of a password."""

_MOST: Final = 1_000  # hashing takes as long as the password is
_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Moderator:
    """Who may decide.

    Parameters
    ----------
    id : int
    name : str
        Also the account in the journal.
    sites : frozenset of int or None
        Numbers of the sites that the account may see; None is all.
    """

    id: int
    name: str
    sites: frozenset[int] | None = None

    def may_see(self, site: int) -> bool:
        """Tell whether the site with this number is one of theirs."""
        return self.sites is None or site in self.sites


class Accounts:
    """The moderators of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._hasher = PasswordHasher()

    def add(self, name: str, password: str, site_names: Iterable[str] | None = None) -> None:
        """Add an account.

        Parameters
        ----------
        name : str
            Up to 64 letters, digits, dots, dashes and underscores.
        password : str
            Ten characters or more.
        site_names : iterable of str, optional
            The only sites that it may see.

        Raises
        ------
        ServerError
            If the name is taken or can be none, the password is too short, or
            there is no such site.
        """
        if not _NAME.fullmatch(name):
            raise ServerError(
                "a moderator's name has up to 64 letters, digits, dots, dashes and underscores."
            )
        values = {"name": name, "password": self._hashed(password), "created_at": _now()}
        with self._database.writing() as connection:
            taken = sa.select(moderators.c.id).where(
                sa.func.lower(moderators.c.name) == name.lower()
            )
            if connection.execute(taken).first() is not None:
                raise ServerError("there is a moderator of this name already; take another.")
            if site_names is not None:
                values["sites"] = json.dumps(_numbers(connection, list(site_names)))
            connection.execute(sa.insert(moderators).values(values))

    def set_password(self, name: str, password: str) -> None:
        """Give an account another password, and log it out everywhere.

        Raises
        ------
        ServerError
            If there is no such account, or the password is too short.
        """
        hashed = self._hashed(password)
        with self._database.writing() as connection:
            number = _number_of(connection, name)
            mine = moderators.c.id == number
            connection.execute(sa.update(moderators).where(mine).values(password=hashed))
            connection.execute(sa.delete(sessions).where(sessions.c.moderator == number))

    def remove(self, name: str) -> None:
        """Remove an account; what it decided stays.

        Raises
        ------
        ServerError
            If there is none of this name.
        """
        with self._database.writing() as connection:
            number = _number_of(connection, name)
            connection.execute(sa.delete(sessions).where(sessions.c.moderator == number))
            connection.execute(sa.delete(moderators).where(moderators.c.id == number))

    def all(self) -> list[Moderator]:
        """Return the accounts by name."""
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(moderators).order_by(moderators.c.name)).all()
        return [moderator_of(row) for row in rows]

    def verified(self, name: str, password: str) -> Moderator | None:
        """Return the account if the password is its own; it takes as long if there is no account."""
        with self._database.reading() as connection:
            query = sa.select(moderators).where(moderators.c.name == name)
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
                mine = moderators.c.id == row.id
                hashed = self._hasher.hash(password)
                connection.execute(sa.update(moderators).where(mine).values(password=hashed))
        return moderator_of(row)

    def _hashed(self, password: str) -> str:
        if not LEAST <= len(password) <= _MOST:
            raise ServerError(f"a password has {LEAST} to {_MOST:,} characters.")
        return self._hasher.hash(password)


def moderator_of(row: sa.Row[Any]) -> Moderator:
    """Return the account in a row of its table."""
    own = None if row.sites is None else frozenset(int(n) for n in json.loads(row.sites))
    return Moderator(int(row.id), row.name, own)


def _number_of(connection: sa.Connection, name: str) -> int:
    number = connection.execute(
        sa.select(moderators.c.id).where(moderators.c.name == name)
    ).scalar()
    if number is None:
        raise ServerError(f"there is no moderator {name[:64]!r}; list them first.")
    return int(number)


def _numbers(connection: sa.Connection, names: list[str]) -> list[int]:
    query = sa.select(sites.c.name, sites.c.id).where(sites.c.name.in_(names), sites.c.name != "")
    found = {row.name: int(row.id) for row in connection.execute(query)}
    if missing := [name for name in names if name not in found]:
        raise ServerError(f"there is no site {missing[0][:64]!r}; list them with spamguard sites.")
    return sorted(set(found.values()))


def _now() -> str:
    return stamp(datetime.now(UTC))
