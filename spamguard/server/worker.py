"""One worker process: the parts it holds, opened and closed together."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Self

import sqlalchemy as sa

from spamguard.errors import FeedbackError, ServerError
from spamguard.feedback import Journal
from spamguard.server.config import ServerConfig
from spamguard.server.feedback import Feedback
from spamguard.server.filters import Filters
from spamguard.server.http import Limits, enforce_wait
from spamguard.server.models import Models
from spamguard.server.recorder import Recorder
from spamguard.server.retention import Retention
from spamguard.server.store import Posts, Site, Sites, move_lessons, tables
from spamguard.server.watch import Metrics, log_failure, write_log

_MOST_KNOWN: Final = 1_000  # keys remembered in case the database is unavailable
_MODELS_EVERY: Final = 1.0  # seconds between looks at the models' files
_RETENTION_EVERY: Final = 600.0


@dataclass(slots=True)
class Worker:
    """The parts of one worker; a request finds it as ``request.app.state.worker``."""

    config: ServerConfig
    journal: Journal
    sites: Sites
    posts: Posts
    models: Models
    filters: Filters
    recorder: Recorder
    feedback: Feedback
    retention: Retention
    metrics: Metrics
    limits: Limits
    _known: OrderedDict[str, Site] = field(default_factory=OrderedDict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    @classmethod
    def open(cls, config: ServerConfig) -> Self:
        """Open the database and load the models, or raise SpamguardError; nothing runs yet."""
        journal = open_journal(config)
        database = journal.database
        metrics = Metrics(database)

        def on_model(what: str, which: str) -> None:
            metrics.model(what)
            write_log("model", what=what, which=which)

        def on_records(what: str, number: int) -> None:
            metrics.records(what, number)
            write_log("records", what=what, comments=number)

        models = Models(config, on_model)
        posts = Posts(database)
        filters = Filters(journal, models, posts)
        recorder = Recorder(database, config.privacy, on_records)
        feedback = Feedback(journal, filters, recorder, config.privacy)
        return cls(
            config, journal, Sites(database), posts, models, filters, recorder, feedback,
            Retention(journal, config), metrics, Limits(config),
        )  # fmt: skip

    def start(self) -> None:
        """Start the background threads."""
        self.recorder.start()
        for name, seconds, work in (
            ("models", _MODELS_EVERY, self.models.check),
            ("retention", _RETENTION_EVERY, self.retention.run_if_due),
        ):
            thread = threading.Thread(
                target=self._repeat, args=(seconds, work), name=f"spamguard-{name}", daemon=True
            )
            thread.start()
            self._threads.append(thread)

    def _repeat(self, seconds: float, work: Callable[[], None]) -> None:
        while not self._stop.wait(seconds):
            try:
                work()
            except Exception as error:  # the next round may go better
                log_failure(error)

    def close(self) -> None:
        """Write the waiting answers, and close the database."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self.recorder.close()
        self.journal.close()

    def authenticate(self, key: str, address: str) -> Site | None:
        """Return the site with this key and count the request; None if no site has it.

        Raises
        ------
        HTTPException
            429 if the site sends too much, or the address has tried too many keys.
        """
        site = self.site_of(key) if key else None
        if site is None:
            # Counted after the look-up, so that a site behind the same proxy as a guesser is
            # still served. A key's 48 bits cannot be guessed at this rate.
            enforce_wait(self.limits.wait_of_guesser(address))
            return None
        enforce_wait(self.limits.wait_of_key(site.id))
        return site

    def site_of(self, key: str) -> Site | None:
        """Return the site with this key, as last seen if the database is unavailable."""
        try:
            site = self.sites.of_key(key)
        except FeedbackError:
            if key in self._known:
                return self._known[key]
            raise
        if site is None:
            self._known.pop(key, None)
        else:
            self._known[key] = site
            while len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)
        return site

    def is_ready(self) -> bool:
        """Return whether the database can be read and the worker is not stopping."""
        try:
            with self.journal.database.reading() as connection:
                connection.execute(sa.select(tables.sites.c.id).limit(1)).first()
        except FeedbackError:
            return False
        return not self._stop.is_set()


def open_journal(config: ServerConfig) -> Journal:
    """Open the journal, and make the server's tables in its database if missing.

    Raises FeedbackError or ServerError if it cannot be opened, keeps less than this
    configuration needs, or was made by a newer spamguard.
    """
    journal = Journal(config.database, texts="none" if config.privacy else None)
    try:
        if not config.privacy and journal.texts != "all":
            raise ServerError(
                f"{journal.name} keeps digests only: start with --privacy, or name a new database."
            )
        _make_tables(journal)
    except BaseException:
        journal.close()
        raise
    return journal


def _make_tables(journal: Journal) -> None:
    # Read first: where the tables exist, a worker that starts must not wait for writers.
    with journal.database.reading() as connection:
        schema = _schema_in(connection)
    if schema is None:
        with journal.database.writing() as connection:  # one process at a time
            schema = _schema_in(connection)
            if schema is None:
                tables.METADATA.create_all(connection)
                schema = str(tables.SCHEMA)
                connection.execute(sa.insert(tables.settings).values(key="schema", value=schema))
    if schema == "1":
        with journal.database.writing() as connection:
            if _schema_in(connection) == "1":  # no other process was faster
                move_lessons(connection)
                mine = tables.settings.c.key == "schema"
                values = {"value": str(tables.SCHEMA)}
                connection.execute(sa.update(tables.settings).where(mine).values(values))
        schema = str(tables.SCHEMA)
    if schema != str(tables.SCHEMA):
        raise ServerError(
            f"{journal.name} has layout {schema} of the server's tables; this spamguard knows "
            f"{tables.SCHEMA}. Install a newer spamguard."
        )


def _schema_in(connection: sa.Connection) -> str | None:
    """Return the number of the layout; None where the tables are missing."""
    settings = tables.settings
    if not sa.inspect(connection).has_table(settings.name):
        return None
    return connection.execute(
        sa.select(settings.c.value).where(settings.c.key == "schema")
    ).scalar()
