"""The main path: comments in, verdicts out."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from spamguard.comment import Comment, Post, as_comment
from spamguard.errors import InputError
from spamguard.frames import comments_of_frame, is_frame
from spamguard.model import SpamModel
from spamguard.parallel import jobs_for, score_in_parallel
from spamguard.storage import find_model, load_model
from spamguard.verdict import Verdict

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["default_model", "score", "score_frame", "score_many"]

_loading = threading.Lock()
_default: SpamModel | None = None

_MOST_KEPT: Final = 8
# By directory: what model.json looked like when it was read, and the model. Latest used last.
_kept: dict[str, tuple[tuple[int, int, int], SpamModel]] = {}


def default_model() -> SpamModel:
    """Return the shipped model; it is loaded on first use, once, from the installed files.

    Returns
    -------
    SpamModel
        The same object every time.
    """
    global _default
    if _default is None:
        with _loading:
            if _default is None:
                _default = load_model("default")
    return _default


def model_of(model: SpamModel | str | os.PathLike[str] | None) -> SpamModel:
    """Return the model that `score` would use: kept once loaded, until its files are replaced."""
    if model is None:
        return default_model()
    return model if isinstance(model, SpamModel) else _model_at(model)


def _model_at(name_or_path: str | os.PathLike[str]) -> SpamModel:
    """Return the model there; loaded once, and again when its files are replaced."""
    directory = find_model(name_or_path)
    try:
        where = str(directory.resolve())
        found = (directory / "model.json").stat()
    except OSError:  # gone a moment ago: let loading say so
        return load_model(name_or_path)
    # Taken before the model is read: one that is replaced meanwhile is read again next time.
    stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
    with _loading:
        former, kept = _kept.pop(where, (None, None))
        if kept is None or former != stamp:
            kept = load_model(directory)
        _kept[where] = (stamp, kept)
        while len(_kept) > _MOST_KEPT:
            del _kept[next(iter(_kept))]
    return kept


def score(
    comment: Comment | str,
    post: Post | str | None = None,
    *,
    model: SpamModel | str | os.PathLike[str] | None = None,
) -> Verdict:
    """Tell whether `comment` is spam.

    Parameters
    ----------
    comment : Comment or str
        The comment; a string is its text. Plain text, HTML, Markdown or
        BBCode; any length, but of more than 80,000 characters only both ends
        are read.
    post : Post or str, optional
        What the comment answers; a string is the post's text. Without one the
        comment's own `Comment.post` is used, or none: an absent post counts
        neither for nor against a comment.
    model : SpamModel, str or path, optional
        Another model than the shipped one. One given by name or path is
        loaded once and kept until its files are replaced.

    Returns
    -------
    Verdict
        Probability, label and reasons.

    Raises
    ------
    InputError
        If something other than text, `Comment` and `Post` is passed
        (also a ``TypeError``).

    Examples
    --------
    >>> verdict = score("Thanks! The second query was missing an index.", "Slow pages, found")
    >>> verdict.label
    'ham'
    """
    return model_of(model).verdict(as_comment(comment, post))


def score_many(
    comments: Iterable[Comment | str],
    *,
    model: SpamModel | str | os.PathLike[str] | None = None,
    n_jobs: int | None = None,
) -> list[Verdict]:
    """Judge many comments; each gets the verdict that `score` alone would give it.

    Parameters
    ----------
    comments : iterable of Comment or str
        In any order; a `Comment` carries its own post.
    model : SpamModel, str or path, optional
        Another model than the shipped one.
    n_jobs : int, optional
        Processes to share the work, as joblib counts them; by default what
        ``joblib.parallel_config`` says, or one.

    Returns
    -------
    list of Verdict
        In the order of `comments`.

    Raises
    ------
    InputError
        If one of them is neither text nor a `Comment`.
    """
    if is_frame(comments):
        raise InputError("score_many needs a list of comments; for a DataFrame call score_frame().")
    if isinstance(comments, str | bytes | Comment | Mapping) or not isinstance(comments, Iterable):
        raise InputError("score_many needs a list of comments; for a single one call score().")
    chosen = model_of(model)
    given = map(as_comment, comments)
    if jobs_for(n_jobs) == 1:
        return chosen.verdicts(given)
    return score_in_parallel(list(given), chosen, n_jobs)


def score_frame(
    frame: pd.DataFrame,
    *,
    model: SpamModel | str | os.PathLike[str] | None = None,
    reasons: bool = False,
    n_jobs: int | None = None,
) -> pd.DataFrame:
    """Judge every row of a DataFrame.

    Parameters
    ----------
    frame : DataFrame
        Any of the columns text, author, author_url, date, post_title,
        post_text, post_url and post_author; text alone is enough. Missing
        values are absent.
    model : SpamModel, str or path, optional
        Another model than the shipped one.
    reasons : bool
        Whether to add a column ``reasons``, each a tuple of `Reason`.
    n_jobs : int, optional
        Processes to share the work; see `score_many`.

    Returns
    -------
    DataFrame
        The index of `frame` and the columns spam_probability (0 to 1), label
        ("ham", "unsure" or "spam") and discard (bool).

    Raises
    ------
    InputError
        If there is no column text, or a cell holds something else than text.
    """
    import pandas as pd

    comments = comments_of_frame(frame)
    chosen = model_of(model)
    verdicts = score_many(comments, model=chosen, n_jobs=n_jobs)
    columns: dict[str, object] = {
        "spam_probability": pd.array([v.spam_probability for v in verdicts], "float64"),
        "label": pd.Categorical([v.label for v in verdicts], ["ham", "unsure", "spam"]),
        "discard": pd.array([v.discard for v in verdicts], "bool"),
    }
    if reasons:
        columns["reasons"] = pd.Series([v.reasons for v in verdicts], frame.index, dtype=object)
    return pd.DataFrame(columns, index=frame.index)
