"""The main path: comments in, verdicts out.

Models in use are cached here. The work is shared among processes, threads or a
cluster as joblib is configured: ``joblib.parallel_config(backend="dask")`` around
a call uses a Dask cluster, ``backend="ray"`` Ray; otherwise ``n_jobs`` counts
processes of this machine.
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
    """Return the verdict on a comment.

    Parameters
    ----------
    comment : Comment or str
        A comment or its text: plain text, HTML, Markdown or BBCode. Of more than
        80,000 characters only the start and the end are read.
    post : Post or str, optional
        The post or its text. The default is `Comment.post`. A missing post counts
        neither for nor against the comment.
    model : SpamModel, str or path, optional
        A model other than the default. One given by name or path is loaded once and
        kept until its files are replaced.

    Returns
    -------
    Verdict
        Probability, label and reasons.

    Raises
    ------
    InputError
        If an argument is something other than text, `Comment` or `Post` (also a
        ``TypeError``).

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
    """Return the verdicts on many comments, each the same as from `score`.

    Parameters
    ----------
    comments : iterable of Comment or str
    model : SpamModel, str or path, optional
        A model other than the default.
    n_jobs : int, optional
        Number of processes, as joblib counts them; the default is that of
        ``joblib.parallel_config``, or one.

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
    """Return a DataFrame with a verdict for every row.

    Parameters
    ----------
    frame : DataFrame
        Any of the columns text (required), author, author_url, date, post_title,
        post_text, post_url and post_author. It may be a frame of pandas or Polars, or a
        pyarrow table (``pip install 'spamguard[analysis]'``).
    model : SpamModel, str or path, optional
        A model other than the default.
    reasons : bool
        Add a column ``reasons``, each a tuple of `Reason`; outside pandas a list of
        structs with feature, contribution and evidence.
    n_jobs : int, optional
        Number of processes; see `score_many`.
    progress : bool
        Show progress on stderr, in a terminal or notebook, after one second.

    Returns
    -------
    DataFrame
        Of the same kind, with the index of `frame` and the columns spam_probability
        (0 to 1), label ("ham", "unsure" or "spam"; in pandas categories), discard
        (bool) and log_odds (float64, always finite).

    Raises
    ------
    InputError
        If there is no column text, or a cell is not text.
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
    """Score `comments` in parts, so that only columns stay in memory."""
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
# Models by directory, in a worker by contents, with a stamp of the files. The last one was used
# last.
_kept: dict[str, tuple[object, SpamModel]] = {}
_lock = threading.Lock()


def _unlock() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):  # a thread of the parent may have held it
    os.register_at_fork(after_in_child=_unlock)


def default_model() -> SpamModel:
    """Return the default model, loaded once on first use from the installed files."""
    global _default
    if _default is None:
        with _lock:
            if _default is None:
                _default = load_model("default")
    return _default


def model_of(model: SpamModel | str | os.PathLike[str] | None) -> SpamModel:
    """Return the model that `score` would use, from the cache until its files are replaced."""
    if model is None:
        return default_model()
    if isinstance(model, SpamModel):
        return model
    directory = find_model(model)
    try:
        where = str(directory.resolve())
        found = (directory / "model.json").stat()
    except OSError:  # it has just gone; loading reports that
        return load_model(model)
    # Taken before the model is read, so one replaced meanwhile is read again next time.
    stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
    return _keep(where, stamp, lambda: load_model(directory))


def _keep(key: str, stamp: object, make: Callable[[], SpamModel]) -> SpamModel:
    """Return the model cached under `key` with that `stamp`, or make and cache it."""
    with _lock:
        former, model = _kept.pop(key, (None, None))
        if model is None or former != stamp:
            model = make()
        _kept[key] = (stamp, model)
        while len(_kept) > _MOST_KEPT:
            del _kept[next(iter(_kept))]
    return model


# --- parallel work ------------------------------------------------------------------

_CHUNK: Final = 500  # maximum comments per task
_LEAST: Final = 50  # sharing fewer costs more than scoring them


def score_in_parallel(
    comments: Iterable[Comment],
    model: SpamModel,
    n_jobs: int | None = None,
    *,
    judge: Callable[[SpamModel, Sequence[Comment]], list[Verdict]] = SpamModel.verdicts,
) -> list[Verdict]:
    """Score `comments` with several workers; the verdicts are those of a single process.

    A few parts are in transit at a time, and workers return only numbers: reasons are
    computed here when they are read. `judge` runs in the worker, so it must be a
    function of a module. Raises SpamguardError if a worker dies.
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
            "a worker process was killed, probably for lack of memory: use fewer workers (n_jobs, --jobs)."
        ) from error
    return [model.verdict_at(c, *each) for c, each in zip(given, numbers, strict=True)]


def jobs_for(n_jobs: int | None) -> int:
    """Return the number of workers for `n_jobs`; None means that of ``joblib.parallel_config``, or one."""
    if n_jobs == 1 or (n_jobs is None and "joblib" not in sys.modules):
        return 1  # joblib is not imported, so not configured
    with optional():
        import joblib

    return int(joblib.effective_n_jobs(n_jobs))


def in_order(work: Iterable[Any], n_jobs: int | None) -> Iterator[Any]:
    """Yield the results of the delayed calls in `work` in order, as soon as possible."""
    import joblib

    try:
        parallel = joblib.Parallel(n_jobs=n_jobs, return_as="generator")
    except ValueError:  # Ray's backend returns all results at the end
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
    """Return a key for the contents of `model`, its small fields, and its arrays by name.

    A Dask cluster sends arrays that are separate arguments to each worker once, and
    processes of one machine share large ones.
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
    """Score `comments` in a worker; return the log-odds and language of each."""
    import joblib

    def make() -> SpamModel:
        # Copy the arrays: each may be a file that joblib deletes after the call.
        copies: dict[str, Any] = dict(zip(names, map(np.array, arrays), strict=True))
        return SpamModel(**small, **copies)

    # The same object as before, with its caches of words and posts.
    model = _keep(key, None, make)
    # A worker of a cluster must not share its part out again.
    with joblib.parallel_config(backend="sequential"):
        verdicts = judge(model, comments)
    return [(v.log_odds, v.language) for v in verdicts]
