"""The features of comments and the reasons of verdicts, as tables for an analyst."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from spamguard.comment import Comment, as_comment
from spamguard.corpus import comments_of_frame, is_foreign_frame, is_frame, missing, readable
from spamguard.errors import InputError
from spamguard.features import FAMILIES, FEATURES, Feature
from spamguard.model import SpamModel
from spamguard.progress import Progress
from spamguard.scoring import model_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["feature_table", "features_frame", "reasons_frame"]

_PART: Final = 250  # comments between two words on how far the work has come
LOG: Final = "ln(1 + count)"
SHARE: Final = "share"
YES: Final = "0 or 1"
# Units that the meaning does not name.
_UNITS: Final = {
    "promo_groups": "count",
    "style_commas": "per word",
    "style_compression": "ratio",
    "style_distinct": SHARE,
    "style_long": "ln of the ratio",
    "style_sentence_length": "ln(1 + words)",
    "style_short": SHARE,
    "style_word_length": "letters",
    "topic_divergence": "nats",
    "topic_similarity": "cosine",
    "topic_thread": SHARE,
}
_FAMILY: Final = {f.name: family for family, features in FAMILIES.items() for f in features}


def _unit(feature: Feature) -> str:
    known = _UNITS.get(feature.name)
    if known is not None:
        return known
    if "log scale" in feature.meaning:
        return LOG
    return SHARE if "share" in feature.meaning else YES


def feature_table() -> pd.DataFrame:
    """Return what the named features mean.

    Returns
    -------
    DataFrame
        Index ``feature``; columns family, unit (``0 or 1``, ``share``: 0 to 1,
        ``ln(1 + count)`` and so on), low and high (values are clipped to these),
        measured_against ("zero" or "mean": the value that contributes nothing) and
        meaning.

    Examples
    --------
    >>> feature_table().loc["links_count", "unit"]
    'ln(1 + count)'
    """
    import pandas as pd

    rows = [
        (f.name, family, _unit(f), f.low, f.high, f.reference, f.meaning)
        for family, features in FAMILIES.items()
        for f in features
    ]
    columns = ["feature", "family", "unit", "low", "high", "measured_against", "meaning"]
    return pd.DataFrame(rows, columns=columns).set_index("feature")


def features_frame(
    comments: pd.DataFrame | Iterable[Comment | str],
    *,
    model: SpamModel | str | os.PathLike[str] | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Return the named features of comments.

    Parameters
    ----------
    comments : DataFrame or iterable of Comment or str
        A frame of any kind as for `score_frame`, or comments. Missing values of a
        Series are comments without text.
    model : SpamModel, str or path, optional
        Its word frequencies serve the topic family; the shipped one by default.
    progress : bool
        As for `score_frame`.

    Returns
    -------
    DataFrame of float32, shape (n, n_features)
        In pandas. The index of the frame or Series given, else numbers from 0; NaN
        where a feature does not apply. ``attrs["units"]`` maps each column to its unit;
        `feature_table` describes them.

    Examples
    --------
    >>> found = features_frame(["See http://a.example and http://b.example"])
    >>> round(float(found["links_count"].iloc[0]), 3)
    1.099
    """
    import pandas as pd

    chosen = model_of(model)
    given, index = _comments(comments)
    values = np.empty((len(given), len(FEATURES)), np.float32)
    end = 0
    with Progress(progress) as watch:
        for batch, vectors in chosen.vectorizer.batches(given):
            start, end = end, end + len(batch)
            values[start:end] = vectors.dense
            watch("comments", end, len(given))
    found = pd.DataFrame(values, index=index, columns=[f.name for f in FEATURES])
    found.attrs["units"] = {f.name: _unit(f) for f in FEATURES}
    return found


def reasons_frame(
    comments: pd.DataFrame | Iterable[Comment | str],
    *,
    model: SpamModel | str | os.PathLike[str] | None = None,
    most: int | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Return the reasons for every verdict, one row a reason.

    Parameters
    ----------
    comments : DataFrame or iterable of Comment or str
        As for `features_frame`.
    model : SpamModel, str or path, optional
        The shipped one by default.
    most : int, optional
        Keep only the strongest reasons of each comment. By default all are kept, and
        the contributions of a ``row`` plus ``attrs["intercept"]`` are its log-odds.
    progress : bool
        As for `score_frame`.

    Returns
    -------
    DataFrame
        In pandas. Columns comment (its label in the index given, else its number), row
        (its number from 0), feature, family (n-grams are one), evidence (in words) and
        contribution (log-odds; above zero means spam), strongest first within a
        comment. Sum by ``row``, since an index may hold a label twice.

    Raises
    ------
    InputError
        As for `score_frame`; also if `most` is not a whole number of 1 or more.

    Examples
    --------
    >>> found = reasons_frame(["Subscribe to my channel and check out my new video"])
    >>> found.loc[found["contribution"].idxmax(), "family"]
    'promo'
    """
    import pandas as pd

    if most is not None and (not isinstance(most, int | np.integer) or most < 1):
        raise InputError(
            "most must be a whole number of 1 or more; leave it out to keep every reason."
        )
    chosen = model_of(model)
    given, index = _comments(comments)
    labels = range(len(given)) if index is None else index
    rows: list[tuple[Any, ...]] = []
    done = 0
    with Progress(progress) as watch:
        for start in range(0, len(given), _PART):
            batch = given[start : start + _PART]
            pairs = zip(labels[done:], chosen.verdicts(batch), strict=False)
            for row, (label, verdict) in enumerate(pairs, done):
                for r in verdict.reasons[:most]:
                    family = _FAMILY.get(r.feature, "ngrams")
                    rows.append((label, row, r.feature, family, r.evidence, r.contribution))
            done += len(batch)
            watch("comments", done, len(given))
    columns = ["comment", "row", "feature", "family", "evidence", "contribution"]
    types = {"row": "int64", "contribution": "float64"}
    found = pd.DataFrame(rows, columns=columns).astype(types)
    found.attrs["intercept"] = chosen.intercept
    return found


def _comments(given: Any) -> tuple[list[Comment], Any]:
    """Return the comments, and their index if they are a pandas object."""
    index: Any = getattr(given, "index", None) if hasattr(type(given), "iloc") else None
    if is_frame(given):
        return comments_of_frame(given), index
    if is_foreign_frame(given):
        return comments_of_frame(readable(given)), None
    if isinstance(given, str | bytes | Comment | Mapping) or not isinstance(given, Iterable):
        raise InputError("a DataFrame or a list of comments is needed; put a single one in a list.")
    if index is not None:  # a Series: what is missing is absent, as in a frame
        given = ["" if missing(value) else value for value in given]
    return _all_comments(given), index


def _all_comments(given: Iterable[Any]) -> list[Comment]:
    found = []
    for row, value in enumerate(given):
        try:
            found.append(as_comment(value))
        except InputError as error:
            raise InputError(f"row {row}: {error}") from None
    return found
