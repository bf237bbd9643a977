"""Everything that one worker process holds, opened and closed together."""

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
from spamguard.server.http import Limits
from spamguard.server.models import Models
from spamguard.server.recorder import Recorder
from spamguard.server.retention import Retention
from spamguard.server.store import Posts, Site, Sites, move_lessons
from spamguard.server.store.server_tables import METADATA, SCHEMA, settings, sites
from spamguard.server.watch import Metrics, logs

_KNOWN: Final = 1_000
_SCHEMA: Final = settings.c.key == "schema"
_EVERY: Final = 1.0  # seconds between looks at the models' files


@dataclass(slots=True)
class Services:
    """One worker's parts; a request gets them as ``request.app.state.services``.

    The pages of `spamguard.server.pages` build on the same: `sites`, `posts`,
    `feedback.decide` and `feedback.undo`, `journal`, `models`, and the tables.
    """

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
        """Open the database, load the models; nothing runs yet.

        Raises
        ------
        SpamguardError
            If one of them cannot be used.
        """
        journal = open_journal(config)
        database = journal.database
        metrics = Metrics(database)

        def of_models(what: str, which: str) -> None:
            metrics.model(what)
            logs.write("model", what=what, which=which)

        def of_records(what: str, number: int) -> None:
            metrics.records(what, number)
            logs.write("records", what=what, comments=number)

        models = Models(config, of_models)
        posts = Posts(database)
        filters = Filters(journal, models, posts)
        recorder = Recorder(database, config.privacy, of_records)
        feedback = Feedback(journal, filters, recorder, config.privacy)
        return cls(
            config, journal, Sites(database), posts, models, filters, recorder, feedback,
            Retention(journal, config), metrics, Limits(config),
        )  # fmt: skip

    def start(self) -> None:
        """Start what goes on beside the requests."""
        self.recorder.start()
        for name, seconds, work in (
            ("models", _EVERY, self.models.check),
            ("retention", 600.0, self.retention.run_if_due),
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
            except Exception as error:  # the next round may go better; it must come
                logs.failure(error)

    def close(self) -> None:
        """Write what waits to be written, and close."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self.recorder.close()
        self.journal.close()

    def site_of(self, key: str) -> Site | None:
        """Return the site with this key; while the database is away, as it was last seen."""
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
            while len(self._known) > _KNOWN:
                self._known.popitem(last=False)
        return site

    def is_ready(self) -> bool:
        """Tell whether a request would be answered now."""
        try:
            with self.journal.database.reading() as connection:
                connection.execute(sa.select(sites.c.id).limit(1)).first()
        except FeedbackError:
            return False
        return not self._stop.is_set()


def open_journal(config: ServerConfig) -> Journal:
    """Open the journal, and make the server's tables beside its own where they are missing.

    Raises
    ------
    FeedbackError, ServerError
        If it cannot be opened, keeps more than privacy mode allows, or was made
        by a newer spamguard.
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
    schema = sa.select(settings.c.value).where(_SCHEMA)
    # Only looked at where they are: a worker that starts must not wait for those that write.
    with journal.database.reading() as connection:
        found = None
        if _exist(connection):
            found = connection.execute(schema).scalar()
    if found is None:
        with journal.database.writing() as connection:  # one process at a time
            found = connection.execute(schema).scalar() if _exist(connection) else None
            if found is None:
                METADATA.create_all(connection)
                found = str(SCHEMA)
                connection.execute(sa.insert(settings).values(key="schema", value=found))
    if found == "1":
        with journal.database.writing() as connection:
            if connection.execute(schema).scalar() == "1":  # nobody was faster
                move_lessons(connection)
                connection.execute(sa.update(settings).values(value=str(SCHEMA)).where(_SCHEMA))
        found = str(SCHEMA)
    if found != str(SCHEMA):
        raise ServerError(
            f"{journal.name} has the server's layout {found}; this spamguard knows {SCHEMA}. "
            "Install a newer spamguard."
        )


def _exist(connection: sa.Connection) -> bool:
    return sa.inspect(connection).has_table(settings.name)
