"""A corpus as a pandas DataFrame: one labelled comment a row, with the columns `COLUMNS`.

Read one from your own file (`read_corpus`), or load the shipped sample (`load_sample`)
or the larger sets (`load_datasets`). A missing value is ``None``, never NaN.

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

import hashlib
import os
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from spamguard.comment import Comment, Post
from spamguard.corpus.copies import duplicate_groups
from spamguard.corpus.frames import missing
from spamguard.corpus.readers import ENDINGS, fields_of_file
from spamguard.corpus.validation import COLUMNS, STORED, Columns, checked_columns, columns_of
from spamguard.corpus.writers import csv_row, json_row, open_corpus
from spamguard.errors import CorpusError

__all__ = [
    "check_corpus",
    "comments_of",
    "read_corpus",
    "texts_sha256",
    "write_corpus",
]

MAX_THREAD: Final = 50
"""Earlier comments that `comments_of` gives a post: the latest ones."""


# --- checking -------------------------------------------------------------------


def _checked_frame(df: pd.DataFrame, labelled: bool = False) -> Columns:
    if not df.columns.is_unique:
        raise CorpusError("two columns have the same name; drop one.")
    if "text" not in df.columns:
        raise CorpusError("there is no column named text; rename the one with the comments.")
    known = {name: df[name].tolist() for name in STORED if name in df.columns}
    return checked_columns(known, lambda row: f"row {row}", labelled)


def corpus_frame(columns: Columns, index: Any = None) -> pd.DataFrame:
    """Build a corpus from checked columns, and add the groups that a split keeps together."""
    duplicates = columns.get("duplicate_group")
    if duplicates is None:
        duplicates = duplicate_groups(columns["text"]).tolist()
    # A comment without a post is its own post, together with its copies.
    rows = zip(columns["blog"], columns["post_id"], duplicates, strict=True)
    groups = [f"{blog}/?{copy}" if post is None else f"{blog}/{post}" for blog, post, copy in rows]
    given = columns.get("post_group", [None] * len(groups))
    columns = columns | {
        "post_group": [g if missing(old) else old for old, g in zip(given, groups, strict=True)]
    }
    frame = pd.DataFrame(columns, columns=list(COLUMNS), index=index, dtype=object)
    frame["duplicate_group"] = np.asarray(duplicates, dtype=np.int64)
    return frame


def check_corpus(df: pd.DataFrame, labelled: bool = False) -> pd.DataFrame:
    """Return `df` as a corpus: all of `COLUMNS`, checked, with missing values as ``None``.

    Labels may be ham and spam, 0 and 1, or False and True. A missing `blog` is the
    `dataset`. Groups in `df` are kept; after concatenating frames, drop
    ``duplicate_group`` first, so that copies across them are found. Other columns and
    the index are kept. The result is a copy.

    Parameters
    ----------
    df : DataFrame
        Comments, with at least the column ``text``.
    labelled : bool
        Also refuse rows without a label.

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
    frame = corpus_frame(columns, df.index)
    others = [name for name in df.columns if name not in COLUMNS]
    return pd.concat([frame, df[others]], axis=1) if others else frame


def texts_sha256(df: pd.DataFrame) -> str:
    """Return the SHA-256 of a corpus's texts in order, by which a model recognises it."""
    return hashlib.sha256("\0".join(df["text"].tolist()).encode("utf-8", "replace")).hexdigest()


# --- reading and writing --------------------------------------------------------


def read_corpus(path: str | os.PathLike[str], labelled: bool = False) -> pd.DataFrame:
    """Read comments from a ``.jsonl``, ``.csv`` or ``.parquet`` file.

    JSON lines and CSV may be compressed (``.jsonl.gz``, ``.csv.gz``). Only the
    column ``text`` is needed; columns besides `COLUMNS` are ignored. CSV needs a
    header, is separated by commas, semicolons or tabs, and an empty cell is a missing
    value. Parquet needs pyarrow (``pip install 'spamguard[analysis]'``).

    Parameters
    ----------
    path : path-like
        The file, in UTF-8.
    labelled : bool
        Also refuse rows without a label.

    Returns
    -------
    DataFrame
        A corpus, as from `check_corpus`.

    Raises
    ------
    CorpusError
        Names the file and the line, but not its content.
    """
    path = Path(path)
    if not path.exists():
        raise CorpusError(f"{path} does not exist.")
    form = ENDINGS.get(Path(path.name.removesuffix(".gz")).suffix.lower())
    if form is None:
        raise CorpusError(f"{path}: the name must end in .jsonl, .jsonl.gz, .csv or .parquet.")
    numbers, rows = [], []
    for number, fields in fields_of_file(path, STORED):
        if "text" not in fields:
            raise CorpusError(
                f"{path}, line {number}: there is no text; the field with the comment must be "
                'called "text".'
            )
        row = {name: value for name, value in fields.items() if name in STORED}
        if form == "csv":
            # An empty cell may be empty or missing; only a text can be empty.
            row = {name: value or (None if name != "text" else "") for name, value in row.items()}
        numbers.append(number)
        rows.append(row)
    if not rows:
        raise CorpusError(f"{path} holds no comments.")
    return corpus_frame(
        checked_columns(columns_of(rows), lambda i: f"{path}, line {numbers[i]}", labelled)
    )


def write_corpus(df: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write a corpus to a ``.jsonl``, ``.jsonl.gz`` or ``.csv`` file.

    The file appears whole or not at all, and equal frames give equal bytes.
    Groups are not written, because `read_corpus` computes them. An existing file is
    replaced.

    Raises
    ------
    CorpusError
        If the frame is no corpus, the file name has another ending or the directory
        cannot be written to.
    """
    path = Path(path)
    if not path.name.endswith((".jsonl", ".jsonl.gz", ".csv")):
        raise CorpusError(f"{path}: the name must end in .jsonl, .jsonl.gz or .csv.")
    if not os.access(path.resolve().parent, os.W_OK):
        raise CorpusError(f"{path.parent} cannot be written to; name another directory.")
    columns = _checked_frame(df)
    names = [n for n in STORED if n == "text" or any(v is not None for v in columns[n])]
    rows = zip(*(columns[name] for name in names), strict=True)
    with open_corpus(path) as file:
        if path.name.endswith(".csv"):
            try:
                file.writelines(csv_row(row, errors="strict") for row in chain([names], rows))
            except UnicodeEncodeError:
                raise CorpusError(
                    "a comment holds half a character, which CSV cannot; name a .jsonl file."
                ) from None
        else:
            file.writelines(json_row(dict(zip(names, row, strict=True))) for row in rows)


# --- rows to comments -----------------------------------------------------------


def _threads(columns: Columns, order: Iterable[int]) -> list[tuple[str, ...]]:
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
        Also give each post the earlier comments, at most 50 and with any label: in
        the order of the column ``order`` if there is one, else of the frame.

    Returns
    -------
    list of Comment
        One per row. Without `thread`, rows with equal posts share one `Post`.

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
