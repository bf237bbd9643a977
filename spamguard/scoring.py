"""The main path: comments in, verdicts out.

The models in use are kept here, and the work is shared here among processes,
threads or a cluster: joblib's configuration says which.
``joblib.parallel_config(backend="dask")`` around a call sends it to a Dask
cluster, ``backend="ray"`` to Ray; without one, ``n_jobs`` counts processes of
this machine.
"""

from __future__ import annotations

import hashlib
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any, Final, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from spamguard.comment import Comment, Post, as_comment
from spamguard.corpus import comments_of_frame, is_foreign_frame, is_frame, readable
from spamguard.errors import InputError, SpamguardError
from spamguard.loading import optional
from spamguard.model import SpamModel
from spamguard.storage import find_model, load_model
from spamguard.verdict import Verdict

__all__ = ["default_model", "score", "score_frame", "score_many"]

_Frame = TypeVar("_Frame")


def score(
    comment: Comment | str,
    post: Post | str | None = None,
    *,
    model: SpamModel | str | os.PathLike[str] | None = None,
) -> Verdict:
    """Judge whether `comment` is spam.

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
    return score_in_parallel(map(as_comment, comments), model_of(model), n_jobs)


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
        Whether to show on stderr how far the work has come, where it takes
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


_PART: Final = 1_000  # comments between two updates of the progress bar


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


# --- the models in use --------------------------------------------------------------

_MOST_KEPT: Final = 8
_default: SpamModel | None = None
# By directory, and in a worker by contents: what the files looked like, and the model.
# The one used last comes last.
_kept: dict[str, tuple[object, SpamModel]] = {}
_lock = threading.Lock()


def _unlock() -> None:
    global _lock
    _lock = threading.Lock()


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
        with _lock:
            if _default is None:
                _default = load_model("default")
    return _default


def model_of(model: SpamModel | str | os.PathLike[str] | None) -> SpamModel:
    """Return the model that `score` would use: kept once loaded, until its files are replaced."""
    if model is None:
        return default_model()
    if isinstance(model, SpamModel):
        return model
    directory = find_model(model)
    try:
        where = str(directory.resolve())
        found = (directory / "model.json").stat()
    except OSError:  # gone a moment ago: loading says so
        return load_model(model)
    # Taken before the model is read: one that is replaced meanwhile is read again next time.
    stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
    return _keep(where, stamp, lambda: load_model(directory))


def _keep(key: str, stamp: object, make: Callable[[], SpamModel]) -> SpamModel:
    """Return the model kept under `key`; made where there is none with that `stamp`."""
    with _lock:
        former, model = _kept.pop(key, (None, None))
        if model is None or former != stamp:
            model = make()
        _kept[key] = (stamp, model)
        while len(_kept) > _MOST_KEPT:
            del _kept[next(iter(_kept))]
    return model


# --- work shared among processes ----------------------------------------------------

_CHUNK: Final = 500  # most comments that a worker is given at a time
_LEAST: Final = 50  # handing out fewer costs more than judging them


def score_in_parallel(
    comments: Iterable[Comment],
    model: SpamModel,
    n_jobs: int | None = None,
    *,
    judge: Callable[[SpamModel, Sequence[Comment]], list[Verdict]] = SpamModel.verdicts,
) -> list[Verdict]:
    """Judge `comments` with several workers; the verdicts are those of one alone.

    The comments travel in parts, few of them at a time. Of a verdict only its
    numbers travel back: reasons are found here, when somebody asks.

    Parameters
    ----------
    comments : iterable of Comment
        In any order, which is kept.
    model : SpamModel
        A worker keeps it from one part to the next.
    n_jobs : int, optional
        Workers, as joblib counts them; see `jobs_for`.
    judge : callable
        What a worker calls; a function of a module, so that it can be named to
        another process.

    Raises
    ------
    SpamguardError
        If a worker dies.
    """
    jobs = jobs_for(n_jobs)
    if jobs == 1:
        return judge(model, cast(Sequence[Comment], comments))
    from concurrent.futures import BrokenExecutor

    given = list(comments)
    size = max(_LEAST, min(_CHUNK, -(-len(given) // (4 * jobs))))
    if len(given) <= size:
        return judge(model, given)
    try:
        parts = in_order(_parts(given, size, model, judge), n_jobs)
        numbers = [each for part in parts for each in part]
    except BrokenExecutor as error:
        raise SpamguardError(
            "a worker process was killed, most likely for want of memory: use fewer (n_jobs, --jobs)."
        ) from error
    return [model.verdict_at(c, *each) for c, each in zip(given, numbers, strict=True)]


def jobs_for(n_jobs: int | None) -> int:
    """Return how many workers `n_jobs` asks for, here and now.

    None asks for what ``joblib.parallel_config`` says around the call, and for
    one worker where there is no such call.
    """
    if n_jobs == 1 or (n_jobs is None and "joblib" not in sys.modules):
        return 1  # without joblib imported, nobody has configured it
    with optional():
        import joblib

    return int(joblib.effective_n_jobs(n_jobs))


def in_order(work: Iterable[Any], n_jobs: int | None) -> Iterator[Any]:
    """Yield the results of the delayed calls in `work`, in their order, as soon as they are there."""
    import joblib

    try:
        parallel = joblib.Parallel(n_jobs=n_jobs, return_as="generator")
    except ValueError:  # Ray's backend hands out results when all are there
        parallel = joblib.Parallel(n_jobs=n_jobs)
    yield from parallel(work)


def _parts(
    comments: Sequence[Comment], size: int, model: SpamModel, judge: Callable[..., Any]
) -> Iterator[Any]:
    import joblib

    key, small, names, arrays = _dismantle(model)
    for start in range(0, len(comments), size):
        part = comments[start : start + size]
        yield joblib.delayed(_judge_part)(judge, part, key, small, names, *arrays)


def _dismantle(
    model: SpamModel,
) -> tuple[str, dict[str, Any], tuple[str, ...], list[NDArray[Any]]]:
    """Return a name for what `model` holds, its small fields, and its arrays beside their names.

    Arrays that are arguments of their own are sent to each worker of a Dask
    cluster once, and shared in memory by processes of one machine if they are large.
    """
    values = {f.name: getattr(model, f.name) for f in fields(model) if f.init}
    arrays = {name: value for name, value in values.items() if isinstance(value, np.ndarray)}
    small = {name: value for name, value in values.items() if name not in arrays}
    small["about"] = {}  # no verdict depends on it
    digest = hashlib.blake2b(repr(sorted(small.items())).encode(), digest_size=16)
    for name, array in arrays.items():
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest(), small, tuple(arrays), list(arrays.values())


def _judge_part(
    judge: Callable[[SpamModel, Sequence[Comment]], list[Verdict]],
    comments: Sequence[Comment],
    key: str,
    small: dict[str, Any],
    names: tuple[str, ...],
    *arrays: NDArray[Any],
) -> list[tuple[float, str]]:
    """Judge `comments` in a worker; return the log-odds and the language of each."""
    import joblib

    def make() -> SpamModel:
        # Copies: what was sent may be a file that joblib removes after the call.
        copies: dict[str, Any] = dict(zip(names, map(np.array, arrays), strict=True))
        return SpamModel(**small, **copies)

    # The same object as for the part before: what it remembers of words and posts is kept.
    model = _keep(key, None, make)
    # A worker of a cluster must not share its part out again.
    with joblib.parallel_config(backend="sequential"):
        verdicts = judge(model, comments)
    return [(v.log_odds, v.language) for v in verdicts]
