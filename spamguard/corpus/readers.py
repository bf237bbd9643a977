"""Comments from JSON lines, CSV or Parquet, one at a time; a bad line is reported and passed over.

No message repeats what a line says: comments are other people's words.
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
from collections.abc import Callable, Iterator
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
from spamguard.corpus.separators import SEPARATORS, UTF_16, separator
from spamguard.errors import InputError

Format = Literal["jsonl", "csv", "parquet"]

MAX_LINE: Final = 50_000_000
"""Bytes in a line; a longer one is passed over before it fills the memory."""

ENDINGS: Final[dict[str, Format]] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".parquet": "parquet",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A line that could be read: its number, its fields and about how many bytes it had."""

    number: int
    fields: dict[str, Any]
    size: int


@dataclass(frozen=True, slots=True)
class Problem:
    """A line that could not: its number and what is wrong with it."""

    number: int
    what: str


_DAMAGED: Final = (EOFError, zlib.error, gzip.BadGzipFile)


# --- files ------------------------------------------------------------------------


class Source:
    """An open input: its name for messages, its bytes, and how far it has been read.

    What `before_wait` names is called before more is awaited from somebody who
    may be slow, or who may wait for an answer.
    """

    def __init__(self, name: str, raw: BinaryIO, packed: bool, size: int) -> None:
        self.name = name
        self.size = size
        self.schema: Any = None  # of a Parquet file, once it is read
        self.before_wait: Callable[[], None] = _nothing
        self._raw = raw
        if not size:
            raw = cast(BinaryIO, io.BufferedReader(_Telling(raw, self), 65_536))
        stream = gzip.GzipFile(fileobj=raw) if packed else raw
        # Standard input may be a stream that cannot be looked into without reading it.
        self.stream = stream if hasattr(stream, "peek") else io.BufferedReader(cast(Any, stream))

    def done(self) -> int:
        """Return how many bytes of the file have been read (0 where nobody can tell)."""
        return self._raw.tell() if self.size else 0

    def seekable(self) -> BinaryIO:
        """Return the file itself, for formats that are read from their end.

        Raises
        ------
        InputError
            If it is no file, or is compressed as a whole.
        """
        if not self.size and Path(self.name).is_file():
            raise InputError(f"{self.name} is empty.")
        if not self.size or isinstance(self.stream, gzip.GzipFile):
            raise InputError("Parquet is read from a file of its own: name it with --input.")
        return self._raw

    def readline(self) -> bytes:
        """Return the next line, cut after `MAX_LINE` and one bytes."""
        try:
            return self.stream.readline(MAX_LINE + 1)
        except _DAMAGED as error:
            raise self._damaged() from error

    def start(self) -> bytes:
        """Return some bytes from where the stream stands, without reading them."""
        try:
            return cast(io.BufferedReader, self.stream).peek(1)
        except _DAMAGED as error:
            raise self._damaged() from error

    def _damaged(self) -> InputError:
        return InputError(f"{self.name} is damaged, or no gzip file.")


def _nothing() -> None:
    """Do it: nobody has asked to be called."""


class _Telling(io.RawIOBase):
    """Reads from a pipe, and tells its `Source` before it waits there."""

    def __init__(self, inner: BinaryIO, source: Source) -> None:
        self._inner = inner
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not _at_hand(self._inner):
            self._source.before_wait()
        # What is there, not all that fits: read() would wait until the buffer is full.
        data: bytes = getattr(self._inner, "read1", self._inner.read)(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _at_hand(stream: BinaryIO) -> bool:
    """Return whether reading from `stream` would not wait; False where nobody can tell."""
    try:
        return bool(select.select([stream.fileno()], [], [], 0)[0])
    except (OSError, ValueError):
        return False


@contextmanager
def opened(path: str | None) -> Iterator[Source]:
    """Open the file at `path`, or standard input for None and ``-``."""
    if path is None or path == "-":
        yield Source("standard input", sys.stdin.buffer, False, 0)
        return
    with Path(path).open("rb") as file:
        regular = Path(path).is_file()
        yield Source(path, file, path.endswith(".gz"), Path(path).stat().st_size if regular else 0)


def format_of(source: Source) -> Format:
    """Return the format, by the name of the file or else by its first character.

    Raises
    ------
    InputError
        If it is one JSON array instead of an object on each line.
    """
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


def lines_of(source: Source, form: Format) -> Iterator[Line | Problem]:
    """Yield what the lines of `source` hold, in order and as they come.

    Raises
    ------
    InputError
        If a CSV file's first line cannot name its columns, or a Parquet file
        is none.
    """
    if form == "parquet":
        return _parquet_rows(source)
    if source.start().startswith(UTF_16):
        raise InputError(f"{source.name} is UTF-16; save it as UTF-8, in Excel as CSV UTF-8.")
    return _json_lines(source) if form == "jsonl" else _csv_lines(source)


# --- JSON lines -------------------------------------------------------------------


def _json_lines(source: Source) -> Iterator[Line | Problem]:
    number = 0
    while line := source.readline():
        number += 1
        if len(line) > MAX_LINE:
            _pass_over(source, line)
            yield Problem(number, f"longer than {MAX_LINE:,} bytes")
        elif line.strip():
            yield _json_line(number, line)


def _pass_over(source: Source, line: bytes) -> None:
    while line and not line.endswith(b"\n"):
        line = source.readline()


def _number(digits: str) -> float | None:
    found = float(digits)
    return found if math.isfinite(found) else None


# NaN is how some programs write a missing value; it is not JSON, so it ends here, and so does a
# number that is too large for any program to write it again.
_DECODER: Final = json.JSONDecoder(parse_constant=lambda _: None, parse_float=_number)
_MOST_NESTED: Final = 200  # what is nested deeper can be read, but not everywhere be written


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
    if text.count("[") + text.count("{") > _MOST_NESTED and _depth(fields) > _MOST_NESTED:
        return Problem(number, f"nested more than {_MOST_NESTED} deep")
    return Line(number, fields, len(line))


def _depth(value: object) -> int:
    """Return how deep lists and objects stand in each other."""
    depth = 0
    level = [value]
    while level:
        held = [each.values() if isinstance(each, dict) else each for each in level
                if isinstance(each, dict | list)]  # fmt: skip
        level = [inner for outer in held for inner in outer]
        depth += bool(held)
    return depth


# --- CSV --------------------------------------------------------------------------


def _csv_lines(source: Source) -> Iterator[Line | Problem]:
    limit = csv.field_size_limit(MAX_LINE)  # the default refuses comments over 128 kB
    try:
        lines = _decoded(source)
        header = next(lines, "")
        parted = separator(header)
        reader = csv.reader(chain([header] if header else [], lines), delimiter=parted, strict=True)
        names = _column_names(source, reader)
        while names:
            first = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                break
            except csv.Error as error:
                yield Problem(first, f"not CSV ({error})")
                continue
            if cells:
                yield _csv_line(first, names, cells, SEPARATORS[parted])
    finally:
        csv.field_size_limit(limit)


def _decoded(source: Source) -> Iterator[str]:
    encoding = "utf-8-sig"
    while line := source.readline():
        # A byte that is no UTF-8 must not end the stream: its row is found out below.
        yield line.decode(encoding, "surrogateescape")
        encoding = "utf-8"


def _column_names(source: Source, reader: Iterator[list[str]]) -> list[str]:
    try:
        given = next(reader, None)
    except csv.Error as error:
        raise InputError(f"{source.name}, line 1: not CSV ({error}).") from None
    if given is None:
        return []
    known = [name.strip().lower() for name in given]
    names = [
        low if low in COMMENT_COLUMNS else name for name, low in zip(given, known, strict=True)
    ]
    if len(set(names)) < len(names):
        raise InputError(f"{source.name}, line 1: two columns have the same name.")
    if "text" not in names:
        raise InputError(
            f"{source.name}, line 1: no column is named text. In CSV the first line names the "
            "columns, parted by commas, semicolons or tabs; for JSON lines, say --in-format jsonl."
        )
    return names


def _csv_line(number: int, names: list[str], cells: list[str], parted: str) -> Line | Problem:
    if len(cells) != len(names):
        return Problem(
            number,
            f"{len(cells)} cells under {len(names)} columns; quote text that holds {parted}",
        )
    try:
        "".join(cells).encode()
    except UnicodeEncodeError:  # what could not be decoded cannot be encoded
        return Problem(number, "not UTF-8")
    return Line(number, dict(zip(names, cells, strict=True)), sum(map(len, cells)))


# --- Parquet ----------------------------------------------------------------------


def _parquet_rows(source: Source) -> Iterator[Line | Problem]:
    from spamguard.corpus.parquet import Rows

    rows = Rows(source.seekable(), source.name)
    if "text" not in rows.schema.names:
        raise InputError(f"{source.name}: no column is named text; rename the one with comments.")
    source.schema = rows.schema
    for number, fields in enumerate(rows, 1):
        yield Line(number, fields, sum(len(v) for v in fields.values() if isinstance(v, str)))


# --- fields -> comment ------------------------------------------------------------


def comment_of(fields: dict[str, Any], post: Post | None) -> Comment:
    """Return the comment in `fields`, under its own post or else under `post`.

    Raises
    ------
    InputError
        If there is no text, or a field holds something else than text.
    """
    if fields.get("text") is None:
        raise InputError("there is no text; the field with the comment must be called text")
    # In CSV an empty cell is a missing value.
    author, address, date = (fields.get(name) or None for name in ("author", "author_url", "date"))
    if isinstance(date, day) and not isinstance(date, datetime):
        date = date.isoformat()
    return Comment(fields["text"], author, address, date, _own_post(fields) or post)


def _own_post(fields: dict[str, Any]) -> Post | None:
    nested = fields.get("post")
    # Only an object is a post: a bare number or word is somebody's key for one.
    own = nested if isinstance(nested, dict) else {}
    values = [fields.get(flat) or own.get(name) or None for name, flat in _POST_FIELDS]
    title, text, url, author = values
    date, thread = own.get("date") or None, own.get("thread") or ()
    beside = fields.get("post_thread")
    if beside and not isinstance(beside, str):  # a CSV cell holds no list
        thread = beside
    if not (any(values) or thread):
        return None
    if date or thread or not all(value is None or isinstance(value, str) for value in values):
        return Post(title, text, url, author, date, thread)
    if sum(len(value or "") for value in values) > _LONG_POST:
        return Post(title, text, url, author)
    return _post(title, text, url, author)


_POST_FIELDS: Final = tuple((name, f"post_{name}") for name in ("title", "text", "url", "author"))
_LONG_POST: Final = 50_000


@lru_cache(maxsize=256)
def _post(title: str | None, text: str | None, url: str | None, author: str | None) -> Post:
    """Return the post; comments on one stand together more often than not."""
    return Post(title, text, url, author)
