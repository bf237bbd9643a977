"""Scoring on Spark: ``pip install 'spamguard[spark]'``.

Dask and Ray need no code of their own: run `score_many` or `score_frame` inside
``joblib.parallel_config(backend="dask")``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from spamguard.corpus import COMMENT_COLUMNS
from spamguard.errors import InputError
from spamguard.model import SpamModel
from spamguard.scoring import default_model, score_frame
from spamguard.storage import load_model

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import Column, DataFrame

__all__ = ["score_spark"]

_ANSWERS: Final = {
    "spam_probability": "double",
    "label": "string",
    "discard": "boolean",
    "log_odds": "double",
}
_POST: Final = tuple(name for name in COMMENT_COLUMNS if name.startswith("post_"))
_DATES: Final = ("date", "timestamp", "timestamp_ntz")
# pandas turns integers with gaps into floats, and long ones lose their last digits.
_KEPT_AS_TEXT: Final = ("tinyint", "smallint", "int", "bigint", "float", "double")


def score_spark(
    frame: DataFrame,
    *,
    posts: DataFrame | None = None,
    post_key: str = "post_id",
    model: SpamModel | str | os.PathLike[str] | None = None,
) -> DataFrame:
    """Score every row of a Spark DataFrame, with the same results as `score_frame`.

    Computation is lazy. The model is broadcast once to each executor, which needs the
    same version of spamguard.

    Parameters
    ----------
    frame : pyspark.sql.DataFrame
        One comment per row, with the columns of `score_frame`: text, author,
        author_url, date, post_title, post_text, post_url and post_author; only text is
        needed. Other columns are kept.
    posts : pyspark.sql.DataFrame, optional
        Posts to join: `post_key` and any of post_title, post_text, post_url and
        post_author. Of posts with the same key, the one that sorts first is used.
    post_key : str, default "post_id"
        Column of both frames that identifies the post.
    model : SpamModel, str or path, optional
        A model other than the shipped one.

    Returns
    -------
    pyspark.sql.DataFrame
        The columns of `frame`, and spam_probability (double, 0 to 1), label
        ("ham", "unsure" or "spam"), discard (boolean) and log_odds (double).

    Raises
    ------
    InputError
        If a column is missing, appears twice, or does not hold text.

    Examples
    --------
    >>> from spamguard.analysis.spark import score_spark
    >>> scored = score_spark(spark.table("comments"), posts=spark.table("posts"))  # doctest: +SKIP
    >>> scored.where("label = 'spam'").write.parquet("spam")  # doctest: +SKIP
    """
    _check(frame, "the DataFrame")
    if "text" not in frame.columns:
        raise InputError(
            "the DataFrame has no column 'text': name the column that holds the comments 'text', "
            "for example with df.withColumnRenamed('body', 'text')."
        )
    for name in set(_ANSWERS) & set(frame.columns):
        raise InputError(
            f"the DataFrame has a column {name!r} already; rename it, for example with "
            f"df.withColumnRenamed({name!r}, 'given_{name}')."
        )
    joined = frame if posts is None else _with_posts(frame, posts, post_key)
    if not isinstance(model, SpamModel):
        model = default_model() if model is None else load_model(model)
    broadcast = _context_of(frame).broadcast(model)

    types, own = dict(joined.dtypes), frame.columns
    kept, read, found = [], [], {}  # found: the column of each field
    for i, name in enumerate(own):
        kept.append(joined[_quoted(name)].cast(_carried(types[name])).alias(f"kept_{i}"))
    for name in COMMENT_COLUMNS:
        if name in own and types[name] == "string":
            found[name] = f"kept_{own.index(name)}"
        elif name in joined.columns:
            found[name] = f"read_{name}"
            read.append(joined[name].cast("string").alias(f"read_{name}"))
    schema = [f"kept_{i} {_carried(types[name])}" for i, name in enumerate(own)]
    schema += [f"{name} {kind}" for name, kind in _ANSWERS.items()]
    names = [f"kept_{i}" for i in range(len(own))]
    scored = joined.select(*kept, *read).mapInPandas(
        partial(_score_parts, broadcast, found, names), ", ".join(schema)
    )
    back = [_back(scored[f"kept_{i}"], types[name]).alias(name) for i, name in enumerate(own)]
    return scored.select(*back, *_ANSWERS)


def _score_parts(
    broadcast: Any, found: dict[str, str], kept: list[str], parts: Iterable[pd.DataFrame]
) -> Iterator[pd.DataFrame]:
    """Score the parts of a partition; runs on an executor."""
    import pandas as pd

    for part in parts:
        read = pd.DataFrame({name: part[column] for name, column in found.items()})
        answers = score_frame(read, model=broadcast.value)
        answers["label"] = answers["label"].astype(object)
        yield pd.concat([part[kept], answers], axis=1)


def _with_posts(frame: DataFrame, posts: DataFrame, key: str) -> DataFrame:
    """Return `frame` joined with the columns of each comment's post."""
    from pyspark.sql import functions

    _check(posts, "posts")
    types, keys = dict(frame.dtypes), dict(posts.dtypes)
    for side, held in (("the DataFrame", types), ("posts", keys)):
        if key not in held:
            raise InputError(f"{side} has no column {key!r}; name the key with post_key=...")
    if types[key] != keys[key]:
        raise InputError(
            f"{key!r} is {types[key]} in the DataFrame and {keys[key]} in posts; cast one of them."
        )
    columns = [name for name in _POST if name in keys and name != key]
    if not columns:
        raise InputError(f"posts has none of the columns {', '.join(_POST)}; rename its own.")
    for name in set(columns) & set(types):
        raise InputError(f"the DataFrame and posts both have a column {name!r}; drop one of them.")
    once = posts.groupBy(posts[_quoted(key)].alias("joined_key")).agg(
        functions.min(functions.struct(*columns)).alias("joined_post")
    )
    same = frame[_quoted(key)] == once["joined_key"]
    return frame.join(once, same, "left").select(
        *(frame[_quoted(name)] for name in frame.columns),
        *(once["joined_post"][name].alias(name) for name in columns),
    )


def _check(frame: DataFrame, called: str) -> None:
    """Check the columns before the long work."""
    if not hasattr(frame, "mapInPandas"):
        raise InputError(
            f"{called} must be a Spark DataFrame, not {type(frame).__name__}; "
            "for a pandas DataFrame call score_frame()."
        )
    if len(set(frame.columns)) < len(frame.columns):
        raise InputError(f"{called} has two columns of the same name; rename one of them.")
    for name, kind in frame.dtypes:
        if name in COMMENT_COLUMNS and kind not in (
            "string",
            "void",
            *(_DATES if name == "date" else ()),
        ):
            raise InputError(
                f"column {name!r} of {called} is {kind} where text is needed; cast it first, for "
                f"example with df.withColumn({name!r}, df[{name!r}].cast('string'))."
            )


def _context_of(frame: DataFrame) -> Any:
    try:
        return frame.sparkSession.sparkContext
    except Exception as error:  # Spark Connect has none, and raises various errors
        raise InputError(
            "score_spark broadcasts its model, which Spark Connect cannot do; use a classic session."
        ) from error


def _carried(kind: str) -> str:
    """Return a type that passes through pandas unchanged."""
    return "string" if kind in (*_KEPT_AS_TEXT, "void") else kind


def _back(column: Column, kind: str) -> Column:
    """Cast a column that passed through pandas back to its type."""
    from pyspark.sql import functions

    return functions.lit(None) if kind == "void" else column.cast(kind)


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
