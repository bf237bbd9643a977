"""The process of one retraining: ``python -m spamguard.server.pages.retraining_job NUMBER``.

A process, because learning would hold the interpreter that answers blogs. It changes no
model in use: what passes the gate is put aside until a moderator uses it.
"""

from __future__ import annotations

import logging.config
import os
import sys
import threading
from contextlib import suppress
from dataclasses import asdict
from typing import Any, Final

import sqlalchemy as sa

from spamguard.errors import FeedbackError, SpamguardError
from spamguard.feedback import Database, Journal
from spamguard.server.config import ServerConfig
from spamguard.server.pages import retrain_jobs as runs
from spamguard.server.store.server_tables import retrainings, sites
from spamguard.server.watch import logs
from spamguard.storage import load_model, save_model
from spamguard.training import retrain

_BEAT: Final = 5.0  # seconds
_LATEST: Final = 50_000  # labels that are learned from


def main(number: int) -> None:
    """Do the retraining of this number and tell its row how it went."""
    with suppress(OSError, AttributeError):
        os.nice(10)  # blogs that wait for an answer come first
    logging.config.dictConfig(logs.configuration())
    config = ServerConfig.from_environment()
    with Journal(config.database, create=False) as journal:
        over = threading.Event()
        beating = threading.Thread(target=_beat, args=(journal.database, number, over), daemon=True)
        beating.start()
        try:
            state, report = _learn(journal, config, number)
        except SpamguardError as error:
            state, report = "failed", {"why": str(error)}
        except Exception as error:
            logs.failure(error)
            state, report = (
                "failed",
                {"why": f"An error that nobody expected: {type(error).__name__}."},
            )
        finally:
            over.set()
            beating.join()
        runs.end(journal.database, number, state, report)


def _beat(database: Database, number: int, over: threading.Event) -> None:
    while not over.wait(_BEAT):
        with suppress(FeedbackError):
            runs.tell(database, number)


def _learn(journal: Journal, config: ServerConfig, number: int) -> tuple[str, dict[str, Any]]:
    with journal.database.reading() as connection:
        query = (
            sa.select(retrainings.c.site, sites.c.name)
            .join_from(retrainings, sites)
            .where(retrainings.c.id == number)
        )
        site, name = connection.execute(query).one()

    def watch(stage: str, done: int, total: int) -> None:
        runs.tell(journal.database, number, stage=stage, done=done, total=total)

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
    save_model(outcome.model, runs.candidate_of(config, site), name=name)
    return "passed", report


if __name__ == "__main__":
    main(int(sys.argv[1]))
