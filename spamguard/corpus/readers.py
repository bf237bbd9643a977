"""The one reader of rows: JSON lines, CSV or Parquet, from a file or a pipe.

An unreadable line becomes a `Problem` with its number, and reading continues. No message
repeats the content of a line, because comments are private.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import select
import sys
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date as day
from datetime import datetime
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal, cast

from spamguard.comment import Comment, Post
from spamguard.corpus.frames import COMMENT_COLUMNS
from spamguard.errors import CorpusError, InputError
from spamguard.loading import optional

Format = Literal["jsonl", "csv", "parquet"]

MAX_LINE: Final = 50_000_000
"""Bytes in a line; a longer one is skipped to bound the memory."""

ENDINGS: Final[dict[str, Format]] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".parquet": "parquet",
}

_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_DAMAGED: Final = (EOFError, zlib.error, gzip.BadGzipFile)


@dataclass(frozen=True, slots=True)
class Line:
    """A row: its line number, its fields and its approximate size in bytes."""

    number: int
    fields: dict[str, Any]
    size: int


@dataclass(frozen=True, slots=True)
class Problem:
    """A row that could not be read: its line number and the reason."""

    number: int
    what: str


# --- files ------------------------------------------------------------------------


class Source:
    """An open input: its name for messages, its bytes, and the read position.

    `before_wait` is called before a read that may block on a pipe, so that answers can
    be flushed to a waiting sender.
    """

    def __init__(self, name: str, raw: BinaryIO, packed: bool, size: int) -> None:
        self.name = name
        self.size = size
        self.lines = 0
        self.schema: Any = None  # of a Parquet file, once it is read
        self.before_wait: Callable[[], None] = lambda: None
        self._raw = raw
        if not size:
            raw = cast(BinaryIO, io.BufferedReader(_Pipe(raw, self), 65_536))
        stream = gzip.GzipFile(fileobj=raw) if packed else raw
        # Standard input may be a stream without peek().
        self.stream = stream if hasattr(stream, "peek") else io.BufferedReader(cast(Any, stream))

    def done(self) -> int:
        """Return how many bytes of the file have been read; 0 for a pipe."""
        return self._raw.tell() if self.size else 0

    def seekable(self) -> BinaryIO:
        """Return the file itself, for formats read from the end; InputError for a pipe."""
        if not self.size and Path(self.name).is_file():
            raise InputError(f"{self.name} is empty.")
        if not self.size or isinstance(self.stream, gzip.GzipFile):
            raise InputError("Parquet must be an uncompressed file: name it with --input.")
        return self._raw

    def readline(self) -> bytes:
        """Return the next line, cut to `MAX_LINE` + 1 bytes."""
        line = self._piece()
        self.lines += 1
        return line

    def skip_line(self, line: bytes) -> None:
        """Skip the rest of a line that starts with `line`."""
        while line and not line.endswith(b"\n"):
            line = self._piece()

    def _piece(self) -> bytes:
        try:
            return self.stream.readline(MAX_LINE + 1)
        except _DAMAGED:
            raise self._damaged() from None

    def start(self) -> bytes:
        """Return some bytes from the current position without consuming them."""
        try:
            return cast(io.BufferedReader, self.stream).peek(1)
        except _DAMAGED:
            raise self._damaged() from None

    def _damaged(self) -> InputError:
        return InputError(f"{self.name} is damaged after line {self.lines}, or no gzip file.")


class _Pipe(io.RawIOBase):
    """Reads from a pipe; calls the source's `before_wait` before it blocks."""

    def __init__(self, inner: BinaryIO, source: Source) -> None:
        self._inner = inner
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not _is_ready(self._inner):
            self._source.before_wait()
        # read1, because read would block until the buffer is full.
        data: bytes = getattr(self._inner, "read1", self._inner.read)(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _is_ready(stream: BinaryIO) -> bool:
    """Return whether a read would not block; False where that is unknown."""
    try:
        return bool(select.select([stream.fileno()], [], [], 0)[0])
    except (OSError, ValueError):
        return False


@contextmanager
def open_source(path: str | None) -> Iterator[Source]:
    """Open the file at `path`, or standard input for None and ``-``."""
    if path is None or path == "-":
        yield Source("standard input", sys.stdin.buffer, False, 0)
        return
    with open_file(Path(path)) as source:
        yield source


@contextmanager
def open_file(path: Path) -> Iterator[Source]:
    """Open the file at `path`, unpacked if it ends in ``.gz``."""
    with path.open("rb") as file:
        size = path.stat().st_size if path.is_file() else 0
        yield Source(str(path), file, path.name.endswith(".gz"), size)


def format_of(source: Source) -> Format:
    """Return the format, by the file's name or first character; InputError for a JSON array."""
    ending = Path(source.name.removesuffix(".gz")).suffix.lower()
    if ending in ENDINGS:
        return ENDINGS[ending]
    start = source.start().removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"PAR1"):
        return "parquet"
    if start.startswith(b"["):
        raise InputError(
            f"{source.name} is one JSON array; write one object on each line (jq -c '.[]' does that)."
        )
    return "jsonl" if start.startswith(b"{") else "csv"


def lines_of(
    source: Source, form: Format, columns: Collection[str] = COMMENT_COLUMNS
) -> Iterator[Line | Problem]:
    """Yield the rows of `source` in order; CSV may spell `columns` in any case.

    Raises InputError for a file that holds no rows at all: one in UTF-16, a CSV
    file without a usable header, a damaged Parquet file.
    """
    if form == "parquet":
        return _parquet_lines(source)
    if source.start().startswith(_UTF_16):
        raise InputError(f"{source.name} is UTF-16; save it as UTF-8, in Excel as CSV UTF-8.")
    return _json_lines(source) if form == "jsonl" else _csv_lines(source, columns)


def fields_of_file(
    path: Path, columns: Collection[str] = COMMENT_COLUMNS
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the line number and fields of each row; a bad line raises CorpusError."""
    try:
        with open_file(path) as source:
            for line in lines_of(source, format_of(source), columns):
                if isinstance(line, Problem):
                    raise CorpusError(f"{path}, line {line.number}: {line.what}.")
                yield line.number, line.fields
    except InputError as error:
        raise CorpusError(str(error)) from None
    except FileNotFoundError:
        raise CorpusError(f"{path} does not exist; check the path.") from None
    except OSError as error:
        raise CorpusError(f"{path} cannot be read ({type(error).__name__}).") from None


# --- JSON lines -------------------------------------------------------------------


def _json_lines(source: Source) -> Iterator[Line | Problem]:
    while line := source.readline():
        number = source.lines
        if len(line) > MAX_LINE:
            source.skip_line(line)
            yield _too_long(number)
        elif line.strip():
            yield _json_line(number, line)


def _too_long(number: int) -> Problem:
    return Problem(number, f"longer than {MAX_LINE:,} bytes")


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


# Some programs write NaN for a missing value, but it is not valid JSON and cannot be written
# again; neither can a number that overflows.
_DECODER: Final = json.JSONDecoder(parse_constant=lambda _: None, parse_float=_finite)
_MAX_DEPTH: Final = 200  # some programs cannot write deeper nesting


def _json_line(number: int, line: bytes) -> Line | Problem:
    try:
        text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        fields = _DECODER.decode(text)
    except UnicodeDecodeError:
        return Problem(number, "not UTF-8")
    except (ValueError, RecursionError):
        return Problem(number, "not JSON")
    if not isinstance(fields, dict):
        return Problem(number, 'not a JSON object, such as {"text": "..."}')
    if text.count("[") + text.count("{") > _MAX_DEPTH and _depth(fields) > _MAX_DEPTH:
        return Problem(number, f"nested more than {_MAX_DEPTH} deep")
    return Line(number, fields, len(line))


def _depth(value: object) -> int:
    depth = 0
    level = [value]
    while level:
        containers = [each for each in level if isinstance(each, dict | list)]
        level = [
            inner
            for each in containers
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        depth += bool(containers)
    return depth


# --- CSV --------------------------------------------------------------------------


SEPARATORS: Final = {",": "commas", ";": "semicolons", "\t": "tabs"}
"""Separators and their names for messages. Many countries' spreadsheets use semicolons."""


def separator_of(header: str, names: Collection[str]) -> str:
    """Return the first separator that yields one of `names` in a CSV header, else a comma.

    Examples
    --------
    >>> separator_of("id;text;label", ["text"]), separator_of("text", ["text"])
    (';', ',')
    """
    for found in SEPARATORS:
        try:
            cells = next(csv.reader([header], delimiter=found), [])
        except csv.Error:
            continue
        if any(cell.strip() in names or cell.strip().lower() in names for cell in cells):
            return found
    return ","


class CsvRows:
    """The header and the rows of a CSV file, read line by line.

    `names` are the possible names of the comments' column. Each row comes with the
    number of its first line, as cells or as a reading error.
    """

    def __init__(self, lines: Iterator[str], names: Collection[str]) -> None:
        header = next(lines, "")
        self.separator = separator_of(header, names)
        self._reader = csv.reader(
            chain([header] if header else [], lines), delimiter=self.separator, strict=True
        )
        self.empty = not header
        self.header = [name.strip() for name in next(self._reader, [])]

    def __iter__(self) -> Iterator[tuple[int, list[str] | csv.Error]]:
        limit = csv.field_size_limit(MAX_LINE)  # by default, cells over 128 kB are refused
        try:
            while True:
                first = self._reader.line_num + 1
                try:
                    cells = next(self._reader)
                except StopIteration:
                    break
                except csv.Error as error:
                    yield first, error
                    continue
                if cells:
                    yield first, cells
        finally:
            csv.field_size_limit(limit)


def _csv_lines(source: Source, columns: Collection[str]) -> Iterator[Line | Problem]:
    too_long: set[int] = set()
    try:
        rows = CsvRows(_text_lines(source, too_long), ["text"])
    except csv.Error as error:
        raise InputError(f"{source.name}, line 1: not CSV ({error}).") from None
    if rows.empty:
        return
    names = _column_names(source, rows.header, columns)
    for number, cells in rows:
        reached = {line for line in too_long if line >= number}
        if reached:
            yield _too_long(min(reached))
            too_long.clear()
        elif isinstance(cells, csv.Error):
            yield Problem(number, f"not CSV ({cells})")
        else:
            yield _csv_line(number, names, cells, SEPARATORS[rows.separator])


def _text_lines(source: Source, too_long: set[int]) -> Iterator[str]:
    encoding = "utf-8-sig"
    while line := source.readline():
        if len(line) > MAX_LINE:
            too_long.add(source.lines)
            source.skip_line(line)
            line = b"-\n"
        # A byte that is not UTF-8 must not end the stream; _csv_line rejects its row.
        yield line.decode(encoding, "surrogateescape")
        encoding = "utf-8"


def _column_names(source: Source, header: list[str], columns: Collection[str]) -> list[str]:
    names = [name.lower() if name.lower() in columns else name for name in header]
    if len(set(names)) < len(names):
        raise InputError(f"{source.name}, line 1: two columns have the same name.")
    if "text" not in names:
        raise InputError(
            f"{source.name}, line 1: no column is named text. In CSV the first line names the "
            "columns, separated by commas, semicolons or tabs."
        )
    return names


def _csv_line(number: int, names: list[str], cells: list[str], separator: str) -> Line | Problem:
    if len(cells) != len(names):
        return Problem(
            number,
            f"{len(cells)} cells under {len(names)} columns; quote text that holds {separator}",
        )
    try:
        "".join(cells).encode()
    except UnicodeEncodeError:  # a byte that could not be decoded cannot be encoded
        return Problem(number, "not UTF-8")
    return Line(number, dict(zip(names, cells, strict=True)), sum(map(len, cells)))


# --- Parquet ----------------------------------------------------------------------

MAX_ROW_GROUP: Final = 4_000_000_000
"""Uncompressed bytes that a row group may claim."""

MAX_BATCH: Final = 1_000_000_000
"""Bytes of the rows read at once."""

_BATCH_ROWS: Final = 1_000


def load_pyarrow() -> Any:
    """Return pyarrow with its Parquet module, or raise with the command to install it."""
    with optional():
        import pyarrow as pa
        import pyarrow.parquet
    assert pyarrow.parquet
    return pa


class ParquetRows:
    """The rows of a Parquet file, in batches; an oversized row group is refused unread."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._name = name
        self._pa = load_pyarrow()
        try:
            self._file = self._pa.parquet.ParquetFile(file, pre_buffer=False)
        except (self._pa.ArrowException, OSError):
            raise self._damaged() from None
        self.schema: Any = self._file.schema_arrow
        if len(set(self.schema.names)) < len(self.schema.names):
            raise InputError(f"{name}: two columns have the same name.")
        metadata = self._file.metadata
        for i in range(metadata.num_row_groups):
            if metadata.row_group(i).total_byte_size > MAX_ROW_GROUP:
                raise InputError(
                    f"{name}: row group {i + 1} claims more than {MAX_ROW_GROUP:,} bytes; write the "
                    "file again with smaller row groups."
                )

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield rows as dicts; missing values and NaN are None."""
        try:
            for batch in self._file.iter_batches(batch_size=_BATCH_ROWS):
                if batch.nbytes > MAX_BATCH:
                    raise InputError(
                        f"{self._name}: {_BATCH_ROWS:,} of its rows take more than {MAX_BATCH:,} "
                        "bytes; does it have a large column besides text?"
                    )
                names = batch.schema.names
                for cells in zip(*(c.to_pylist() for c in batch.columns), strict=True):
                    yield {
                        name: None if isinstance(cell, float) and math.isnan(cell) else cell
                        for name, cell in zip(names, cells, strict=True)
                    }
        except (self._pa.ArrowException, OSError, UnicodeDecodeError):
            raise self._damaged() from None

    def _damaged(self) -> InputError:
        return InputError(f"{self._name} is damaged, or no Parquet file.")


def _parquet_lines(source: Source) -> Iterator[Line | Problem]:
    rows = ParquetRows(source.seekable(), source.name)
    if "text" not in rows.schema.names:
        raise InputError(f"{source.name}: no column is named text; rename the one with comments.")
    source.schema = rows.schema
    for number, fields in enumerate(rows, 1):
        yield Line(number, fields, sum(len(v) for v in fields.values() if isinstance(v, str)))


# --- fields -> comment ------------------------------------------------------------

_POST_FIELDS: Final = tuple((name, f"post_{name}") for name in ("title", "text", "url", "author"))
_LONG_POST: Final = 50_000


def comment_of(fields: dict[str, Any], post: Post | None) -> Comment:
    """Return the comment in `fields`, with its post or else `post`; InputError without text."""
    if fields.get("text") is None:
        raise InputError("there is no text; the field with the comment must be called text")
    # In CSV an empty cell is a missing value.
    author, address, date = (fields.get(name) or None for name in ("author", "author_url", "date"))
    if isinstance(date, day) and not isinstance(date, datetime):
        date = date.isoformat()
    return Comment(fields["text"], author, address, date, _own_post(fields) or post)


def _own_post(fields: dict[str, Any]) -> Post | None:
    nested = fields.get("post")
    # Only an object is a post; a bare number or word is a post's key.
    own = nested if isinstance(nested, dict) else {}
    values = [fields.get(flat) or own.get(name) or None for name, flat in _POST_FIELDS]
    title, text, url, author = values
    date, thread = own.get("date") or None, own.get("thread") or ()
    beside = fields.get("post_thread")
    if beside and not isinstance(beside, str):  # a CSV cell cannot hold a list
        thread = beside
    if not (any(values) or thread):
        return None
    if date or thread or not all(value is None or isinstance(value, str) for value in values):
        return Post(title, text, url, author, date, thread)
    if sum(len(value or "") for value in values) > _LONG_POST:
        return Post(title, text, url, author)
    return _cached_post(title, text, url, author)


@lru_cache(maxsize=256)
def _cached_post(title: str | None, text: str | None, url: str | None, author: str | None) -> Post:
    # Comments on one post usually follow each other.
    return Post(title, text, url, author)
