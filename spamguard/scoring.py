"""The main path: comments in, verdicts out."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, Final, TypeVar, cast

from spamguard.comment import Comment, Post, as_comment
from spamguard.corpus import comments_of_frame, is_foreign_frame, is_frame, readable
from spamguard.errors import InputError
from spamguard.loading import optional
from spamguard.model import SpamModel
from spamguard.parallel import jobs_for, score_in_parallel
from spamguard.storage import find_model, load_model
from spamguard.verdict import Verdict

__all__ = ["default_model", "score", "score_frame", "score_many"]

_loading = threading.Lock()
_default: SpamModel | None = None

_Frame = TypeVar("_Frame")
_MOST_KEPT: Final = 8
# By directory: what model.json looked like when it was read, and the model. Latest used last.
_kept: dict[str, tuple[tuple[int, int, int], SpamModel]] = {}


def _unlock() -> None:
    global _loading
    _loading = threading.Lock()


if hasattr(os, "register_at_fork"):  # a thread that is not in the child may have held it
    os.register_at_fork(after_in_child=_unlock)


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
    if is_frame(comments) or is_foreign_frame(comments):
        raise InputError("score_many needs a list of comments; for a DataFrame call score_frame().")
    if isinstance(comments, str | bytes | Comment | Mapping) or not isinstance(comments, Iterable):
        raise InputError("score_many needs a list of comments; for a single one call score().")
    chosen = model_of(model)
    given = map(as_comment, comments)
    if jobs_for(n_jobs) == 1:
        return chosen.verdicts(given)
    return score_in_parallel(list(given), chosen, n_jobs)


def score_frame(
    frame: _Frame,
    *,
    model: SpamModel | str | os.PathLike[str] | None = None,
    reasons: bool = False,
    n_jobs: int | None = None,
    progress: bool = True,
) -> _Frame:
    """Judge every row of a DataFrame.

    Parameters
    ----------
    frame : DataFrame
        Any of the columns text, author, author_url, date, post_title,
        post_text, post_url and post_author; text alone is enough. Missing
        values are absent. Columns may be Arrow's; the frame may be Polars' or
        a pyarrow table too (``pip install 'spamguard[analysis]'``).
    model : SpamModel, str or path, optional
        Another model than the shipped one.
    reasons : bool
        Whether to add a column ``reasons``, each a tuple of `Reason`; outside
        pandas a list of structs with feature, contribution and evidence.
    n_jobs : int, optional
        Processes to share the work; see `score_many`.
    progress : bool
        Whether to tell on stderr how far the work has come, where it takes
        longer than a second and a person watches a terminal or a notebook.

    Returns
    -------
    DataFrame
        Of the same kind. The index of `frame` and the columns
        spam_probability (0 to 1), label ("ham", "unsure" or "spam"; in pandas
        categories), discard (bool) and log_odds (float64, always finite: a
        probability is rounded to 1 where the log-odds are above 37).

    Raises
    ------
    InputError
        If there is no column text, or a cell holds something else than text.
    MissingPackageError
        If a package that the frame needs is missing.
    """
    if is_foreign_frame(frame):
        return cast(_Frame, _score_foreign(frame, model, reasons, n_jobs, progress))
    with optional():
        import pandas as pd

    columns = _columns(comments_of_frame(frame), model, reasons, n_jobs, progress)
    index = cast(pd.DataFrame, frame).index
    made: dict[str, object] = {
        "spam_probability": pd.array(columns["spam_probability"], "float64"),
        "label": pd.Categorical(columns["label"], ["ham", "unsure", "spam"]),
        "discard": pd.array(columns["discard"], "bool"),
        "log_odds": pd.array(columns["log_odds"], "float64"),
    }
    if reasons:
        made["reasons"] = pd.Series(columns["reasons"], index, dtype=object)
    return cast(_Frame, pd.DataFrame(made, index=index))


def _score_foreign(
    frame: Any,
    model: SpamModel | str | os.PathLike[str] | None,
    reasons: bool,
    n_jobs: int | None,
    progress: bool,
) -> Any:
    given = readable(frame)
    import narwhals as nw

    columns = _columns(comments_of_frame(given), model, reasons, n_jobs, progress)
    if reasons:
        columns["reasons"] = [[asdict(r) for r in found] for found in columns["reasons"]]
    schema: dict[str, Any] = {
        "spam_probability": nw.Float64,
        "label": nw.String,
        "discard": nw.Boolean,
        "log_odds": nw.Float64,
    }
    if reasons:
        reason: Any = {"feature": nw.String, "contribution": nw.Float64, "evidence": nw.String}
        schema["reasons"] = nw.List(nw.Struct(reason))
    return nw.from_dict(columns, schema, backend=given.implementation).to_native()


_PART: Final = 1_000  # comments between two words on how far the work has come


def _columns(
    comments: list[Comment],
    model: SpamModel | str | os.PathLike[str] | None,
    reasons: bool,
    n_jobs: int | None,
    progress: bool,
) -> dict[str, list[Any]]:
    """Judge `comments` in parts, so that verdicts with all they refer to are not kept."""
    from spamguard.progress import Progress

    chosen = model_of(model)
    jobs = jobs_for(n_jobs)
    size = _PART if jobs == 1 else 4 * _PART * jobs
    names = ("spam_probability", "label", "discard", "log_odds", *(("reasons",) if reasons else ()))
    found: dict[str, list[Any]] = {name: [] for name in names}
    with Progress(progress) as watch:
        for start in range(0, len(comments), size):
            for verdict in score_many(comments[start : start + size], model=chosen, n_jobs=n_jobs):
                for name, values in found.items():
                    values.append(getattr(verdict, name))
            watch("comments", min(start + size, len(comments)), len(comments))
    return found
