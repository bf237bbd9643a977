"""Labelled comments in and out as a DataFrame, and the catalogue of known sets.

A corpus is a DataFrame with one row a comment and the columns `COLUMNS`. It
comes from one of three places: a file of your own (`read_corpus`), the sample
that ships with spamguard (`load_sample`), or the larger sets that the cards in
``datasets/cards`` describe (`load_datasets`). The larger sets do not ship,
because their comments belong to the people who wrote them; name the directory
that holds them with an argument or with ``SPAMGUARD_DATASETS``.

What is missing is ``None``, never NaN and never a word such as "nan".

Examples
--------
>>> import pandas as pd
>>> from spamguard.corpus import check_corpus, comments_of
>>> frame = check_corpus(pd.DataFrame({"text": ["Which oven was it?"], "label": [0]}))
>>> frame["label"].tolist(), frame["author"].tolist()
(['ham'], [None])
>>> comments_of(frame)[0].text
'Which oven was it?'
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import itertools
import json
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from numbers import Integral
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd

from spamguard.comment import Comment, Post
from spamguard.corpus.copies import _SURROGATE, duplicate_groups
from spamguard.corpus.separators import SEPARATORS, UTF_16, separator
from spamguard.errors import CorpusError, InputError

__all__ = [
    "COLUMNS",
    "check_corpus",
    "comments_of",
    "json_line",
    "read_corpus",
    "replacing",
    "texts_sha256",
    "write_corpus",
]

COLUMNS = (
    *("dataset", "blog", "comment_id", "post_id", "text", "author", "author_url", "date", "label"),
    *("post_title", "post_text", "post_group", "duplicate_group"),
    *("split", "kind", "post_url", "post_author", "label_by"),
)
"""The columns of a corpus, in order; `label_by` is whose word a label is, as importers know it."""

MAX_LINE = 50_000_000
"""Bytes in a line of a file; a longer one is refused before it fills the memory."""

MAX_THREAD = 50
"""Earlier comments that `comments_of` hands on with a post: the latest ones."""

_DERIVED = ("post_group", "duplicate_group")  # worked out here, so never read or written
_STORED = tuple(name for name in COLUMNS if name not in _DERIVED)
_OWN_BLOG = "own"  # stands in where a file of one's own names no blog
_Columns = dict[str, list[Any]]
_Place = Callable[[int], str]  # row number -> where to look, for messages


# --- lines and rows -------------------------------------------------------------


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    number = 0
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            while line := file.readline(MAX_LINE + 1):
                number += 1
                if len(line) > MAX_LINE:
                    raise CorpusError(
                        f"{path}, line {number}: longer than {MAX_LINE:,} bytes; split it up."
                    )
                yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
    except FileNotFoundError:
        raise CorpusError(f"{path} does not exist; check the path.") from None
    except UnicodeDecodeError:
        # The original exception carries the text, so it is not handed on.
        raise CorpusError(f"{path}, line {number}: not UTF-8; save the file as UTF-8.") from None
    except (OSError, EOFError, zlib.error) as error:
        raise CorpusError(
            f"{path} cannot be read after line {number} ({type(error).__name__}): "
            "is it whole, and a file that you may open?"
        ) from None


def _json_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in _lines(path):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict):
            raise CorpusError(f"{path}, line {number}: not a JSON object; write one on each line.")
        yield number, row


def _csv_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    limit = csv.field_size_limit(MAX_LINE)  # the default refuses comments over 128 kB
    try:
        lines = (line for _, line in _lines(path))
        header = next(lines, "")
        parted = separator(header)
        reader = csv.reader(itertools.chain([header], lines), delimiter=parted, strict=True)
        names = [name.strip().lower() for name in next(reader, [])]
        if len(set(names)) < len(names):
            raise CorpusError(f"{path}, line 1: two columns have the same name.")
        for cells in reader:
            if cells and len(cells) != len(names):
                raise CorpusError(
                    f"{path}, line {reader.line_num}: {len(cells)} cells under {len(names)} "
                    f"columns; put quotes around text that holds {SEPARATORS[parted]}."
                )
            if cells:
                # An empty cell cannot say whether it is empty or missing; only text may be empty.
                row = zip(names, cells, strict=True)
                yield reader.line_num, {k: v if v or k == "text" else None for k, v in row}
    except csv.Error as error:
        raise CorpusError(f"{path}, line {reader.line_num}: not CSV ({error}).") from None
    finally:
        csv.field_size_limit(limit)


def _parquet_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    from spamguard.corpus.parquet import Rows

    try:
        with path.open("rb") as file:
            for number, row in enumerate(Rows(file, str(path)), 1):
                yield number, {name: row[name] for name in row if name in _STORED}
    except InputError as error:
        raise CorpusError(str(error)) from None
    except OSError as error:
        raise CorpusError(f"{path} cannot be read ({type(error).__name__}).") from None


def _columns(rows: Sequence[Mapping[str, Any]]) -> _Columns:
    # Rows under one post share one string: a long post is kept in memory once.
    pool: dict[str, str] = {}

    def shared(value: Any) -> Any:
        return pool.setdefault(value, value) if isinstance(value, str) else value

    columns: _Columns = {n: [row.get(n) for row in rows] for n in _STORED}
    for name in ("post_title", "post_text", "blog"):
        columns[name] = [shared(value) for value in columns[name]]
    return columns


# --- checking -------------------------------------------------------------------

_LABELS = {"ham": "ham", "0": "ham", "false": "ham", "spam": "spam", "1": "spam", "true": "spam"}
_IDS = ("comment_id", "post_id", "dataset", "blog", "author")  # a bare number is a fine name


def _missing(value: Any) -> bool:
    if isinstance(value, float | np.floating):
        return bool(np.isnan(value))
    return value is None or value is pd.NA or value is pd.NaT


def _label(value: Any) -> str:
    if isinstance(value, float | np.floating) and value in (0, 1):
        value = int(value)  # pandas makes floats of integers as soon as one is missing
    found = _LABELS.get(str(value).strip().lower())
    if found is None:
        raise CorpusError("label must be ham or spam (or 0 and 1, or False and True).")
    return found


def _value(name: str, value: Any) -> str | None:
    if _missing(value):
        if name == "text":
            raise CorpusError("text is missing; an empty comment is an empty string.")
        return None
    if name == "label":
        return _label(value)
    if isinstance(value, str):
        return str(value)
    if name in _IDS and isinstance(value, float) and value.is_integer():
        value = int(value)
    if name in _IDS and isinstance(value, Integral) and not isinstance(value, bool):
        return str(value)
    if name == "date" and isinstance(value, date):
        return value.isoformat()
    raise CorpusError(f"{name} must be a string, not {type(value).__name__}.")


def _checked(columns: Mapping[str, Sequence[Any]], place: _Place, labelled: bool) -> _Columns:
    rows = len(columns["text"])
    result: _Columns = {}
    for name in _STORED:
        kept = result[name] = []
        for row, value in enumerate(columns.get(name, [None] * rows)):
            try:
                kept.append(_value(name, value))
            except CorpusError as error:
                raise CorpusError(f"{place(row)}: {error}") from None
            if labelled and name == "label" and kept[-1] is None:
                raise CorpusError(f"{place(row)}: label is missing; say ham or spam.")
    pairs = zip(result["blog"], result["dataset"], strict=True)
    result["blog"] = [blog or dataset or _OWN_BLOG for blog, dataset in pairs]
    return result


def _checked_frame(df: pd.DataFrame, labelled: bool = False) -> _Columns:
    if not df.columns.is_unique:
        raise CorpusError("two columns have the same name; drop one.")
    if "text" not in df.columns:
        raise CorpusError("there is no column named text; rename the one with the comments.")
    known = {name: df[name].tolist() for name in _STORED if name in df.columns}
    return _checked(known, lambda row: f"row {row}", labelled)


def _frame(columns: _Columns, index: Any = None) -> pd.DataFrame:
    """Build the corpus, with the groups that must not be torn apart by a split."""
    duplicates = columns.get("duplicate_group")
    if duplicates is None:
        duplicates = duplicate_groups(columns["text"]).tolist()
    # A comment without a post is its own post, together with its copies.
    rows = zip(columns["blog"], columns["post_id"], duplicates, strict=True)
    groups = [f"{blog}/?{copy}" if post is None else f"{blog}/{post}" for blog, post, copy in rows]
    given = columns.get("post_group", [None] * len(groups))
    columns = columns | {
        "post_group": [g if _missing(old) else old for old, g in zip(given, groups, strict=True)]
    }
    frame = pd.DataFrame(columns, columns=list(COLUMNS), index=index, dtype=object)
    frame["duplicate_group"] = np.asarray(duplicates, dtype=np.int64)
    return frame


def check_corpus(df: pd.DataFrame, labelled: bool = False) -> pd.DataFrame:
    """Return `df` as a corpus: all of `COLUMNS`, checked, missing values as ``None``.

    Labels may be ham and spam, 0 and 1, or False and True. `blog` falls back to
    `dataset`. Groups that are already there are kept; after concatenating
    frames, drop ``duplicate_group`` first, so that copies across them are found.
    Other columns are kept behind the known ones, and so is the index.

    Parameters
    ----------
    df : DataFrame
        Comments, with at least the column ``text``.
    labelled : bool
        Also refuse rows that have no label.

    Returns
    -------
    DataFrame
        A copy.

    Raises
    ------
    CorpusError
        If there is no text, a label is unknown or a value has the wrong type.
    """
    columns = _checked_frame(df, labelled)
    if "post_group" in df.columns:
        columns["post_group"] = df["post_group"].tolist()
    if "duplicate_group" in df.columns and not df["duplicate_group"].isna().any():
        if not pd.api.types.is_integer_dtype(df["duplicate_group"].infer_objects()):
            raise CorpusError("duplicate_group must hold whole numbers; or drop the column.")
        columns["duplicate_group"] = df["duplicate_group"].tolist()
    frame = _frame(columns, df.index)
    others = [name for name in df.columns if name not in COLUMNS]
    return pd.concat([frame, df[others]], axis=1) if others else frame


def texts_sha256(df: pd.DataFrame) -> str:
    """Return the hash of a corpus's texts in their order, by which a model knows it again.

    Parameters
    ----------
    df : DataFrame
        With a column ``text``.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    return hashlib.sha256("\0".join(df["text"].tolist()).encode("utf-8", "replace")).hexdigest()


# --- reading and writing --------------------------------------------------------


def _format(path: Path, or_else: str = "") -> str:
    for ending in (".jsonl.gz", ".jsonl", ".csv"):
        if path.name.endswith(ending):
            return ending
    raise CorpusError(f"{path}: the name must end in .jsonl, .jsonl.gz or .csv{or_else}.")


def read_corpus(path: str | os.PathLike[str], labelled: bool = False) -> pd.DataFrame:
    """Read comments from a ``.jsonl``, ``.jsonl.gz``, ``.csv`` or ``.parquet`` file.

    Only the column ``text`` is needed; those of `COLUMNS` are read, others are
    passed over. In CSV the first line names the columns, commas, semicolons or
    tabs part them, and an empty cell means a missing value. Parquet needs
    pyarrow (``pip install 'spamguard[analysis]'``).

    Parameters
    ----------
    path : path-like
        The file; text is in UTF-8.
    labelled : bool
        Also refuse rows that have no label.

    Returns
    -------
    DataFrame
        A corpus, as from `check_corpus`.

    Raises
    ------
    CorpusError
        Names the file and the line; never repeats what the line says.
    """
    path = Path(path)
    if not path.exists():
        raise CorpusError(f"{path} does not exist.")
    if path.name.endswith(".parquet"):
        read = _parquet_rows
    else:
        read = _csv_rows if _format(path, " or .parquet") == ".csv" else _json_rows
        with path.open("rb") as file:
            if file.read(2).startswith(UTF_16):
                raise CorpusError(f"{path} is UTF-16; save it as UTF-8, in Excel as CSV UTF-8.")
    numbers, rows = [], []
    for number, row in read(path):
        if "text" not in row:
            raise CorpusError(
                f"{path}, line {number}: there is no text. Call the field with the comment "
                '"text"; in CSV, name the columns in the first line, parted by commas, semicolons or tabs.'
            )
        numbers.append(number)
        rows.append(row)
    if not rows:
        raise CorpusError(f"{path} holds no comments.")
    return _frame(_checked(_columns(rows), lambda i: f"{path}, line {numbers[i]}", labelled))


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a new file that takes the place of `path` once it is whole, or never."""
    path = path.resolve()  # a symbolic link keeps pointing where it did
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    except OSError as error:
        raise CorpusError(f"{path.parent} cannot be written to ({type(error).__name__}).") from None
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, name)  # a new file is its owner's alone: it names people
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def json_line(row: Mapping[str, Any]) -> str:
    """Return a row as a line of JSON."""
    line = json.dumps(row, ensure_ascii=False) + "\n"
    # A lone surrogate has no UTF-8; escaped, it survives.
    return line if line.isascii() or not _SURROGATE.search(line) else json.dumps(row) + "\n"


def write_corpus(df: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write a corpus to a ``.jsonl``, ``.jsonl.gz`` or ``.csv`` file.

    The file appears whole or not at all, and the same frame gives the same
    bytes. Groups are not written: `read_corpus` works them out again.

    Parameters
    ----------
    df : DataFrame
        Comments, as for `check_corpus`.
    path : path-like
        Where to; a file that is there is replaced.

    Raises
    ------
    CorpusError
        If the frame is no corpus, the name ends otherwise or the directory
        cannot be written to.
    """
    path = Path(path)
    ending = _format(path)
    columns = _checked_frame(df)
    names = [n for n in _STORED if n == "text" or any(v is not None for v in columns[n])]
    rows = zip(*(columns[name] for name in names), strict=True)
    with replacing(path) as file:
        if ending == ".csv":
            _write_csv(file, names, rows)
        elif ending == ".jsonl":
            file.writelines(json_line(dict(zip(names, r, strict=True))).encode() for r in rows)
        else:
            # Neither the name nor the time goes into the header, so equal rows give equal bytes.
            with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed:
                for row in rows:
                    packed.write(json_line(dict(zip(names, row, strict=True))).encode())


def _write_csv(file: IO[bytes], names: list[str], rows: Iterable[tuple[Any, ...]]) -> None:
    wrapped = io.TextIOWrapper(file, encoding="utf-8", newline="")
    # Everything is quoted: a lone carriage return is not, by default, and would end the row.
    writer = csv.writer(wrapped, quoting=csv.QUOTE_ALL, lineterminator="\n")
    try:
        writer.writerow(names)
        writer.writerows(rows)
        wrapped.flush()
    except UnicodeEncodeError:
        raise CorpusError("a comment holds half a character; CSV cannot, .jsonl can.") from None
    finally:
        with suppress(UnicodeEncodeError):
            wrapped.detach()


# --- rows to comments -----------------------------------------------------------


def _threads(columns: _Columns, order: Iterable[int]) -> list[tuple[str, ...]]:
    said: dict[tuple[str, str], list[str]] = {}
    threads: list[tuple[str, ...]] = [()] * len(columns["text"])
    for row in order:
        if columns["post_id"][row] is not None:
            earlier = said.setdefault((columns["blog"][row], columns["post_id"][row]), [])
            threads[row] = tuple(earlier[-MAX_THREAD:])
            earlier.append(columns["text"][row])
    return threads


def comments_of(df: pd.DataFrame, thread: bool = False) -> list[Comment]:
    """Turn the rows of a corpus into comments, each with its post.

    Parameters
    ----------
    df : DataFrame
        Comments, as for `check_corpus`.
    thread : bool
        Also give each post the comments that came before, at most 50 and
        whatever their label: in the order of the column ``order`` where there
        is one, else in the frame's.

    Returns
    -------
    list of Comment
        One a row. Without `thread`, rows under one post share one `Post`; a row
        that knows nothing of its post has none.

    Raises
    ------
    CorpusError
        If there is no text or a value has the wrong type.
    """
    columns = _checked_frame(df)
    rows: Iterable[int] = range(len(df))
    if thread and "order" in df.columns:
        rows = np.argsort(df["order"].to_numpy(), kind="stable").tolist()
    threads = _threads(columns, rows) if thread else [()] * len(df)
    posts: dict[tuple[Any, ...], Post | None] = {(None, None, None, None, ()): None}
    comments = []
    for row, earlier in enumerate(threads):
        title, text, url, author = (
            columns[f"post_{name}"][row] for name in ("title", "text", "url", "author")
        )
        key = (title, text, url, author, earlier)
        if key not in posts:
            posts[key] = Post(title, text, url, author, thread=earlier)
        body, name, link, sent = (columns[n][row] for n in ("text", "author", "author_url", "date"))
        comments.append(Comment(body, name, link, sent, posts[key]))
    return comments
