"""Rows of a DataFrame as comments; a missing value is absent, never the word "nan".

pandas frames are read directly, Polars and Arrow tables through narwhals. None of
these packages is imported here.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from datetime import date, datetime
from typing import Any, Final

import numpy as np

from spamguard.comment import Comment, Post
from spamguard.errors import InputError
from spamguard.loading import optional

_COMMENT: Final = ("text", "author", "author_url", "date")
_POST: Final = ("post_title", "post_text", "post_url", "post_author")
COMMENT_COLUMNS: Final = (*_COMMENT, *_POST)
"""Columns that are read; all but ``text`` are optional."""
_LIKE_TEXT: Final = ("text", "comment", "content", "body", "message", "comment_content")


def is_frame(data: object) -> bool:
    """True if `data` looks like a pandas DataFrame."""
    # Ask the type: a lazy frame computes its columns, and warns.
    return hasattr(type(data), "columns") and hasattr(type(data), "iloc")


def is_foreign_frame(data: object) -> bool:
    """True if `data` looks like a Polars, Arrow or similar table."""
    kind = type(data)
    # A series has Arrow data too, but no columns.
    return hasattr(kind, "__arrow_c_stream__") and hasattr(kind, "columns") and not is_frame(data)


def comments_of_frame(frame: Any) -> list[Comment]:
    """Return the rows of a pandas or narwhals frame as comments; equal posts share one `Post`.

    Raises InputError for anything else, and for a frame without text.
    """
    if not (is_frame(frame) or type(frame).__module__.partition(".")[0] == "narwhals"):
        raise InputError(f"a pandas DataFrame is needed, not {type(frame).__name__}{_hint(frame)}")
    if "text" not in frame.columns:
        like = [name for name in frame.columns if str(name).strip().lower() in _LIKE_TEXT]
        raise InputError(
            "the DataFrame has no column 'text': rename the column that holds the comments to 'text'"
            + (f", for example with df.rename(columns={{{like[0]!r}: 'text'}})." if like else ".")
        )
    columns = {name: _column(frame, name) for name in COMMENT_COLUMNS}
    posts: dict[tuple[Any, ...], Post | None] = {}
    comments = []
    for i, text in enumerate(columns["text"]):
        key = tuple(columns[name][i] for name in _POST)
        if key not in posts:
            title, body, url, author = key
            posts[key] = Post(title, body, url, author) if any(key) else None
        author, address, date = (columns[name][i] for name in _COMMENT[1:])
        comments.append(Comment(text or "", author, address, date, posts[key]))
    return comments


def readable(frame: Any) -> Any:
    """Return `frame` in a form that `comments_of_frame` reads, wrapped by narwhals if not pandas.

    Raises InputError for a lazy frame or a repeated column.
    """
    if not is_foreign_frame(frame):
        return frame
    with optional():
        import narwhals as nw
    # An Arrow table may have two columns of one name, which narwhals cannot distinguish.
    names = list(getattr(frame, "column_names", ()))
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"the {type(frame).__name__} has more than one column {twice!r}.")
    try:
        return nw.from_native(frame, eager_only=True)
    except TypeError:
        raise InputError(
            f"a DataFrame is needed, not {type(frame).__name__}; collect a lazy one, or convert it to a table."
        ) from None


def _hint(given: object) -> str:
    """Return the end of a sentence: how to convert `given` to a pandas DataFrame."""
    if is_foreign_frame(given):
        return " of another kind; frame.to_pandas() makes one."
    if hasattr(type(given), "collect"):
        return "; collect a lazy frame first."
    if hasattr(type(given), "to_frame"):
        return "; column.to_frame('text') makes one."
    return "."


def keys_of_frame(frame: Any, name: str) -> list[Any]:
    """Return the cells of a column as keys, None if empty; InputError for other types."""
    keys = [None if cell == "" else cell for cell in _cells(frame, name)]
    for row, key in enumerate(keys):
        try:
            hash(key)
        except TypeError:
            raise InputError(
                f"column {name!r}, row {row}: {type(key).__name__} where text or a number is needed."
            ) from None
    return keys


def posts_of_frame(frame: Any, comments: Sequence[Comment]) -> list[Hashable | None]:
    """Return a key for the post of each row; None if the post is unknown.

    The key is the blog with the ``post_id``, or with the post's address, title or text.
    """
    blogs, numbers = keys_of_frame(frame, "blog"), keys_of_frame(frame, "post_id")
    fields = [named_post(comment) for comment in comments]
    # Rows without the id belong to the same post as rows with it.
    known: dict[Hashable, Hashable] = {}
    keys: list[Hashable | None] = []
    for blog, number, named in zip(blogs, numbers, fields, strict=True):
        keys.append(None if number is None else (blog, "post_id", number))
        if number is not None and named:
            known.setdefault((blog, "post", named), keys[-1])
    for row, named in enumerate(fields):
        if keys[row] is None and named:
            key = (blogs[row], "post", named)
            keys[row] = known.get(key, key)
    return keys


def named_post(comment: Comment) -> str | None:
    """Return the address of the comment's post, else its title or text."""
    post = comment.post
    return (post.url or post.title or post.text) if post else None


def _cells(frame: Any, name: str) -> list[Any]:
    if name not in frame.columns:
        return [None] * len(frame)
    values = frame[name]
    if getattr(values, "ndim", 1) != 1:
        raise InputError(f"the DataFrame has more than one column {name!r}.")
    given = values.tolist() if hasattr(values, "tolist") else values.to_list()
    return [None if missing(value) else value for value in given]


def _column(frame: Any, name: str) -> Sequence[Any]:
    expected = str if name != "date" else (str, datetime)
    cells = _cells(frame, name)
    if name == "date":  # a day without a time is a date too
        cells = [_moment(value) for value in cells]
    for row, value in enumerate(cells):
        if value is not None and not isinstance(value, expected):
            raise InputError(
                f"column {name!r}, row {row}: {type(value).__name__} where "
                + ("a date or text is needed; " if name == "date" else "text is needed; ")
                + f"convert the column first, for example with {_conversion(name, value)}."
            )
    return cells


def _conversion(name: str, value: object) -> str:
    if name != "date":
        return f"df[{name!r}].astype('string')"
    if isinstance(value, int | float | np.number):
        return "pd.to_datetime(df['date'], unit='s')"
    return "pd.to_datetime(df['date'].astype('string'))"


def _moment(value: object) -> object:
    if isinstance(value, np.datetime64):
        return np.datetime_as_string(value, "s").item()
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    return value


def missing(value: object) -> bool:
    """True for None, NaN, NaT (pandas' and NumPy's) and pandas.NA."""
    if value is None:
        return True
    if isinstance(value, str):
        return False
    return type(value).__name__ in ("NAType", "NaTType") or (
        isinstance(value, float | np.floating | np.datetime64) and bool(value != value)
    )
