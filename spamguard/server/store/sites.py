"""The sites that a server knows: each key is its own site."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa

from spamguard.errors import ServerError
from spamguard.feedback import Database, stamp
from spamguard.server.store.server_tables import lessons, sites

POOL: Final = ""
"""Name of the row whose lessons are those that sites share."""

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
    id : int
    name : str
        What people call it; also its name in the journal.
    sequence, pool_sequence : int
        How much was taught here, and shared by others; they only rise.
    gives, takes : bool
        Whether its feedback goes to the pool, and whether the pool's counts here.
    unsure_is_spam : bool
        Whether a client that knows only yes and no is told that unsure is spam.
    unsure_cut, spam_cut : float or None
        The site's own decision thresholds in log-odds; None is the model's.
    coral_secret : str or None
        Signs what Coral sends; several, one a line, where its phase and its
        webhook have their own.
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
        """Return the site with this key; None where no site has it."""
        if not _KEY.fullmatch(key):
            return None
        return self._one(_OF_KEY, _digest(key))

    def named(self, name: str) -> Site | None:
        """Return the site of this name; None where there is none."""
        return self._one(_NAMED, name) if name != POOL else None

    def with_id(self, number: int) -> Site | None:
        """Return the site with this number; None where there is none."""
        return self._one(_WITH_ID, number)

    def all(self) -> list[Site]:
        """Return all sites by name."""
        with self._database.reading() as connection:
            query = _QUERY.where(sites.c.name != POOL).order_by(sites.c.name)
            return [_site(row) for row in connection.execute(query)]

    def _one(self, query: sa.Select[Any], value: object) -> Site | None:
        with self._database.reading() as connection:
            row = connection.execute(query, {"value": value}).first()
        return None if row is None else _site(row)

    def add(self, name: str, key: str | None = None) -> str:
        """Add a site and return its key, which is kept nowhere.

        Parameters
        ----------
        name : str
            Lower-case letters, digits, dots and dashes; such as its host.
        key : str, optional
            A key of the owner's; by default twelve random hexadecimal digits.

        Raises
        ------
        ServerError
            If there is a site of this name or key, or it can be none.
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

    def renew_key(self, name: str, key: str | None = None) -> str:
        """Give a site another key and return it; the former one is worth nothing from now on."""
        key = _checked(key)
        self._update(name, key_digest=_digest(key))
        return key

    def revoke(self, name: str) -> None:
        """Take a site's key away; what it taught stays."""
        self._update(name, key_digest=None)

    def set(self, name: str, **values: Any) -> None:
        """Set settings of a site, by the names that `Site` gives them.

        A site that no longer gives takes what it gave out of the pool.
        """
        if unknown := values.keys() - _SETTINGS:
            raise ServerError(f"a site has no setting {sorted(unknown)[0]!r}.")
        low, high = values.get("unsure_cut"), values.get("spam_cut")
        if low is not None and high is not None and low > high:
            raise ServerError("the cuts must not fall: unsure, then spam.")
        self._update(name, **values)

    def _update(self, name: str, **values: Any) -> None:
        with self._database.writing() as connection:
            number = connection.execute(
                sa.select(sites.c.id).where(sites.c.name == name, sites.c.name != POOL)
            ).scalar()
            if number is None:
                raise ServerError(f"there is no site {name!r}; list them first.")
            connection.execute(sa.update(sites).where(sites.c.id == number).values(values))
            if values.get("gives") is False:
                _leave_pool(connection, int(number))


def _leave_pool(connection: sa.Connection, site: int) -> None:
    pool = connection.execute(sa.select(sites.c.id).where(sites.c.name == POOL)).scalar_one()
    given = (
        lessons.c.site == pool,
        lessons.c.key.like(f"{site}:%"),
        lessons.c.data.is_not(None),
    )
    for key in connection.execute(sa.select(lessons.c.key).where(*given)).scalars().all():
        put_lesson(connection, pool, key, None)


def put_lesson(connection: sa.Connection, site: int, key: str, data: bytes | None) -> None:
    """Put what was learned under `key` in its place, as the latest of the site."""
    # The row is locked by this: on any database, numbers rise as transactions end.
    raised = sa.update(sites).where(sites.c.id == site).values(sequence=sites.c.sequence + 1)
    connection.execute(raised)
    number = connection.execute(sa.select(sites.c.sequence).where(sites.c.id == site)).scalar_one()
    connection.execute(sa.delete(lessons).where(lessons.c.site == site, lessons.c.key == key))
    values = {"site": site, "key": key, "sequence": number, "data": data, "at": _now()}
    connection.execute(sa.insert(lessons).values(values))


_POOL: Final = sites.alias("pool")
_QUERY: Final = sa.select(
    *(sites.c[name] for name in ("id", "name", "sequence", *sorted(_SETTINGS))),
    sa.select(_POOL.c.sequence)
    .where(_POOL.c.name == POOL)
    .scalar_subquery()
    .label("pool_sequence"),
)
# Built once: to build a query takes longer than to run it.
_OF_KEY: Final = _QUERY.where(sites.c.key_digest == sa.bindparam("value"))
_NAMED: Final = _QUERY.where(sites.c.name == sa.bindparam("value"))
_WITH_ID: Final = _QUERY.where(sites.c.id == sa.bindparam("value"))


def _site(row: Any) -> Site:
    facts = row._asdict()
    return Site(**facts | {"pool_sequence": facts["pool_sequence"] or 0})


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
