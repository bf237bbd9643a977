"""The sites of a server: one key, one site."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa

from spamguard.errors import ServerError
from spamguard.feedback import (
    PREFIX,
    Database,
    count_steps,
    last_shared_step,
    last_step_of,
    put_step,
    share_step,
    stamp,
    unshare_steps,
)
from spamguard.server.store.server_tables import sites

_SETTINGS: Final = frozenset(
    ("gives", "takes", "unsure_is_spam", "unsure_cut", "spam_cut", "coral_secret")
)
_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,62}[a-z0-9])?")
_KEY: Final = re.compile(r"[0-9A-Za-z_-]{8,128}")


@dataclass(frozen=True, slots=True)
class Site:
    """One site, as its row was read.

    Parameters
    ----------
    name : str
        Its name for people and in the journal.
    sequence, pool_sequence : int
        Numbers of the last step that was learned here, and of the last that
        sites share; they only rise.
    gives, takes : bool
        Whether the site shares its feedback, and uses what others share.
    unsure_is_spam : bool
        Whether a client that knows only yes and no hears that unsure is spam.
    unsure_cut, spam_cut : float or None
        The site's own decision thresholds in log-odds; None is the model's.
    coral_secret : str or None
        Signs what Coral sends; one a line, if its moderation phase and its
        webhook have different secrets.
    """

    id: int
    name: str
    sequence: int
    pool_sequence: int
    gives: bool = False
    takes: bool = False
    unsure_is_spam: bool = False
    unsure_cut: float | None = None
    spam_cut: float | None = None
    coral_secret: str | None = None


class Sites:
    """The sites of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_key(self, key: str) -> Site | None:
        """Return the site with this key, or None."""
        if not _KEY.fullmatch(key):
            return None
        return self._one(_OF_KEY, _digest(key))

    def named(self, name: str) -> Site | None:
        """Return the site of this name, or None."""
        return self._one(_NAMED, name)

    def with_id(self, number: int) -> Site | None:
        """Return the site with this number, or None."""
        return self._one(_WITH_ID, number)

    def all(self) -> list[Site]:
        """Return all sites by name."""
        with self._database.reading() as connection:
            query = _QUERY.order_by(sites.c.name)
            return [_site(row) for row in connection.execute(query)]

    def corrections(self, site: Site) -> int:
        """Return how many comments of a site were corrected."""
        return count_steps(self._database, site.name)

    def _one(self, query: sa.Select[Any], value: object) -> Site | None:
        with self._database.reading() as connection:
            row = connection.execute(query, {"value": value}).first()
        return None if row is None else _site(row)

    def add(self, name: str, key: str | None = None) -> str:
        """Add a site and return its key, of which only a digest is kept.

        Parameters
        ----------
        name : str
            Lower-case letters, digits, dots and dashes; such as its host.
        key : str, optional
            The key; by default twelve random hexadecimal digits.

        Raises
        ------
        ServerError
            If the name or the key is taken, or not allowed.
        """
        if not _NAME.fullmatch(name):
            raise ServerError(
                "a site's name has up to 64 lower-case letters, digits, dots and dashes, "
                "such as blog.example."
            )
        key = _checked(key)
        with self._database.writing() as connection:
            taken = sa.select(sites.c.name).where(
                (sites.c.name == name) | (sites.c.key_digest == _digest(key))
            )
            if connection.execute(taken).first() is not None:
                raise ServerError("there is a site of this name or key already; take another.")
            values = {"name": name, "key_digest": _digest(key), "created_at": _now()}
            connection.execute(sa.insert(sites).values(values))
        return key

    def renew_key(self, name: str) -> str:
        """Give a site a new key and return it; the former key stops working."""
        key = _checked(None)
        self._update(name, key_digest=_digest(key))
        return key

    def revoke(self, name: str) -> None:
        """Take a site's key away; its corrections stay."""
        self._update(name, key_digest=None)

    def set(self, name: str, **values: Any) -> None:
        """Change settings of a site, by the names of the fields of `Site`.

        A site that stops sharing also takes back what it shared before.
        """
        if unknown := values.keys() - _SETTINGS:
            raise ServerError(f"a site has no setting {sorted(unknown)[0]!r}.")
        low, high = values.get("unsure_cut"), values.get("spam_cut")
        if low is not None and high is not None and low > high:
            raise ServerError("the threshold for unsure must not exceed that for spam.")
        self._update(name, **values)

    def _update(self, name: str, **values: Any) -> None:
        with self._database.writing() as connection:
            number = connection.execute(sa.select(sites.c.id).where(sites.c.name == name)).scalar()
            if number is None:
                raise ServerError(f"there is no site {name!r}; list them first.")
            connection.execute(sa.update(sites).where(sites.c.id == number).values(values))
            if values.get("gives") is False:
                unshare_steps(connection, name)


def move_lessons(connection: sa.Connection) -> None:
    """Move what a server of layout 1 learned into the journal, and drop its tables for it."""
    old = sa.Table(f"{PREFIX}lessons", sa.MetaData(), autoload_with=connection)
    names = {row.id: row.name for row in connection.execute(sa.select(sites.c.id, sites.c.name))}
    found = sa.select(old.c.site, old.c.key, old.c.data).where(old.c.data.is_not(None))
    pooled = []
    for row in connection.execute(found.order_by(old.c.site, old.c.sequence)).all():
        if names[row.site]:
            put_step(connection, names[row.site], row.key, row.data)
        else:  # of the pool: number of the site, and the beginning of the digest
            number, _, digest = row.key.partition(":")
            pooled.append((names[int(number)], digest))
    for name, digest in pooled:
        share_step(connection, name, digest, prefix=True)
    old.drop(connection)
    connection.execute(sa.delete(sites).where(sites.c.name == ""))
    connection.exec_driver_sql(f"ALTER TABLE {sites.name} DROP COLUMN sequence")


_QUERY: Final = sa.select(
    *(sites.c[name] for name in ("id", "name", *sorted(_SETTINGS))),
    last_step_of(sites.c.name).label("sequence"),
    last_shared_step().label("pool_sequence"),
)
# Built once: to build a query takes longer than to run it.
_OF_KEY: Final = _QUERY.where(sites.c.key_digest == sa.bindparam("value"))
_NAMED: Final = _QUERY.where(sites.c.name == sa.bindparam("value"))
_WITH_ID: Final = _QUERY.where(sites.c.id == sa.bindparam("value"))


def _site(row: Any) -> Site:
    facts = row._asdict()
    return Site(**facts | {name: facts[name] or 0 for name in ("sequence", "pool_sequence")})


def _digest(key: str) -> str:
    return hashlib.sha256(f"spamguard key {key}".encode()).hexdigest()


def _checked(key: str | None) -> str:
    if key is None:
        return secrets.token_hex(6)  # as long as Akismet's, which some clients check
    if not _KEY.fullmatch(key):
        raise ServerError("a key has 8 to 128 letters, digits, dashes and underscores.")
    return key


def _now() -> str:
    return stamp(datetime.now(UTC))
