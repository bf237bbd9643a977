"""Verdicts as JSON lines, CSV or a table, to standard output or to a file.

A file appears whole or not at all. Data is always UTF-8; only a table, which
is for a person, follows the terminal's encoding.
"""

from __future__ import annotations

import csv
import io
import json
import os
import secrets
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import IO, Any, TextIO

from spamguard.cli.reading import ENDINGS
from spamguard.errors import InputError
from spamguard.verdict import Verdict

Row = dict[str, Any]
Write = Callable[[Row, Verdict], None]


def format_for(path: str | None) -> str:
    """Return the format for this output when none was asked for."""
    if path is None or path == "-":
        return "table" if sys.stdout.isatty() else "jsonl"
    return ENDINGS.get(Path(path).suffix.lower(), "jsonl")


# --- where to ---------------------------------------------------------------------


@contextmanager
def opened(path: str | None) -> Iterator[IO[bytes]]:
    """Open standard output, or a file that takes its place once it is whole."""
    if path is None or path == "-":
        sys.stdout.flush()
        yield sys.stdout.buffer
        return
    if path.endswith(".gz"):
        raise InputError(
            "--output does not compress; name a .jsonl or .csv file and pack it later."
        )
    target = Path(path).resolve()  # a symbolic link keeps pointing where it did
    if target.exists() and not target.is_file():
        # A device or a named pipe must be written to, never replaced.
        with target.open("wb") as file:
            yield file
        return
    if not target.parent.is_dir():
        raise InputError(f"{target.parent} is no directory; make it first.")
    with _replacing(target) as file:
        yield file


@contextmanager
def _replacing(target: Path) -> Iterator[IO[bytes]]:
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


# --- what -------------------------------------------------------------------------


def row_of(fields: Row, verdict: Verdict, explain: int | None) -> Row:
    """Return the input's own fields with the verdict's behind them."""
    result: Row = {
        "spam_probability": verdict.spam_probability,
        "label": verdict.label,
        "discard": verdict.discard,
    }
    if explain:
        result["language"] = verdict.language
        result["language_known"] = verdict.language_known
        result["reasons"] = [
            {
                "feature": reason.feature,
                "contribution": round(reason.contribution, 6),
                "evidence": reason.evidence,
            }
            for reason in verdict.reasons[:explain]
        ]
    # A label that somebody gave is not lost under the one that the model gives.
    own = {name: value for name, value in fields.items() if name not in result}
    for name in result:
        if name in fields:
            own[_free_name(f"given_{name}", own)] = fields[name]
    return own | result


def _free_name(name: str, taken: Row) -> str:
    """Return `name`, numbered where a field has it already: scored twice, nothing is lost."""
    numbered = (name if number == 1 else f"{name}_{number}" for number in count(1))
    return next(each for each in numbered if each not in taken)


def json_lines(file: IO[bytes], explain: int | None) -> Write:
    """Return a function that writes a row as a line of JSON."""

    def write(fields: Row, verdict: Verdict) -> None:
        file.write(json_row(row_of(fields, verdict, explain)))
        file.flush()

    return write


def json_row(row: Row) -> bytes:
    """Return a row as a line of JSON."""
    try:
        data = json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half a character has no UTF-8; escaped, it survives
        data = json.dumps(row).encode()
    return data + b"\n"


def csv_lines(file: IO[bytes], explain: int | None) -> Write:
    """Return a function that writes a row as CSV; the first one's fields are the columns."""
    columns: list[str] = []

    def write(fields: Row, verdict: Verdict) -> None:
        row = row_of(fields, verdict, explain)
        if not columns:
            columns.extend(row)
            file.write(csv_row(columns))
        file.write(csv_row([row.get(name) for name in columns]))
        file.flush()
        extra = [name for name in row if name not in columns]
        if extra:
            raise InputError(
                f"written without {len(extra)} of its fields, which the first line does not have; "
                "JSON lines keep them"
            )

    return write


def csv_row(values: Sequence[object]) -> bytes:
    """Return a row as a line of CSV."""
    cells = [_cell(value) for value in values]
    buffer = io.StringIO(newline="")
    # Text is always quoted: a lone carriage return would otherwise end the row.
    csv.writer(buffer, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n").writerow(cells)
    return buffer.getvalue().encode("utf-8", "replace")


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else value


def table_lines(file: IO[bytes], explain: int | None, single: bool) -> tuple[Write, TextIO]:
    """Return a function that shows a row to a person, and the stream it shows it on."""
    from spamguard.cli.terminal import Screen

    stream = sys.stdout
    if file is not getattr(sys.stdout, "buffer", None):
        stream = io.TextIOWrapper(file, encoding="utf-8", write_through=True)
    screen = Screen(stream)

    def write(fields: Row, verdict: Verdict) -> None:
        about = "" if single else _about(fields)
        screen.verdict_line(verdict, about)
        if explain:
            screen.language(verdict)
        screen.reasons(verdict, explain or 0, known=about)

    return write, stream


def _about(fields: Row) -> str:
    known = [fields.get("comment_id", fields.get("id")), fields.get("author"), fields.get("text")]
    return " | ".join(str(value) for value in known if value)
