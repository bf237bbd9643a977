"""The one writer of rows: JSON lines, CSV or Parquet, to standard output or to a file.

A file appears whole or not at all. A long output can be resumed: its rows collect in
``NAME.part``, which replaces NAME at the end. A killed process leaves at most one torn
line, which the next run cuts off.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import date, time
from itertools import count
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO, Final, cast

from spamguard.corpus.readers import ENDINGS, load_pyarrow
from spamguard.errors import InputError, SpamguardError
from spamguard.files import mode_of, move_into_place, replacing
from spamguard.verdict import Verdict

if TYPE_CHECKING:
    from spamguard.corpus.readers import Source

if sys.platform == "win32":
    fcntl = None
else:
    import fcntl

Row = dict[str, Any]


# --- where to ---------------------------------------------------------------------


def output_format(path: str | None) -> str:
    """Return the default format of this output."""
    if path is None or path == "-":
        return "table" if sys.stdout.isatty() else "jsonl"
    return ENDINGS.get(Path(path).suffix.lower(), "jsonl")


def target_of(path: str | None) -> Path | None:
    """Return the file that the output replaces; None for standard output and devices.

    Raises InputError for a .gz file or a missing directory.
    """
    if path is None or path == "-":
        return None
    if path.endswith(".gz"):
        raise InputError(
            "--output does not compress; name a .jsonl or .csv file and compress it later."
        )
    target = Path(path).resolve()  # a symbolic link keeps pointing where it did
    if target.exists() and not target.is_file():
        return None
    if not target.parent.is_dir():
        raise InputError(f"{target.parent} is no directory; make it first.")
    return target


@contextmanager
def open_output(path: str | None) -> Iterator[IO[bytes]]:
    """Open standard output, or a file that is replaced once it is complete."""
    target = target_of(path)
    if target is not None:
        with replacing(target) as file:
            yield file
    elif path is None or path == "-":
        sys.stdout.flush()
        yield sys.stdout.buffer
    else:
        # A device or a named pipe must be written to, never replaced.
        with Path(path).open("wb") as file:
            yield file


@contextmanager
def open_corpus(path: Path) -> Iterator[IO[bytes]]:
    """Replace a corpus, compressed if it ends in ``.gz``; a new file is private to its owner."""
    with ExitStack() as stack:
        file = stack.enter_context(replacing(path, private=True))
        if path.name.endswith(".gz"):
            # Without the name and the time in the header, equal rows give equal bytes.
            packed = gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0)
            file = stack.enter_context(cast("IO[bytes]", packed))
        yield file


# --- rows -------------------------------------------------------------------------


def _json_value(value: object) -> Any:
    """Return the JSON form of a value that only Parquet has."""
    return value.isoformat() if isinstance(value, date | time) else str(value)


_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, default=_json_value)


def json_row(row: Row) -> bytes:
    """Return a row as a line of JSON."""
    try:
        return _ENCODER.encode(row).encode() + b"\n"
    except UnicodeEncodeError:  # half a character has no UTF-8; escaped, it survives
        return json.dumps(row, default=_json_value).encode() + b"\n"


def csv_row(cells: Sequence[Any], errors: str = "replace") -> bytes:
    """Return a row as a line of CSV."""
    # Text is always quoted: a lone carriage return would otherwise end the row. The csv module
    # checks every letter, which takes longer than the rest of the row.
    return (",".join(map(_csv_cell, cells)) + "\n").encode("utf-8", errors)


def _csv_cell(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(value)
    if isinstance(value, bool):
        value = "true" if value else "false"
    elif isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False, default=_json_value)
    elif isinstance(value, date | time):
        value = value.isoformat()
    text = "" if value is None else str(value)
    return '"' + text.replace('"', '""') + '"'


def scored_row(fields: Row, verdict: Verdict, explain: int | None) -> Row:
    """Return the input's own fields followed by the verdict's."""
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
    # The input's own label is kept, under another name.
    own = {name: value for name, value in fields.items() if name not in result}
    for name in result:
        if name in fields:
            own[_free_name(f"given_{name}", own)] = fields[name]
    return own | result


def _free_name(name: str, taken: Row) -> str:
    """Return `name`, numbered if it is taken, so that scoring a file twice loses nothing."""
    numbered = (name if number == 1 else f"{name}_{number}" for number in count(1))
    return next(each for each in numbered if each not in taken)


class JsonForm:
    """Writes a row and its verdict as a line of JSON."""

    def __init__(self, explain: int | None) -> None:
        self._explain = explain

    def __call__(self, fields: Row, verdict: Verdict) -> bytes:
        """Return the line."""
        return json_row(scored_row(fields, verdict, self._explain))

    def left_out(self, fields: Row) -> int:
        """Return 0: JSON has no fixed columns."""
        return 0


class CsvForm:
    """Writes a row and its verdict as CSV; the first row's fields are the columns."""

    def __init__(self, explain: int | None) -> None:
        self._explain = explain
        self._columns: list[str] = []
        self._complete: tuple[str, ...] | None = None  # names known to have columns

    def __call__(self, fields: Row, verdict: Verdict) -> bytes:
        """Return the row, after the header if it is the first."""
        row = scored_row(fields, verdict, self._explain)
        head = b""
        if not self._columns:
            self._columns = list(row)
            head = csv_row(self._columns)
        return head + csv_row([row.get(name) for name in self._columns])

    def left_out(self, fields: Row) -> int:
        """Return how many fields have no column."""
        given = tuple(fields)
        if given == self._complete:
            return 0
        names = scored_row(fields, _ANY_VERDICT, self._explain)
        missing = sum(name not in self._columns for name in names)
        if not missing:
            self._complete = given
        return missing


_ANY_VERDICT: Final = Verdict(0.5, "ham", False, 0.0, 0.0, "")


# --- scored comments as JSON lines or CSV -----------------------------------------


class AnotherRunError(SpamguardError):
    """The unfinished output belongs to another command."""


@dataclass(slots=True)
class PartialOutput:
    """The whole rows of an interrupted run; `first` is the first, with the header in CSV."""

    rows: int = 0
    size: int = 0
    first: bytes = b""
    last: bytes = b""


class Output:
    """Writes verdicts as JSON lines or CSV, after the rows of an interrupted run."""

    def __init__(
        self, file: IO[bytes], form: JsonForm | CsvForm, done: PartialOutput | None = None
    ) -> None:
        self._file = file
        self._form = form
        self._done = done or PartialOutput()
        self._passed = 0

    def has(self, fields: Row, judge: Callable[[], Verdict]) -> bool:
        """Return whether the next row is written already.

        The first and the last such row are computed again: if they differ, the comments,
        the model or the options have changed.
        """
        if self._passed == self._done.rows:
            return False
        self._passed += 1
        # In this order: a single row is both, and in CSV it follows the header.
        expected = {self._done.rows: self._done.last, 1: self._done.first}
        if self._passed in expected and self._form(fields, judge()) != expected[self._passed]:
            raise AnotherRunError(_ANOTHER)
        self._check_complete(fields)
        return True

    def write(self, fields: Row, verdict: Verdict) -> None:
        """Write a row; an InputError says that it was written without some of its fields."""
        self._file.write(self._form(fields, verdict))
        self._check_complete(fields)

    def _check_complete(self, fields: Row) -> None:
        missing = self._form.left_out(fields)
        if missing:
            raise InputError(
                f"written without {missing} of its fields, which the first line does not have; "
                "JSON lines keep them"
            )

    def flush(self) -> None:
        """Pass on what was written."""
        self._file.flush()

    def close(self) -> None:
        """Check that the input had at least as many comments as the output."""
        if self._passed < self._done.rows:
            raise AnotherRunError(_ANOTHER)


_ANOTHER: Final = (
    "--resume: the .part file was written for other comments, by another model or with other "
    "options. Repeat the command that was interrupted, or leave --resume out to begin again."
)


@contextmanager
def open_scored(
    path: str | None, form: str, explain: int | None, *, resume: bool = False
) -> Iterator[Output]:
    """Open a JSON lines or CSV output for a stream of comments; a file can be resumed."""
    put = CsvForm(explain) if form == "csv" else JsonForm(explain)
    target = target_of(path)
    if target is None:
        with open_output(path) as file:
            yield Output(file, put)
        return
    with resumable(target, form == "csv", resume) as (file, done):
        output = Output(file, put, done)
        yield output
        output.close()


# --- resuming ---------------------------------------------------------------------


def part_of(target: Path) -> Path:
    """Return the file that collects the rows of `target` until it is complete."""
    return target.with_name(f"{target.name}.part")


@contextmanager
def resumable(target: Path, csv: bool, resume: bool) -> Iterator[tuple[IO[bytes], PartialOutput]]:
    """Open the unfinished output of `target`; it replaces `target` if the block succeeds.

    Unless `resume`, its former content is discarded.
    """
    part = part_of(target)
    with _locked(part, mode_of(target)) as file:
        done = _whole_rows(file, csv) if resume else PartialOutput()
        file.truncate(done.size)
        file.seek(done.size)
        try:
            yield file, done
            file.flush()
            os.fsync(file.fileno())
        except AnotherRunError:
            raise
        except BaseException:
            with suppress(OSError):
                file.flush()
            _keep_or_remove(part)
            raise
        if fcntl is None:  # Windows cannot rename an open file
            file.close()
        move_into_place(part, target)


@contextmanager
def _locked(part: Path, mode: int) -> Iterator[BinaryIO]:
    """Open or create `part` for this process alone."""
    with os.fdopen(
        os.open(part, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), mode), "r+b"
    ) as file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # Another process may have finished and renamed the file to the target.
                mine = part.stat().st_ino == os.fstat(file.fileno()).st_ino
            except (BlockingIOError, FileNotFoundError):
                mine = False
            if not mine:
                raise InputError(f"another process is writing {part.name}; wait until it is done.")
        yield file


def _whole_rows(file: BinaryIO, csv: bool) -> PartialOutput:
    heads = 1 if csv else 0  # rows before the first answer
    rows, size, inside = 0, 0, False
    row, done = b"", PartialOutput()
    file.seek(0)
    for line in file:
        row += line
        # Text is always quoted, and a quote in it is doubled: an odd number opens or closes.
        inside ^= csv and bool(line.count(b'"') & 1)
        if inside or not line.endswith(b"\n"):
            continue
        size += len(row)
        rows += 1
        if rows > heads:
            done.rows, done.size, done.last = rows - heads, size, row
        if rows <= heads + 1:
            done.first += row
        row = b""
    return done if done.rows else PartialOutput()


def _keep_or_remove(part: Path) -> None:
    with suppress(OSError):
        if part.stat().st_size:
            print(
                f"spamguard: the finished rows are kept in {part}; repeat the command with --resume "
                "to continue",
                file=sys.stderr,
            )
        else:
            part.unlink()


# --- scored comments as Parquet ---------------------------------------------------

_GROUP_ROWS: Final = 20_000
_GROUP_CHARACTERS: Final = 50_000_000
"""A row group is written when it has this many rows or this much text."""


@contextmanager
def open_scored_parquet(
    path: str | None, explain: int | None, source: Source
) -> Iterator[ParquetOutput]:
    """Open the Parquet file for the verdicts on `source`."""
    with open_output(path) as file:
        output = ParquetOutput(file, explain, source)
        yield output
        output.close()


class ParquetOutput:
    """Writes verdicts as Parquet; the first row group's fields are the columns.

    If `source` is Parquet too, its columns keep their types.
    """

    def __init__(self, file: IO[bytes], explain: int | None, source: Source) -> None:
        self._pa = load_pyarrow()
        self._file = file
        self._explain = explain
        self._source = source
        self._rows: list[Row] = []
        self._characters = 0
        self._writer: Any = None
        self._schema: Any = None

    def has(self, fields: Row, judge: Callable[[], Verdict]) -> bool:
        """Return False: Parquet cannot be resumed."""
        return False

    def write(self, fields: Row, verdict: Verdict) -> None:
        """Write a row; an InputError says that it was written without some of its fields."""
        row = scored_row(fields, verdict, self._explain)
        left_out = self._fit(row) if self._schema is not None else 0
        self._rows.append(row)
        self._characters += sum(len(v) for v in row.values() if isinstance(v, str))
        if len(self._rows) >= _GROUP_ROWS or self._characters >= _GROUP_CHARACTERS:
            self._write_group()
        if left_out:
            raise InputError(
                f"written without {left_out} of its fields, which the first rows do not have or have "
                "as another type; JSON lines keep them"
            )

    def flush(self) -> None:
        """Do nothing: a row group is written when it is full."""

    def close(self) -> None:
        """Write the last row group and the end of the file."""
        if self._rows or self._writer is None:
            self._write_group()
        self._writer.close()

    def _write_group(self) -> None:
        if self._writer is None:
            self._schema = self._schema_of(self._rows)
            self._writer = self._pa.parquet.ParquetWriter(self._file, self._schema)
        columns = [
            self._column([row.get(field.name) for row in self._rows], field.type)
            for field in self._schema
        ]
        self._writer.write_table(self._pa.Table.from_arrays(columns, schema=self._schema))
        self._rows, self._characters = [], 0

    def _schema_of(self, rows: list[Row]) -> Any:
        pa = self._pa
        given = self._source.schema
        known = {field.name: field.type for field in given} if given is not None else {}
        added = self._answer_types()
        names = dict.fromkeys(name for row in rows for name in row)
        if not rows:
            names = dict.fromkeys([*known, *added])
        fields = []
        for name in names:
            kind = added.get(name)
            if kind is None:
                # A field with the name of an answer was renamed.
                kind = known.get(name, known.get(name.removeprefix("given_")))
            if kind is None or pa.types.is_dictionary(kind):
                kind = self._inferred([row.get(name) for row in rows])
            fields.append(pa.field(name, kind))
        return pa.schema(fields)

    def _answer_types(self) -> dict[str, Any]:
        pa = self._pa
        text = pa.string()
        types = {"spam_probability": pa.float64(), "label": text, "discard": pa.bool_()}
        if self._explain:
            reason = {"feature": text, "contribution": pa.float64(), "evidence": text}
            types |= {"language": text, "language_known": pa.bool_()}
            types["reasons"] = pa.list_(pa.struct(list(reason.items())))
        return types

    def _inferred(self, values: list[Any]) -> Any:
        try:
            kind = self._pa.array(values).type
        except (self._pa.ArrowException, UnicodeEncodeError, OverflowError):
            return self._pa.string()  # of mixed types: written as JSON
        return self._pa.string() if self._pa.types.is_null(kind) else kind

    def _column(self, values: list[Any], kind: Any) -> Any:
        if self._pa.types.is_string(kind) or self._pa.types.is_large_string(kind):
            values = [None if value is None else _text_cell(value) for value in values]
        return self._pa.array(values, kind)

    def _fit(self, row: Row) -> int:
        """Remove the fields of `row` that do not fit the columns; return how many."""
        lost = 0
        for name in list(row):
            kind = self._schema.field(name).type if name in self._schema.names else None
            if kind is None or not self._fits(row[name], kind):
                lost += row.pop(name) is not None or kind is None
        return lost

    def _fits(self, value: Any, kind: Any) -> bool:
        if value is None or self._pa.types.is_string(kind):
            return True  # anything else is written as JSON
        with suppress(self._pa.ArrowException, UnicodeEncodeError, OverflowError, TypeError):
            self._pa.scalar(value, kind)
            return True
        return False


def _text_cell(value: Any) -> str:
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False, default=str)
    # Half a character has no UTF-8.
    return value if value.isascii() else value.encode("utf-8", "replace").decode()
