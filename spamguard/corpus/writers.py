"""Verdicts as JSON lines, CSV or a table, to standard output or to a file.

A file appears whole or not at all. Data is always UTF-8; only a table, which
is for a person, follows the terminal's encoding.
"""

from __future__ import annotations

import io
import json
import os
import secrets
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date, time
from itertools import count
from pathlib import Path
from typing import IO, Any, Final, TextIO

from spamguard.corpus.readers import ENDINGS
from spamguard.corpus.resuming import AnotherRunError, Done, keep_mode, resumable
from spamguard.errors import InputError
from spamguard.verdict import Verdict

Row = dict[str, Any]


def format_for(path: str | None) -> str:
    """Return the format for this output when none was asked for."""
    if path is None or path == "-":
        return "table" if sys.stdout.isatty() else "jsonl"
    return ENDINGS.get(Path(path).suffix.lower(), "jsonl")


@contextmanager
def answers(
    path: str | None, form: str, explain: int | None, *, single: bool = False, resume: bool = False
) -> Iterator[Output | Table]:
    """Open the place for the answers and put them into `form` there."""
    if form == "table":
        with opened(path) as file:
            table = Table(file, explain, single)
            yield table
            table.close()
        return
    put = CsvForm(explain) if form == "csv" else JsonForm(explain)
    target = target_of(path)
    if target is None or single:
        with opened(path) as file:
            yield Output(file, put)
        return
    with resumable(target, form == "csv", resume) as (file, done):
        output = Output(file, put, done)
        yield output
        output.close()


# --- where to ---------------------------------------------------------------------


def target_of(path: str | None) -> Path | None:
    """Return the file that `path` is to become; None for standard output and for devices.

    Raises
    ------
    InputError
        If there can be no such file.
    """
    if path is None or path == "-":
        return None
    if path.endswith(".gz"):
        raise InputError(
            "--output does not compress; name a .jsonl or .csv file and pack it later."
        )
    target = Path(path).resolve()  # a symbolic link keeps pointing where it did
    if target.exists() and not target.is_file():
        return None
    if not target.parent.is_dir():
        raise InputError(f"{target.parent} is no directory; make it first.")
    return target


@contextmanager
def opened(path: str | None) -> Iterator[IO[bytes]]:
    """Open standard output, or a file that takes its place once it is whole."""
    target = target_of(path)
    if target is not None:
        with _replacing(target) as file:
            yield file
    elif path is None or path == "-":
        sys.stdout.flush()
        yield sys.stdout.buffer
    else:
        # A device or a named pipe must be written to, never replaced.
        with Path(path).open("wb") as file:
            yield file


@contextmanager
def _replacing(target: Path) -> Iterator[IO[bytes]]:
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        keep_mode(target, part)
        part.replace(target)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


class Output:
    """Where the answers to a stream of comments go.

    Parameters
    ----------
    file : binary file
        Open for writing, behind what is there.
    form : JsonForm or CsvForm
        What a row and its verdict become.
    done : Done, optional
        What an interrupted run has written there.
    """

    def __init__(self, file: IO[bytes], form: JsonForm | CsvForm, done: Done | None = None) -> None:
        self._file = file
        self._form = form
        self._done = done or Done()
        self._passed = 0

    def has(self, fields: Row, judge: Callable[[], Verdict]) -> bool:
        """Return whether the answer to the next row is there already.

        The first and the last are made again: where they differ, other
        comments, another model or other options were at work.
        """
        if self._passed == self._done.rows:
            return False
        self._passed += 1
        # In this order: where there is one alone, it stands behind the names of the columns.
        expected = {self._done.rows: self._done.last, 1: self._done.first}
        if self._passed in expected and self._form(fields, judge()) != expected[self._passed]:
            raise AnotherRunError(_ANOTHER)
        self._tell(fields)
        return True

    def write(self, fields: Row, verdict: Verdict) -> None:
        """Write a row.

        Raises
        ------
        InputError
            If some of its fields have no place; it is written without them.
        """
        self._file.write(self._form(fields, verdict))
        self._tell(fields)

    def _tell(self, fields: Row) -> None:
        count = self._form.left_out(fields)
        if count:
            raise InputError(
                f"written without {count} of its fields, which the first line does not have; "
                "JSON lines keep them"
            )

    def flush(self) -> None:
        """Hand on what was written."""
        self._file.flush()

    def close(self) -> None:
        """Look back when the comments have come to an end."""
        if self._passed < self._done.rows:
            raise AnotherRunError(_ANOTHER)


_ANOTHER: Final = (
    "--resume: the answers in the .part file are not to these comments, or by another model or other "
    "options. Give the command that was interrupted, or leave --resume out to begin again."
)


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


def _plain(value: object) -> Any:
    """Return what JSON has for a value that only Parquet has."""
    return value.isoformat() if isinstance(value, date | time) else str(value)


_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, default=_plain)


def json_row(row: Row) -> bytes:
    """Return a row as a line of JSON."""
    try:
        return _ENCODER.encode(row).encode() + b"\n"
    except UnicodeEncodeError:  # half a character has no UTF-8; escaped, it survives
        return json.dumps(row, default=_plain).encode() + b"\n"


class JsonForm:
    """Puts a row and its verdict into a line of JSON."""

    def __init__(self, explain: int | None) -> None:
        self._explain = explain

    def __call__(self, fields: Row, verdict: Verdict) -> bytes:
        """Return the line."""
        return json_row(row_of(fields, verdict, self._explain))

    def left_out(self, fields: Row) -> int:
        """Return how many of the fields of a row have no place: none."""
        return 0


class CsvForm:
    """Puts a row and its verdict into CSV; the first one's fields are the columns."""

    def __init__(self, explain: int | None) -> None:
        self._explain = explain
        self._columns: list[str] = []
        self._complete: tuple[str, ...] | None = None  # names that are known to have columns

    def __call__(self, fields: Row, verdict: Verdict) -> bytes:
        """Return the row; the names of the columns stand before the first."""
        row = row_of(fields, verdict, self._explain)
        head = b""
        if not self._columns:
            self._columns = list(row)
            head = csv_row(self._columns)
        return head + csv_row([row.get(name) for name in self._columns])

    def left_out(self, fields: Row) -> int:
        """Return how many of the fields of a row have no column."""
        given = tuple(fields)
        if given == self._complete:
            return 0
        names = row_of(fields, _NOBODY, self._explain)
        count = sum(name not in self._columns for name in names)
        if not count:
            self._complete = given
        return count


_NOBODY: Final = Verdict(0.5, "ham", False, 0.0, 0.0, "")


def csv_row(cells: Sequence[Any]) -> bytes:
    """Return a row as a line of CSV."""
    # Text is always quoted: a lone carriage return would otherwise end the row. By hand, because
    # the csv module looks at each letter, which takes longer than all else in a row.
    return (",".join(map(_cell, cells)) + "\n").encode("utf-8", "replace")


def _cell(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(value)
    if isinstance(value, bool):
        value = "true" if value else "false"
    elif isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False, default=_plain)
    elif isinstance(value, date | time):
        value = value.isoformat()
    text = "" if value is None else str(value)
    return '"' + text.replace('"', '""') + '"'


class Table:
    """Shows rows and their verdicts to a person.

    Parameters
    ----------
    file : binary file
        Standard output's, or another one.
    explain : int, optional
        Reasons to show for each row.
    single : bool
        Whether there is one row alone, which the reader knows.
    """

    def __init__(self, file: IO[bytes], explain: int | None, single: bool) -> None:
        from spamguard.cli.terminal import Screen

        self._stream: TextIO = sys.stdout
        if file is not getattr(sys.stdout, "buffer", None):
            self._stream = io.TextIOWrapper(file, encoding="utf-8", write_through=True)
        self._screen = Screen(self._stream)
        self._explain = explain
        self._single = single

    def has(self, fields: Row, judge: Callable[[], Verdict]) -> bool:
        """Return whether a row was shown already: never."""
        return False

    def write(self, fields: Row, verdict: Verdict) -> None:
        """Show a row."""
        about = "" if self._single else _about(fields)
        self._screen.verdict_line(verdict, about)
        if self._explain:
            self._screen.language(verdict)
        self._screen.reasons(verdict, self._explain or 0, known=about)

    def flush(self) -> None:
        """Hand on what was shown."""
        self._stream.flush()

    def close(self) -> None:
        """Leave the file to the one who opened it."""
        self.flush()
        if self._stream is not sys.stdout and isinstance(self._stream, io.TextIOWrapper):
            self._stream.detach()


def _about(fields: Row) -> str:
    known = [fields.get("comment_id", fields.get("id")), fields.get("author"), fields.get("text")]
    return " | ".join(str(value) for value in known if value)
