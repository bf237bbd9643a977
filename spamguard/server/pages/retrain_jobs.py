"""Retraining jobs: each is a process of its own that reports its progress to the database.

The server starts ``python -m spamguard.server.pages.retrain_jobs NUMBER``. It is a process,
because training would hold the interpreter that answers blogs. It changes no model in use:
a model that passes the gate is kept aside until a moderator uses it.
"""

from __future__ import annotations

import json
import logging.config
import os
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from spamguard.errors import FeedbackError, ServerError, SpamguardError
from spamguard.feedback import Database, Journal, stamp
from spamguard.server.config import VARIABLE, ServerConfig
from spamguard.server.pages.rendering import now
from spamguard.server.store import tables
from spamguard.server.watch import log_configuration, log_failure
from spamguard.storage import load_model, save_model

_MODULE: Final = "spamguard.server.pages.retrain_jobs"  # `__name__` is "__main__" in the process
_SILENT: Final = timedelta(seconds=60)  # without a sign of life, after which a job counts as dead
_BEAT: Final = 5.0  # seconds between two signs of life
_LATEST: Final = 50_000  # labels that are learned from
_STOPPED: Final = "The process ended before it was done: the server was stopped, or memory ran out."


def candidate_of(config: ServerConfig, site: int) -> Path:
    """Return the directory of the last model that passed, until it is used."""
    return config.models_directory / f"candidate-{site}"


def start(database: Database, config: ServerConfig, site: int, moderator: str) -> int:
    """Start a job and return its number; ServerError if one is running for this site."""
    retrainings, at = tables.retrainings, stamp(now())
    with database.writing() as connection:
        _close_dead(connection, site)
        running = sa.select(retrainings.c.id).where(
            retrainings.c.site == site, retrainings.c.state == "running"
        )
        if connection.execute(running).first() is not None:
            raise ServerError("A retraining of this site is running already.")
        values = {
            "site": site, "moderator": moderator, "started_at": at, "seen_at": at,
            "state": "running", "stage": "start",
        }  # fmt: skip
        key = connection.execute(sa.insert(retrainings).values(values)).inserted_primary_key
    assert key is not None
    number = int(key[0])
    try:
        _start_process(config, number)
    except OSError as error:
        why = f"The retraining could not be started: {error.strerror}."
        finish(database, number, "failed", {"why": why})
        raise ServerError(why) from None
    return number


def _start_process(config: ServerConfig, number: int) -> None:
    process = subprocess.Popen(  # noqa: S603  # this Python, this module and a number
        [sys.executable, "-m", _MODULE, str(number)],
        env=os.environ | {VARIABLE: json.dumps(asdict(config))},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    # Without a wait the process would stay in the process table when it ends.
    threading.Thread(target=process.wait, name="spamguard-retraining", daemon=True).start()


def _close_dead(connection: sa.Connection, site: int) -> None:
    retrainings = tables.retrainings
    dead = (
        (retrainings.c.site == site)
        & (retrainings.c.state == "running")
        & (retrainings.c.seen_at < stamp(now() - _SILENT))
    )
    values = {"state": "failed", "report": json.dumps({"why": _STOPPED})}
    connection.execute(sa.update(retrainings).where(dead).values(values))


def latest(database: Database, site: int, most: int = 1) -> list[sa.Row[Any]]:
    """Return the last jobs of a site, the latest first."""
    retrainings = tables.retrainings
    query = sa.select(retrainings).where(retrainings.c.site == site)
    query = query.order_by(retrainings.c.id.desc()).limit(most)
    with database.reading() as connection:
        rows = connection.execute(query).all()
    if any(row.state == "running" and row.seen_at < stamp(now() - _SILENT) for row in rows):
        with database.writing() as connection:
            _close_dead(connection, site)
            rows = connection.execute(query).all()
    return list(rows)


def update(database: Database, number: int, **values: Any) -> None:
    """Note a job's progress, and that it is alive."""
    retrainings = tables.retrainings
    mine = retrainings.c.id == number
    with database.writing() as connection:
        connection.execute(
            sa.update(retrainings).where(mine).values(seen_at=stamp(now()), **values)
        )


def finish(database: Database, number: int, state: str, report: dict[str, Any]) -> None:
    """Note how a job ended."""
    update(database, number, state=state, report=json.dumps(report))


# --- the process ----------------------------------------------------------------------


def run(number: int) -> None:
    """Run the job of this number."""
    with suppress(OSError, AttributeError):
        os.nice(10)  # blogs that wait for an answer come first
    logging.config.dictConfig(log_configuration())
    config = ServerConfig.from_environment()
    with Journal(config.database, create=False) as journal:
        over = threading.Event()
        beating = threading.Thread(target=_beat, args=(journal.database, number, over), daemon=True)
        beating.start()
        try:
            state, report = _retrain(journal, config, number)
        except SpamguardError as error:
            state, report = "failed", {"why": str(error)}
        except Exception as error:
            log_failure(error)
            state, report = "failed", {"why": f"Unexpected error: {type(error).__name__}."}
        finally:
            over.set()
            beating.join()
        finish(journal.database, number, state, report)


def _beat(database: Database, number: int, over: threading.Event) -> None:
    while not over.wait(_BEAT):
        with suppress(FeedbackError):
            update(database, number)


def _retrain(journal: Journal, config: ServerConfig, number: int) -> tuple[str, dict[str, Any]]:
    from spamguard.training import retrain  # the server itself never trains

    retrainings, sites = tables.retrainings, tables.sites
    query = (
        sa.select(retrainings.c.site, sites.c.name)
        .join_from(retrainings, sites)
        .where(retrainings.c.id == number)
    )
    with journal.database.reading() as connection:
        site, name = connection.execute(query).one()

    def watch(stage: str, done: int, total: int) -> None:
        with suppress(FeedbackError):  # a lock must not end hours of work
            update(journal.database, number, stage=stage, done=done, total=total)

    watch("load", 0, 3)
    base = load_model(config.model)
    own = config.models_directory / f"site-{site}"
    current = load_model(own) if (own / "model.json").is_file() else None
    outcome = retrain(journal.corpus(name, _LATEST), base=base, current=current, watch=watch)
    report = {
        "gate": asdict(outcome.gate), "why": outcome.gate.why, "learned": outcome.learned,
        "held_back": outcome.held_back, "doubted": outcome.doubted, "undated": outcome.undated,
        "before": (current or base).title, "retrained": outcome.model.about["retrained"],
    }  # fmt: skip
    if not outcome.gate.passed:
        return "refused", report
    save_model(outcome.model, candidate_of(config, site), name=name)
    return "passed", report


if __name__ == "__main__":
    run(int(sys.argv[1]))
