"""The database of a journal: opening, transactions and error messages.

In SQLite a transaction is on disk when it returns (a write-ahead log and
``synchronous=FULL``). Messages of the database itself are never shown, as they may
quote a comment or a password.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Literal

import sqlalchemy as sa

from spamguard.errors import FeedbackError, InputError
from spamguard.feedback.journal_tables import (
    METADATA,
    SCHEMA,
    comments,
    entries,
    meta,
    posts,
    steps,
)

Texts = Literal["all", "corrected", "none"]
TEXTS: Final = ("all", "corrected", "none")

_LOCK: Final = 0x7370616D  # PostgreSQL's lock for creating the tables
_READABLE: Final = "Let this user write to the file and to its directory, or name another file."
_SQLITE: Final = {
    sqlite3.SQLITE_FULL: "the disk is full, and this was not kept. Make room and do it again; "
    "earlier entries are safe",
    sqlite3.SQLITE_BUSY: "another program has locked it for too long, and this was not kept. "
    "Do it again when that program is done",
    sqlite3.SQLITE_READONLY: f"it cannot be written to. {_READABLE[:-1]}",
    sqlite3.SQLITE_PERM: f"it cannot be opened. {_READABLE[:-1]}",
    sqlite3.SQLITE_CANTOPEN: f"it cannot be opened. {_READABLE[:-1]}",
    sqlite3.SQLITE_NOTADB: "it is no SQLite file, or its beginning is damaged. Check the name, or "
    "restore a backup",
    sqlite3.SQLITE_CORRUPT: "it is damaged. Restore a backup, or save what is readable with "
    "'sqlite3 FILE .recover'",
    sqlite3.SQLITE_IOERR: "the disk reports an error, and this was not kept. Check the disk and "
    "its free space, and do it again",
    sqlite3.SQLITE_TOOBIG: "a text is too long for it, and this was not kept",
}
_POSTGRESQL: Final = {
    "53100": "the server's disk is full, and this was not kept. Make room and do it again",
    "25006": "the server is read-only, and this was not kept. Name the primary server",
    "42501": "this user lacks rights. Grant it access to the tables, or the right to create them",
    "28P01": "the server does not accept this user and password. Check the URL",
    "28000": "the server does not accept this user. Check the URL",
    "3D000": "there is no database of that name. Create it, or check the URL",
    "55P03": "another program has locked it for too long, and this was not kept. Do it again",
}


class Database:
    """An open database of a journal, for any thread, also after a fork.

    Parameters
    ----------
    where : str or path
        A file, an SQLAlchemy URL, or ``env:NAME`` for a variable with either.
    create : bool
        Create the journal if it does not exist.
    texts : str or None
        Which texts a new journal keeps; an existing one must agree.
    wait : float
        Seconds to wait for another writer.

    Raises
    ------
    InputError
        If an argument has a wrong value.
    FeedbackError
        If the database cannot be opened, or is not a journal.
    """

    def __init__(
        self, where: str | os.PathLike[str], create: bool, texts: Texts | None, wait: float
    ) -> None:
        if texts is not None and texts not in TEXTS:
            raise InputError("texts must be 'all', 'corrected', 'none' or None.")
        self._url = _url(where)
        self.is_sqlite = self._url.get_backend_name() == "sqlite"
        file = self._url.database if self.is_sqlite else None
        self.name = file or self._url.render_as_string(hide_password=True)
        self._wait = wait
        self._mutex = threading.Lock()
        self._process = os.getpid()
        self._engine = self._new_engine()
        try:
            if self.is_sqlite:
                _prepare_file(Path(self.name), create)
            self._open(create, texts or "all")
            self.texts: str = self._read_meta("texts")
            self.key: bytes = bytes.fromhex(self._read_meta("digest_key"))
            if texts is not None and texts != self.texts:
                raise FeedbackError(
                    f"{self.name} was made to keep the texts of: {self.texts}, not: {texts}. "
                    "Omit texts, or name a new file."
                )
        except BaseException:
            self._engine.dispose()
            raise

    # --- connections --------------------------------------------------------------

    def _new_engine(self) -> sa.Engine:
        options: dict[str, Any] = {"hide_parameters": True, "max_overflow": -1}
        if self.is_sqlite:
            options["connect_args"] = {"timeout": self._wait}
        else:
            options["pool_pre_ping"] = True  # the server may close idle connections
        try:
            engine = sa.create_engine(self._url, **options)
        except (sa.exc.SQLAlchemyError, ImportError, TypeError) as error:
            raise FeedbackError(
                f"{self.name} cannot be opened: the driver for it is missing or unknown "
                f"({type(error).__name__}). For PostgreSQL: pip install 'psycopg[binary]', "
                "and begin the URL with postgresql+psycopg://"
            ) from None
        if self.is_sqlite:
            sa.event.listen(engine, "connect", _prepare_connection)
            sa.event.listen(engine, "begin", _begin)
        return engine

    @property
    def engine(self) -> sa.Engine:
        """The engine of this process."""
        if self._process != os.getpid():
            with self._mutex:
                if self._process != os.getpid():
                    # After a fork the old connections belong to the parent process.
                    self._engine.dispose(close=False)
                    self._engine = self._new_engine()
                    self._process = os.getpid()
        return self._engine

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Open a read transaction."""
        with self._plain_errors(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Open a write transaction, one at a time; it is on disk when it ends."""
        with (
            self._plain_errors(),
            self.engine.connect().execution_options(begin="BEGIN IMMEDIATE") as connection,
            connection.begin(),
        ):
            # With one writer, entry numbers rise in the order of commits, and nothing is added to
            # a comment while it is forgotten. SQLite locks the file itself.
            if not self.is_sqlite:
                self._prepare_server(connection)
                row = sa.select(meta.c.key).where(meta.c.key == "schema").with_for_update()
                connection.execute(row).all()
            yield connection

    def _prepare_server(self, connection: sa.Connection) -> None:
        """Set the lock timeout, and wait for the server's disk at each commit."""
        if connection.dialect.name != "postgresql":
            return
        commit = sa.func.current_setting("synchronous_commit")
        connection.execute(
            sa.select(
                sa.func.set_config("lock_timeout", f"{self._milliseconds}ms", True),
                sa.func.set_config(
                    "synchronous_commit", sa.case((commit == "off", "on"), else_=commit), True
                ),
            )
        )

    @property
    def _milliseconds(self) -> int:
        return max(1, int(1000 * self._wait))  # for PostgreSQL, 0 means forever

    @contextmanager
    def _plain_errors(self) -> Iterator[None]:
        try:
            yield
        except (sa.exc.SQLAlchemyError, sqlite3.Error) as error:
            raise FeedbackError(f"{self.name}: {_reason(error)}.") from None

    def close(self) -> None:
        """Close all connections of this process."""
        self.engine.dispose()

    # --- opening ------------------------------------------------------------------

    def _open(self, create: bool, texts: str) -> None:
        with self.reading() as connection:
            found = self._schema(connection)
        if found is None and not create:
            raise FeedbackError(f"{self.name} holds no journal; check the name.")
        if found is not None and found not in (1, SCHEMA):
            raise FeedbackError(
                f"{self.name} has layout {found}; this spamguard reads up to {SCHEMA}. "
                "Install a newer spamguard."
            )
        if self.is_sqlite:
            self._use_log()
        if found is None:
            self._make(texts)
        elif found < SCHEMA:
            self._upgrade()

    def _schema(self, connection: sa.Connection) -> int | None:
        """Return the layout number, or None if there is no journal yet."""
        names = set(sa.inspect(connection).get_table_names())
        if meta.name not in names:
            if names and self.is_sqlite:
                raise FeedbackError(
                    f"{self.name} belongs to another program. Give the journal a file of its own."
                )
            return None
        query = sa.select(meta.c.value).where(meta.c.key == "schema")
        value = connection.execute(query).scalar_one_or_none()
        if value is None or not value.isdecimal():
            raise FeedbackError(f"{self.name} has no layout number. Restore a backup.")
        return int(value)

    def _use_log(self) -> None:
        """Switch to the write-ahead log, permanently for the file."""
        until = time.monotonic() + self._wait
        while True:
            try:
                with self._sqlite(self._wait) as connection:
                    connection.execute("PRAGMA journal_mode=WAL").fetchone()
                return
            except sqlite3.OperationalError as error:
                # SQLite does not wait here while other processes open the same new file.
                if _primary(error) != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise FeedbackError(f"{self.name}: {_reason(error)}.") from None
                time.sleep(0.02)

    def _make(self, texts: str) -> None:
        values = {"schema": str(SCHEMA), "texts": texts, "digest_key": secrets.token_hex(32)}
        with (
            self._plain_errors(),
            self.engine.connect().execution_options(begin="BEGIN IMMEDIATE") as connection,
            connection.begin(),
        ):
            if connection.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            if self._schema(connection) is None:  # unless another process was faster
                METADATA.create_all(connection)
                rows = [{"key": key, "value": value} for key, value in values.items()]
                connection.execute(sa.insert(meta), rows)

    def _upgrade(self) -> None:
        """Add the steps; every comment with a correction is due."""
        found = entries.c.kind == "correction"
        names = (entries.c.site, entries.c.comment_id)
        due = (
            sa.select(*names, sa.true(), sa.false())
            .where(found)
            .group_by(*names)
            .order_by(sa.func.max(entries.c.id))
        )
        with self.writing() as connection:
            if self._schema(connection) == SCHEMA:
                return  # another process was faster
            steps.create(connection)
            into = ["site", "comment_id", "due", "shared"]
            connection.execute(sa.insert(steps).from_select(into, due))
            schema = sa.update(meta).where(meta.c.key == "schema")
            connection.execute(schema.values(value=str(SCHEMA)))

    def _read_meta(self, key: str) -> str:
        with self.reading() as connection:
            value = connection.execute(sa.select(meta.c.value).where(meta.c.key == key)).scalar()
        if value is None:
            raise FeedbackError(f"{self.name} is incomplete. Restore a backup.")
        return str(value)

    # --- forgetting ---------------------------------------------------------------

    def must_scrub(self, connection: sa.Connection) -> str:
        """Note, in a transaction that deletes, that deleted bytes are left; return the note."""
        note = secrets.token_hex(8)
        connection.execute(sa.delete(meta).where(meta.c.key == "scrub"))
        connection.execute(sa.insert(meta).values(key="scrub", value=note))
        return note

    def scrub(self, note: str, wait: float | None = None) -> None:
        """Rewrite the database without deleted bytes.

        Other connections get `wait` seconds to finish. Raises FeedbackError if the file
        cannot be rewritten now.
        """
        try:
            with self._plain_errors():
                if self.is_sqlite:
                    self._scrub_file(self._wait if wait is None else wait)
                elif self._url.get_backend_name() == "postgresql":
                    self._scrub_server()
            with self.writing() as connection:
                mine = (meta.c.key == "scrub") & (meta.c.value == note)
                connection.execute(sa.delete(meta).where(mine))
        except FeedbackError as error:
            raise FeedbackError(
                f"The comment is deleted, but some of its bytes are not overwritten yet. {error} "
                "Then forget it again."
            ) from None

    def finish_scrub(self) -> None:
        """Finish the rewrite of a killed process, unless another process is at work."""
        with self.reading() as connection:
            note = connection.execute(sa.select(meta.c.value).where(meta.c.key == "scrub")).scalar()
        if note is None or not self.is_sqlite:
            return
        with suppress(FeedbackError):
            self.scrub(note, wait=0)

    def _scrub_file(self, wait: float) -> None:
        # secure_delete misses rows that moved between pages, and old pages of the log.
        with self._sqlite(wait) as connection:
            connection.execute("VACUUM")
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if busy:
            raise FeedbackError(
                f"{self.name}: another program has been reading for too long. Let it finish."
            )

    def _scrub_server(self) -> None:
        options = {"isolation_level": "AUTOCOMMIT"}
        with self.engine.connect().execution_options(**options) as connection:
            connection.exec_driver_sql(f"SET lock_timeout = {self._milliseconds}")
            for table in (entries, comments, posts, steps):
                connection.exec_driver_sql(f"VACUUM (FULL) {table.name}")
            connection.exec_driver_sql("RESET lock_timeout")

    @contextmanager
    def _sqlite(self, wait: float) -> Iterator[sqlite3.Connection]:
        """Open a connection for statements that cannot run in a transaction."""
        connection = sqlite3.connect(self.name, timeout=wait)
        try:
            _prepare_connection(connection)
            yield connection
        finally:
            connection.close()


def _prepare_connection(connection: Any, _record: object = None) -> None:
    connection.isolation_level = None  # `_begin` starts the transactions
    for pragma in ("synchronous=FULL", "secure_delete=ON", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: sa.Connection) -> None:
    # Write transactions lock at once: of two that read first and write later, one would fail.
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))


def _prepare_file(path: Path, create: bool) -> None:
    try:
        if not path.exists():
            if not create:
                raise FeedbackError(f"{path} does not exist; check the name.")
            # A journal names people, so only its owner may read it by default.
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        elif not path.is_file():
            raise FeedbackError(f"{path} is no file; name a file for the journal.")
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        why = (error.strerror if isinstance(error, OSError) else "") or "impossible name"
        raise FeedbackError(f"{path} cannot be opened ({why}). {_READABLE}") from None


def _url(where: str | os.PathLike[str]) -> sa.URL:
    if not isinstance(where, str | os.PathLike):
        raise InputError(f"a journal must be a path or a URL, not {type(where).__name__}.")
    named = os.fspath(where)
    if named.startswith("env:"):
        variable = named[4:]
        named = os.environ.get(variable, "")
        if not named:
            raise FeedbackError(
                f"The variable {variable} is not set; put the journal's URL into it."
            )
    try:
        url = sa.make_url(named) if "://" in named else sa.URL.create("sqlite", database=named)
    except (sa.exc.ArgumentError, ValueError):
        raise FeedbackError(
            "Name a shared journal by a URL such as postgresql+psycopg://user@host/database; write "
            "special characters in a password as %40 (for @) and so on."
        ) from None
    if url.get_backend_name() == "sqlite":
        plain = url.drivername in ("sqlite", "sqlite+pysqlite") and not url.query
        if url.database in (None, "", ":memory:") or not plain:
            raise FeedbackError("A journal needs a file; name one, such as feedback.db.")
        # An absolute path stays valid after a change of directory.
        url = sa.URL.create("sqlite", database=str(Path(str(url.database)).absolute()))
    return url


def _primary(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _reason(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    if isinstance(cause, sqlite3.Error):
        number = _primary(cause)
        name = getattr(cause, "sqlite_errorname", type(cause).__name__)
        return _SQLITE.get(number, f"SQLite refuses ({name})")
    state = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    if state in _POSTGRESQL:
        return _POSTGRESQL[state]
    if isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError) and state is None:
        return "the server cannot be reached, and this was not kept. Is it running, and is the URL right"
    name = f"{type(cause).__name__}{f' {state}' if state else ''}"
    return f"the database refuses ({name}), and this was not kept"
