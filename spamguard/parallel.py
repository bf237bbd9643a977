"""Work shared among processes, threads or a cluster; joblib's configuration says which.

``joblib.parallel_config(backend="dask")`` around a call sends it to a Dask
cluster, ``backend="ray"`` to Ray; without one, ``n_jobs`` counts processes of
this machine. joblib is imported when work is shared out: whoever scores alone
does not wait for it.
"""

from __future__ import annotations

import hashlib
import os
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from functools import partial
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from spamguard.comment import Comment
from spamguard.errors import SpamguardError
from spamguard.loading import optional
from spamguard.model import SpamModel
from spamguard.verdict import Label, Reason, Verdict

CHUNK: Final = 500
"""Most comments that a worker is given at a time."""

_LEAST: Final = 50  # handing out fewer costs more than judging them
_MOST_KEPT: Final = 4

# In a worker: the models it was sent last, by what they hold. Latest used last.
_kept: dict[str, SpamModel] = {}
_keeping = threading.Lock()


def _unlock() -> None:
    global _keeping
    _keeping = threading.Lock()


if hasattr(os, "register_at_fork"):  # a thread that is not in the child may have held it
    os.register_at_fork(after_in_child=_unlock)

_Told = tuple[float, Label, bool, float, str, bool]


class Judge(Protocol):
    """Gives each comment the verdict that it would get alone, as `score_many` does."""

    def __call__(self, comments: Sequence[Comment], /, *, model: SpamModel) -> list[Verdict]:
        """Return their verdicts, in the same order."""


def alone(comments: Sequence[Comment], /, *, model: SpamModel) -> list[Verdict]:
    """Judge `comments` here."""
    return model.verdicts(comments)


def jobs_for(n_jobs: int | None) -> int:
    """Return how many workers `n_jobs` asks for, here and now.

    None asks for what ``joblib.parallel_config`` says around the call, and for
    one worker where nobody has said anything.
    """
    if n_jobs == 1 or (n_jobs is None and "joblib" not in sys.modules):
        return 1  # without joblib imported nobody can have configured it
    with optional():
        import joblib

    return int(joblib.effective_n_jobs(n_jobs))


def in_order(work: Iterable[Any], n_jobs: int | None) -> Iterator[Any]:
    """Yield what the delayed calls in `work` give, in their order, as soon as they do."""
    import joblib

    try:
        parallel = joblib.Parallel(n_jobs=n_jobs, return_as="generator")
    except ValueError:  # Ray's backend hands out results when all are there
        parallel = joblib.Parallel(n_jobs=n_jobs)
    yield from parallel(work)


def score_in_parallel(
    comments: Sequence[Comment],
    model: SpamModel,
    n_jobs: int | None = None,
    *,
    judge: Judge = alone,
) -> list[Verdict]:
    """Judge `comments` with several workers; the verdicts are those of `judge` alone.

    The comments travel in parts, few of them at a time. Of a verdict only its
    numbers travel back: reasons are found here, when somebody asks.

    Parameters
    ----------
    comments : sequence of Comment
        In any order, which is kept.
    model : SpamModel
        What judges; a worker keeps it from one part to the next.
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
    from concurrent.futures import BrokenExecutor

    jobs = jobs_for(n_jobs)
    size = max(_LEAST, min(CHUNK, -(-len(comments) // (4 * jobs))))
    if jobs == 1 or len(comments) <= size:
        return judge(comments, model=model)
    verdicts: list[Verdict] = []
    told_of = iter(comments)
    try:
        for part in in_order(_parts(comments, size, model, judge), n_jobs):
            verdicts += [_verdict(model, next(told_of), told) for told in part]
    except BrokenExecutor as error:
        raise SpamguardError(
            "a worker process was killed, most likely for want of memory: use fewer (n_jobs, --jobs)."
        ) from error
    return verdicts


def _parts(comments: Sequence[Comment], size: int, model: SpamModel, judge: Judge) -> Iterator[Any]:
    import joblib

    key, small, names, arrays = _taken_apart(model)
    for start in range(0, len(comments), size):
        part = comments[start : start + size]
        yield joblib.delayed(_judged)(judge, part, key, small, names, *arrays)


def _taken_apart(
    model: SpamModel,
) -> tuple[str, dict[str, Any], tuple[str, ...], list[NDArray[Any]]]:
    """Return a name for what `model` holds, its small fields, and its arrays beside their names.

    Arrays that are arguments of their own are sent to each worker of a Dask
    cluster once, and shared in memory by processes of one machine if they are large.
    """
    values = {f.name: getattr(model, f.name) for f in fields(model) if f.init}
    arrays = {name: value for name, value in values.items() if isinstance(value, np.ndarray)}
    small = {name: value for name, value in values.items() if name not in arrays}
    small["about"] = {}  # nothing is judged by it
    digest = hashlib.blake2b(repr(sorted(small.items())).encode(), digest_size=16)
    for name, array in arrays.items():
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest(), small, tuple(arrays), list(arrays.values())


def _judged(
    judge: Judge,
    comments: Sequence[Comment],
    key: str,
    small: dict[str, Any],
    names: tuple[str, ...],
    *arrays: NDArray[Any],
) -> list[_Told]:
    """Judge `comments` in a worker."""
    import joblib

    with _keeping:
        # The same object as for the part before: what it remembers of words and posts stays.
        model = _kept.pop(key, None)
        if model is None:
            # Copies: what was sent may be a file that joblib removes after the call.
            copies: dict[str, Any] = dict(zip(names, map(np.array, arrays), strict=True))
            model = SpamModel(**small, **copies)
        _kept[key] = model
        while len(_kept) > _MOST_KEPT:
            del _kept[next(iter(_kept))]
    # A worker of a cluster must not share its part out again.
    with joblib.parallel_config(backend="sequential"):
        verdicts = judge(comments, model=model)
    return [
        (v.spam_probability, v.label, v.discard, v.log_odds, v.language, v.language_known)
        for v in verdicts
    ]


def _verdict(model: SpamModel, comment: Comment, told: _Told) -> Verdict:
    probability, label, discard, log_odds, language, known = told
    return Verdict(
        spam_probability=probability,
        label=label,
        discard=discard,
        log_odds=log_odds,
        intercept=model.intercept,
        model=model.title,
        language=language,
        language_known=known,
        _reasons=partial(_reasons, model, comment),
        _source=(model, comment),
    )


def _reasons(model: SpamModel, comment: Comment, most: int | None = None) -> tuple[Reason, ...]:
    verdict = model.verdict(comment)
    return verdict.reasons if most is None else verdict.strongest(most)
