"""One line of JSON for each thing that happens; never a text, an address or a key."""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import Final

NAME: Final = "spamguard.server"


def write(event: str, level: int = logging.INFO, /, **facts: object) -> None:
    """Log that `event` happened."""
    logging.getLogger(NAME).log(level, event, extra={"facts": facts})


def failure(error: BaseException) -> None:
    """Log an error that nobody expected: its kind and where it came from, not what it says."""
    write("failure", logging.ERROR, **_of(error))


class JsonLines(logging.Formatter):
    """A record as one line of JSON.

    Of an exception it tells the kind and the place: the message may quote a comment.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "process": record.process,
        }
        facts = getattr(record, "facts", None)
        if facts is None:  # of another library: what it wrote down, without what it filled in
            line["event"] = record.name
            line["message"] = record.getMessage() if _is_plain(record) else str(record.msg)
        else:
            line |= {"event": record.msg, **facts}
        if record.exc_info and record.exc_info[1] is not None:
            line |= _of(record.exc_info[1])
        return json.dumps(line)


def _is_plain(record: logging.LogRecord) -> bool:
    """Tell whether a record's values can quote nobody: numbers alone."""
    given = record.args if isinstance(record.args, tuple) else ()
    return not record.args or all(isinstance(value, int | float) for value in given)


def _of(error: BaseException) -> dict[str, object]:
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    places = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in frames]
    return {"error": type(error).__name__, "where": places}


def configuration() -> dict[str, object]:
    """Return the configuration of logging, also for uvicorn: no access log, which has keys in it."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": f"{__name__}.JsonLines"}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stderr",
            }
        },
        "loggers": {
            NAME: {"handlers": ["stderr"], "level": "INFO", "propagate": False},
            "uvicorn": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
            "uvicorn.access": {"handlers": [], "propagate": False},
        },
    }  # fmt: skip
