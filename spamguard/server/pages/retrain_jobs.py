"""Retrainings: each one a process of its own, which tells the database how far it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from spamguard.errors import ServerError
from spamguard.feedback import Database, stamp
from spamguard.server.config import VARIABLE, ServerConfig
from spamguard.server.pages.rendering import now
from spamguard.server.store.server_tables import retrainings

SILENT: Final = timedelta(seconds=60)
"""A process of which nothing was heard for so long is gone."""

_JOB: Final = "spamguard.server.pages.retraining_job"
_STOPPED: Final = "The process ended before it was done: the server was stopped, or memory ran out."


def candidate_of(config: ServerConfig, site: int) -> Path:
    """Return where the last model that passed is kept until somebody uses it."""
    return config.models_directory / f"candidate-{site}"


def begin(database: Database, config: ServerConfig, site: int, moderator: str) -> int:
    """Start a retraining; return its number.

    Raises
    ------
    ServerError
        If one is under way for this site already.
    """
    at = stamp(now())
    with database.writing() as connection:
        _give_up(connection, site)
        running = sa.select(retrainings.c.id).where(
            retrainings.c.site == site, retrainings.c.state == "running"
        )
        if connection.execute(running).first() is not None:
            raise ServerError("A retraining of this site is under way already.")
        values = {
            "site": site, "moderator": moderator, "started_at": at, "seen_at": at,
            "state": "running", "stage": "start",
        }  # fmt: skip
        key = connection.execute(sa.insert(retrainings).values(values)).inserted_primary_key
    assert key is not None
    number = int(key[0])
    try:
        _start(config, number)
    except OSError as error:
        end(database, number, "failed", {"why": f"It could not be started: {error.strerror}."})
        raise ServerError(f"The retraining could not be started: {error.strerror}.") from None
    return number


def _start(config: ServerConfig, number: int) -> None:
    process = subprocess.Popen(  # noqa: S603  # this Python, a module of ours and a number
        [sys.executable, "-m", _JOB, str(number)],
        env=os.environ | {VARIABLE: json.dumps(asdict(config))},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    # Somebody must ask how it ended, or it stays in the table of processes.
    threading.Thread(target=process.wait, name="spamguard-retraining", daemon=True).start()


def _give_up(connection: sa.Connection, site: int) -> None:
    gone = (
        (retrainings.c.site == site)
        & (retrainings.c.state == "running")
        & (retrainings.c.seen_at < stamp(now() - SILENT))
    )
    values = {"state": "failed", "report": json.dumps({"why": _STOPPED})}
    connection.execute(sa.update(retrainings).where(gone).values(values))


def last(database: Database, site: int, most: int = 1) -> list[sa.Row[Any]]:
    """Return the last retrainings of a site, the latest first."""
    mine = retrainings.c.site == site
    query = sa.select(retrainings).where(mine).order_by(retrainings.c.id.desc()).limit(most)
    with database.reading() as connection:
        rows = connection.execute(query).all()
    if any(row.state == "running" and row.seen_at < stamp(now() - SILENT) for row in rows):
        with database.writing() as connection:
            _give_up(connection, site)
            rows = connection.execute(query).all()
    return list(rows)


def tell(database: Database, number: int, **values: Any) -> None:
    """Note how far it is, and that it lives."""
    with database.writing() as connection:
        mine = retrainings.c.id == number
        connection.execute(
            sa.update(retrainings).where(mine).values(seen_at=stamp(now()), **values)
        )


def end(database: Database, number: int, state: str, report: dict[str, Any]) -> None:
    """Note how it ended."""
    tell(database, number, state=state, report=json.dumps(report))
