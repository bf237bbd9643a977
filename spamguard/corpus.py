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
import difflib
import gzip
import hashlib
import html
import io
import itertools
import json
import os
import re
import shutil
import tempfile
import tomllib
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from datetime import date
from numbers import Integral
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spamguard.comment import Comment, Post
from spamguard.errors import CorpusError, InputError
from spamguard.separators import SEPARATORS, UTF_16, separator

__all__ = [
    "COLUMNS",
    "Card",
    "catalogue",
    "check_corpus",
    "comments_of",
    "datasets_dir",
    "duplicate_groups",
    "load_dataset",
    "load_datasets",
    "load_sample",
    "near_duplicates",
    "read_corpus",
    "texts_sha256",
    "write_corpus",
]

COLUMNS = (
    *("dataset", "blog", "comment_id", "post_id", "text", "author", "author_url", "date", "label"),
    *("post_title", "post_text", "post_group", "duplicate_group"),
    *("split", "kind", "post_url", "post_author", "label_by"),
)
"""The columns of a corpus, in order; `label_by` is whose word a label is, as importers know it."""

DATASETS_VARIABLE = "SPAMGUARD_DATASETS"
"""Environment variable that names the directory of the larger sets."""

MAX_LINE = 50_000_000
"""Bytes in a line of a file; a longer one is refused before it fills the memory."""

MAX_THREAD = 50
"""Earlier comments that `comments_of` hands on with a post: the latest ones."""

_DERIVED = ("post_group", "duplicate_group")  # worked out here, so never read or written
_STORED = tuple(name for name in COLUMNS if name not in _DERIVED)
_OWN_BLOG = "own"  # stands in where a file of one's own names no blog
_Columns = dict[str, list[Any]]
_Place = Callable[[int], str]  # row number -> where to look, for messages


# --- the catalogue --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Card:
    """What is known of a set of labelled comments.

    Parameters
    ----------
    name, kind : str
        The set, and what sort it is (``moderated-blog``, ``published-comments`` ...).
    source, commit : str
        Where it came from; the commit is empty where none is known.
    sha256_comments, sha256_posts : str
        Identity of its two files.
    licence : str
        What the source states, which seldom covers its visitors' words.
    languages : tuple of str
        ISO 639-1 codes, the commonest first.
    years : str
        First and last year of the comments; empty where they carry no date.
    spam, ham, posts : int
        Rows by label, and posts.
    author_share, author_url_share : float
        Share of comments that carry the field, 0 to 1.
    labelled, faults : str
        How the labels came about, and what to beware of.
    group : str
        Sets with the same group come from one blog: hold them out together.
    use : str
        ``train``, or ``panel`` for sets that only measure.
    """

    name: str
    kind: str
    source: str
    commit: str
    sha256_comments: str
    sha256_posts: str
    licence: str
    languages: tuple[str, ...]
    years: str
    spam: int
    ham: int
    posts: int
    author_share: float
    author_url_share: float
    labelled: str
    faults: str
    group: str
    use: str


def _bundled(name: str) -> Path:
    # A wheel carries datasets/ inside the package, a source tree beside it.
    package = Path(__file__).resolve().parent
    places = [package / "datasets" / name, package.parent / "datasets" / name]
    for place in places:
        if place.exists():
            return place
    raise CorpusError(f"datasets/{name} is missing from this installation; install spamguard anew.")


def _read_card(path: Path) -> Card:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        table["languages"] = tuple(table["languages"])
        card = Card(**table)
    except (OSError, ValueError, KeyError, TypeError) as error:
        needed = ", ".join(f.name for f in fields(Card))
        raise CorpusError(
            f"{path} is not a card ({type(error).__name__}). It needs exactly: {needed}."
        ) from error
    if card.name != path.stem:
        raise CorpusError(f"{path} is the card of another set; its name must be the file's.")
    return card


def catalogue() -> dict[str, Card]:
    """Return the cards of all known sets by name, in alphabetical order.

    Returns
    -------
    dict of str to Card
        The sets themselves need not be here.

    Raises
    ------
    CorpusError
        If a card cannot be read.

    Examples
    --------
    >>> from spamguard.corpus import catalogue
    >>> catalogue()["youtube-tubespam"].spam
    1005
    """
    return {path.stem: _read_card(path) for path in sorted(_bundled("cards").glob("*.toml"))}


def datasets_dir(path: str | os.PathLike[str] | None = None) -> Path:
    """Return the directory of the larger sets: `path`, else ``SPAMGUARD_DATASETS``.

    Parameters
    ----------
    path : str or path, optional
        Goes before the environment variable.

    Returns
    -------
    Path
        A directory that exists.

    Raises
    ------
    CorpusError
        If neither is given, or what is given is not a directory.
    """
    named = path if path is not None else os.environ.get(DATASETS_VARIABLE)
    if not named:
        raise CorpusError(
            "The labelled sets do not ship with spamguard. Name the directory that holds them: "
            f"pass directory= (--datasets on the command line) or set {DATASETS_VARIABLE}. "
            "Without them, load_sample() has a few hundred comments to try things on."
        )
    if not Path(named).is_dir():
        source = "the path given" if path is not None else DATASETS_VARIABLE
        raise CorpusError(f"{named} (from {source}) is not a directory; name one that exists.")
    return Path(named)


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
    from spamguard.parquet import Rows

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
    pyarrow (``pip install 'spamguard[parquet]'``).

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


# --- the sets -------------------------------------------------------------------


def _joined(comments: Path, posts: Path) -> tuple[list[dict[str, Any]], list[int]]:
    """Read comments, each with its post beside it, and their line numbers."""
    by_id = {post.get("post_id"): post for _, post in _json_rows(posts)}
    rows, numbers = [], []
    for number, row in _json_rows(comments):
        post = by_id.get(row.get("post_id"), {})
        joined = {name: row.get(name) for name in _STORED}
        joined |= {f"post_{name}": post.get(name) for name in ("title", "text", "url", "author")}
        rows.append(joined)
        numbers.append(number)
    return rows, numbers


def _verify(path: Path, expected: str) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        raise CorpusError(f"{path} is missing; fetch the set again or leave it out.") from None
    if found != expected:
        raise CorpusError(
            f"{path} is not the file its card describes (sha256 {found[:12]}..., card "
            f"{expected[:12]}...). Fetch it again, or pass verify=False to use it as it is."
        )


def _read_set(card: Card, directory: Path, verify: bool) -> _Columns:
    folder = directory / card.name
    if not folder.is_dir():
        raise CorpusError(f"{card.name} is not in {directory}; name the directory that holds it.")
    comments, posts = folder / "comments.jsonl.gz", folder / "posts.jsonl.gz"
    if verify:
        _verify(comments, card.sha256_comments)
        _verify(posts, card.sha256_posts)
    rows, numbers = _joined(comments, posts)
    for row in rows:
        row |= {"dataset": card.name, "blog": card.group}
    return _checked(_columns(rows), lambda i: f"{comments}, line {numbers[i]}", labelled=True)


def _cards(names: Iterable[str]) -> list[Card]:
    if isinstance(names, str):
        raise CorpusError("names must be a list of names; for a single set call load_dataset.")
    known = catalogue()
    cards = []
    for name in dict.fromkeys(names):
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=3, cutoff=0.4)
            hint = f"did you mean {', '.join(near)}?" if near else "catalogue() lists all."
            raise CorpusError(f"There is no set named {name!r}; {hint}")
        cards.append(known[name])
    if not cards:
        raise CorpusError("No set was named; catalogue() lists all.")
    return cards


def load_datasets(
    names: Iterable[str],
    directory: str | os.PathLike[str] | None = None,
    verify: bool = True,
) -> pd.DataFrame:
    """Load sets of the catalogue as one corpus.

    Near-duplicates are looked for across all of them, so ``duplicate_group``
    is good for any split of the result.

    Parameters
    ----------
    names : iterable of str
        Sets, as in `catalogue`. One named twice is loaded once.
    directory : path-like or None
        Where they are; see `datasets_dir`.
    verify : bool
        Refuse files whose sha256 is not the card's.

    Returns
    -------
    DataFrame
        A corpus. ``blog`` is the card's `group`; rows keep their files' order.

    Raises
    ------
    CorpusError
        If a set is unknown, absent, altered or damaged.
    """
    cards = _cards(names)
    place = datasets_dir(directory)
    sets = [_read_set(card, place, verify) for card in cards]
    return _frame({n: list(itertools.chain(*(part[n] for part in sets))) for n in _STORED})


def load_dataset(
    name: str, directory: str | os.PathLike[str] | None = None, verify: bool = True
) -> pd.DataFrame:
    """Load one set of the catalogue; see `load_datasets`.

    Parameters
    ----------
    name : str
        Name of its card.
    directory : str or path, optional
        As for `datasets_dir`.
    verify : bool, default True
        Whether to check the files against the card's hashes.

    Returns
    -------
    DataFrame
        A corpus with all of `COLUMNS`.

    Raises
    ------
    CorpusError
        If there is no such set, or its files are missing or not those of the card.
    """
    return load_datasets([name], directory, verify)


def load_sample() -> pd.DataFrame:
    """Return the sample corpus, which was written for spamguard and ships with it.

    It has the same columns as any corpus; ``kind`` says what each comment is a
    specimen of, and ``blog`` is the host of its post. It is for trying things
    out: numbers measured on it mean nothing.

    Returns
    -------
    DataFrame, 360 rows
        The columns of `COLUMNS`, and ``kind``.
    """
    folder = _bundled("sample")
    comments = folder / "comments.jsonl"
    rows, numbers = _joined(comments, folder / "posts.jsonl")
    for row in rows:
        row["dataset"] = "sample"
        row["blog"] = row["blog"] or urlsplit(row["post_url"] or "").hostname
    return _frame(_checked(_columns(rows), lambda i: f"{comments}, line {numbers[i]}", True))


# --- near-duplicates ------------------------------------------------------------

# Campaigns are spun from templates and cross blogs: a copy on both sides of a split
# makes any model look better than it is. Copies are found by MinHash over runs of
# four words: 16 bands of 4 hashes propose pairs, and at least half of all 64 hashes
# must then agree, which says that about half of the runs are shared.
_PERMUTATIONS, _BANDS, _RUN = 64, 16, 4
_AGREEMENT = 0.5
_MIN_WORDS = 5  # shorter texts say too little: only equal ones are copies
_MAX_CHARACTERS = 200_000
_CHUNK = 400_000  # words signed at a time: bounds the memory

_SURROGATE = re.compile("[\ud800-\udfff]")
_DRESS = re.compile(r"<[^<>]{1,300}>|(?:https?://|www\.)\S+")
_DIGITS = re.compile(r"\d+")
# Chinese and Japanese put no spaces between words: there every sign counts as one.
_WORD = re.compile("[\u3040-\u30ff\u3400-\u9fff]|[^\\W\u3040-\u30ff\u3400-\u9fff]+")

# Constants that no version of a random generator can change.
_BYTES = hashlib.shake_128(b"spamguard").digest(8 * (2 * _PERMUTATIONS + _RUN))
_CONSTANTS = np.frombuffer(_BYTES, dtype="<u8").astype(np.uint64)
_SHIFTS = _CONSTANTS[:_PERMUTATIONS]
_MULTIPLIERS = _CONSTANTS[_PERMUTATIONS:] | np.uint64(1)  # odd, so that no bit is lost


def plain_words(text: str) -> list[str]:
    """Return the words by which copies are known: without case, markup, addresses, and numbers' values."""
    text = text[:_MAX_CHARACTERS]
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)  # styled letters are a campaign's usual dress
    if "&" in text:
        text = html.unescape(text)
    text = _DRESS.sub(" ", text).lower()
    return _WORD.findall(_DIGITS.sub("0", text))


def _sign(texts: list[NDArray[np.uint64]]) -> NDArray[np.uint32]:
    """MinHash signatures of texts that are given as one hash a word."""
    runs = np.array([len(text) - _RUN + 1 for text in texts])
    words = np.concatenate(texts)
    total = len(words) - _RUN + 1
    run = np.zeros(total, dtype=np.uint64)
    for offset in range(_RUN):
        run += words[offset : offset + total] * _MULTIPLIERS[_PERMUTATIONS + offset]
        run ^= run >> np.uint64(31)
    # Runs that begin in one text and end in the next are no one's.
    ends = np.cumsum([len(text) for text in texts])
    own = np.ones(total, dtype=bool)
    for back in range(1, _RUN):
        own[(ends[:-1] - back)] = False
    run = run[own]
    starts = np.concatenate([[0], np.cumsum(runs)[:-1]])
    signatures = np.empty((len(texts), _PERMUTATIONS), dtype=np.uint32)
    for k in range(_PERMUTATIONS):
        hashed = (run * _MULTIPLIERS[k] + _SHIFTS[k]) >> np.uint64(32)
        signatures[:, k] = np.minimum.reduceat(hashed, starts)
    return signatures


def _similar_pairs(signatures: NDArray[np.uint32]) -> Iterator[tuple[int, int]]:
    width = _PERMUTATIONS // _BANDS
    for band in range(0, _PERMUTATIONS, width):
        part = signatures[:, band : band + width].astype(np.uint64)
        keys = (part * _MULTIPLIERS[:width]).sum(axis=1, dtype=np.uint64)
        order = np.argsort(keys, kind="stable")
        ordered = keys[order]
        begins = np.concatenate([[True], ordered[1:] != ordered[:-1]])
        # Each is held against the first of its bucket, which keeps large buckets cheap.
        firsts = order[np.flatnonzero(begins)[np.cumsum(begins) - 1]]
        firsts, others = firsts[~begins], order[~begins]
        alike = (signatures[firsts] == signatures[others]).mean(axis=1) >= _AGREEMENT
        yield from zip(firsts[alike].tolist(), others[alike].tolist(), strict=True)


def _root(parents: list[int], row: int) -> int:
    while parents[row] != row:
        parents[row] = parents[parents[row]]
        row = parents[row]
    return row


def duplicate_groups(texts: Iterable[str]) -> NDArray[np.int64]:
    """Number the groups of texts that say nearly the same.

    Case, markup, addresses and the value of numbers do not count. Texts of fewer
    than five words are copies only when they are equal. Likeness carries on: two
    texts that are both like a third are in one group.

    Parameters
    ----------
    texts : iterable of str
        Comments, as they came.

    Returns
    -------
    ndarray of int64
        A group for each text, numbered from 0 by first appearance. The same
        texts in the same order always give the same numbers.

    Examples
    --------
    >>> from spamguard.corpus import duplicate_groups
    >>> duplicate_groups(["Thanks!", "Which flour?", "<p>thanks</p>"]).tolist()
    [0, 1, 0]
    """
    first: dict[bytes, int] = {}
    parents: list[int] = []
    signed: list[int] = []
    signatures = [np.empty((0, _PERMUTATIONS), dtype=np.uint32)]
    chunk: list[NDArray[np.uint64]] = []
    size = 0
    for row, text in enumerate(texts):
        words = plain_words(text)
        # What has no words at all (an address, an emoji) is compared as it stands.
        raw = (" ".join(words) or f"\0{text.strip()}").encode("utf-8", "surrogatepass")
        parents.append(first.setdefault(hashlib.blake2b(raw, digest_size=16).digest(), row))
        if parents[row] == row and len(words) >= _MIN_WORDS:
            codes = [zlib.crc32(word.encode("utf-8", "surrogatepass")) for word in words]
            chunk.append(np.array(codes, dtype=np.uint64))
            signed.append(row)
            size += len(words)
        if size >= _CHUNK:
            signatures.append(_sign(chunk))
            chunk, size = [], 0
    if chunk:
        signatures.append(_sign(chunk))
    if signed:
        for a, b in _similar_pairs(np.concatenate(signatures)):
            one, other = sorted((_root(parents, signed[a]), _root(parents, signed[b])))
            parents[other] = one
    roots = [_root(parents, row) for row in range(len(parents))]
    number = {root: n for n, root in enumerate(dict.fromkeys(roots))}
    return np.array([number[root] for root in roots], dtype=np.int64)


def near_duplicates(test_texts: Iterable[str], train_texts: Iterable[str]) -> NDArray[np.bool_]:
    """Mark the test texts that have a near-duplicate among the training texts.

    A test text whose copy, also in the test, has one is marked as well. For many
    splits of one corpus, compare its ``duplicate_group`` instead: it costs nothing.

    Parameters
    ----------
    test_texts, train_texts : iterable of str
        Bodies of comments, in any order.

    Returns
    -------
    ndarray of bool
        One a test text.
    """
    tests = list(test_texts)
    groups = duplicate_groups(itertools.chain(tests, train_texts))
    return np.isin(groups[: len(tests)], groups[len(tests) :])


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
