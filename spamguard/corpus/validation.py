"""The columns of a corpus and their checks, without pandas."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from numbers import Integral
from typing import Any, Final

import numpy as np

from spamguard.corpus.frames import missing
from spamguard.errors import CorpusError

COLUMNS: Final = (
    *("dataset", "blog", "comment_id", "post_id", "text", "author", "author_url", "date", "label"),
    *("post_title", "post_text", "post_group", "duplicate_group"),
    *("split", "kind", "post_url", "post_author", "label_by"),
)
"""The columns of a corpus, in order; `label_by` is the importers' source of the label."""

STORED: Final = tuple(name for name in COLUMNS if name not in ("post_group", "duplicate_group"))
"""The columns that are stored; the groups are always computed."""

Columns = dict[str, list[Any]]
Place = Callable[[int], str]
"""Maps a row's position to its place in the source, for error messages."""

_LABELS: Final = {
    "ham": "ham", "0": "ham", "false": "ham", "spam": "spam", "1": "spam", "true": "spam",
}  # fmt: skip
_IDS: Final = ("comment_id", "post_id", "dataset", "blog", "author")  # may be bare numbers
_OWN_BLOG: Final = "own"  # where a file names no blog


def columns_of(rows: Sequence[Mapping[str, Any]]) -> Columns:
    """Turn rows into columns; equal posts share one string to save memory."""
    pool: dict[str, str] = {}

    def shared(value: Any) -> Any:
        return pool.setdefault(value, value) if isinstance(value, str) else value

    columns: Columns = {name: [row.get(name) for row in rows] for name in STORED}
    for name in ("post_title", "post_text", "blog"):
        columns[name] = [shared(value) for value in columns[name]]
    return columns


def checked_columns(columns: Mapping[str, Sequence[Any]], place: Place, labelled: bool) -> Columns:
    """Return the columns `STORED`, checked, with missing values as None."""
    rows = len(columns["text"])
    result: Columns = {}
    for name in STORED:
        kept = result[name] = []
        for row, value in enumerate(columns.get(name, [None] * rows)):
            try:
                kept.append(_value(name, value))
            except CorpusError as error:
                raise CorpusError(f"{place(row)}: {error}") from None
            if labelled and name == "label" and kept[-1] is None:
                raise CorpusError(f"{place(row)}: label is missing; it must be ham or spam.")
    pairs = zip(result["blog"], result["dataset"], strict=True)
    result["blog"] = [blog or dataset or _OWN_BLOG for blog, dataset in pairs]
    return result


def _value(name: str, value: Any) -> str | None:
    if missing(value):
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


def _label(value: Any) -> str:
    if isinstance(value, float | np.floating) and value in (0, 1):
        value = int(value)  # pandas makes floats of integers as soon as one is missing
    found = _LABELS.get(str(value).strip().lower())
    if found is None:
        raise CorpusError("label must be ham or spam (or 0 and 1, or False and True).")
    return found
