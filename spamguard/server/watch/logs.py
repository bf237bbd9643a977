"""The log: one line of JSON an event, and never a text, an address or a key."""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import Final

_NAME: Final = "spamguard.server"


def write_log(event: str, level: int = logging.INFO, /, **facts: object) -> None:
    """Log an event."""
    logging.getLogger(_NAME).log(level, event, extra={"facts": facts})


def log_failure(error: BaseException) -> None:
    """Log an unexpected error: its type and place, not its message, which may quote a comment."""
    write_log("failure", logging.ERROR, **_type_and_place(error))


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "process": record.process,
        }
        facts = getattr(record, "facts", None)
        if facts is None:  # of another library: its message without the values filled in
            line["event"] = record.name
            line["message"] = record.getMessage() if _is_plain(record) else str(record.msg)
        else:
            line |= {"event": record.msg, **facts}
        if record.exc_info and record.exc_info[1] is not None:
            line |= _type_and_place(record.exc_info[1])
        return json.dumps(line)


def _is_plain(record: logging.LogRecord) -> bool:
    """Return whether a record's values are all numbers, which cannot quote anybody."""
    given = record.args if isinstance(record.args, tuple) else ()
    return not record.args or all(isinstance(value, int | float) for value in given)


def _type_and_place(error: BaseException) -> dict[str, object]:
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    places = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in frames]
    return {"error": type(error).__name__, "where": places}


def log_configuration() -> dict[str, object]:
    """Return the logging configuration, without uvicorn's access log, which would hold keys."""
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
            _NAME: {"handlers": ["stderr"], "level": "INFO", "propagate": False},
            "uvicorn": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
            "uvicorn.access": {"handlers": [], "propagate": False},
        },
    }  # fmt: skip
