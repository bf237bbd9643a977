"""The comments to label first.

A label helps most where the model is unsure, where many other comments are similar, and
where no similar one has just been labelled. Near-copies of a text are one decision;
short texts ("why", "thanks") never count as copies.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from spamguard.corpus import campaigns_of, comments_of
from spamguard.errors import InputError
from spamguard.features import Rows
from spamguard.model import SpamModel

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_matrix

__all__ = ["Decision", "campaigns_of", "mark_of", "review_order", "spread"]
_CANDIDATES: Final = 20
"""Candidates compared per chosen comment."""
_SPREAD: Final = 2.0  # log-odds around the threshold where a model is unsure

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision for a comment and its near-copies.

    Parameters
    ----------
    row : int
        Row of the comment in the frame, from 0.
    copies : tuple of int
        Rows of all comments it applies to, with `row`.
    log_odds : float
        Of spam, by the model.
    gain : float
        Estimated usefulness; only the order matters.
    """

    row: int
    copies: tuple[int, ...]
    log_odds: float
    gain: float


def review_order(
    frame: pd.DataFrame,
    model: SpamModel,
    most: int = 100,
    *,
    watch: Callable[[str, int, int], None] | None = None,
    n_jobs: int | None = None,
) -> list[Decision]:
    """Return the most useful decisions, best first.

    Parameters
    ----------
    frame : DataFrame
        A corpus; labelled rows are ignored.
    model : SpamModel
        The model in use.
    most : int, default 100
        Maximum number of decisions.
    watch : callable, optional
        Called with a stage, the decisions found and their number.
    n_jobs : int, optional
        Processes that read the comments.

    Raises
    ------
    InputError
        If every row has a label, or `most` is below 1.
    """
    if most < 1:
        raise InputError("most must be at least 1.")
    unlabelled = np.flatnonzero(~frame["label"].isin(["ham", "spam"]).to_numpy(bool))
    if not len(unlabelled):
        raise InputError("every comment has a label: there is nothing left to label.")
    given = frame.iloc[unlabelled]
    groups = campaigns_of(given["text"].tolist())
    _, first, sizes = np.unique(groups, return_index=True, return_counts=True)
    rows = model.vectorizer.rows(comments_of(given.iloc[first]), n_jobs=n_jobs, dtype=np.float32)
    log_odds = model.decision_function(rows)
    members: dict[int, list[int]] = {}
    for place, group in zip(unlabelled.tolist(), groups.tolist(), strict=True):
        members.setdefault(group, []).append(place)
    found = []
    chosen = chosen_of(log_odds, sizes, rows, model, most)
    for done, (i, worth) in enumerate(chosen, 1):
        found.append(
            Decision(int(unlabelled[first[i]]), tuple(members[i]), float(log_odds[i]), worth)
        )
        if watch is not None:
            watch("decisions", done, min(most, len(first)))
    return found


def spread(frame: pd.DataFrame, decided: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the labelled rows and their near-copies, with the column ``label`` set.

    Parameters
    ----------
    frame : DataFrame
        The corpus of the queue.
    decided : iterable of mapping
        Lines of the queue with ``copies`` (rows of `frame`, from 1), ``mark`` (`mark_of`
        their texts) and ``label``. Lines without a label are ignored.

    Raises
    ------
    InputError
        If a line belongs to another corpus, or its label is neither ham nor spam.
    """
    texts, labels = frame["text"].tolist(), {}
    for line in decided:
        places = _places(line, texts)
        label = line.get("label")
        if label is None:
            continue
        if label not in ("ham", "spam"):
            raise InputError(f"label must be ham or spam, not {str(label)[:40]!r}.")
        labels.update(dict.fromkeys(places, label))
    rows = sorted(labels)
    return frame.iloc[rows].assign(label=[labels[row] for row in rows])


def mark_of(texts: Iterable[str]) -> str:
    """Return a digest (16 hexadecimal digits) of the texts of one decision, in order."""
    return hashlib.sha256("\0".join(texts).encode("utf-8", "replace")).hexdigest()[:16]


def _places(line: Mapping[str, Any], texts: list[str]) -> list[int]:
    copies = line.get("copies")
    rows = copies if isinstance(copies, list) else []
    places = [row - 1 for row in rows if isinstance(row, int) and 1 <= row <= len(texts)]
    own = [texts[place] for place in places]
    if not own or len(places) < len(rows) or line.get("mark") != mark_of(own):
        raise InputError(
            "a line belongs to the queue of another corpus: pass the unchanged file that the queue "
            "was made from."
        )
    return places


def chosen_of(
    log_odds: F64, sizes: NDArray[np.int64], rows: Rows, model: SpamModel, most: int
) -> Iterator[tuple[int, float]]:
    """Yield rows, one per campaign, and their gain, the most useful first."""
    gain = _uncertainty(log_odds, model) * np.sqrt(sizes)
    return _diverse(gain, _unit(rows.grams), min(most, len(gain)))


def _uncertainty(log_odds: F64, model: SpamModel) -> F64:
    """Return 1 halfway between the thresholds, falling to 0 on both sides."""
    middle = (model.cuts.unsure + model.cuts.spam) / 2
    found: F64 = 1.0 / (1.0 + ((log_odds - middle) / _SPREAD) ** 2)
    return found


def _unit(grams: csr_matrix) -> csr_matrix:
    from scipy.sparse import diags

    length = np.sqrt(np.asarray(grams.multiply(grams).sum(axis=1)).ravel())
    scaled: csr_matrix = (diags(1.0 / np.maximum(length, 1e-12)) @ grams).tocsr()
    return scaled


def _diverse(gain: F64, unit: Any, most: int) -> Iterator[tuple[int, float]]:
    """Yield rows by gain, which similarity to rows already yielded reduces."""
    pool = np.argsort(-gain, kind="stable")[: _CANDIDATES * most]
    nearest = np.zeros(len(pool))
    free = np.ones(len(pool), bool)
    own = unit[pool]
    for _ in range(most):
        worth = np.where(free, gain[pool] * (1.0 - nearest), -np.inf)
        best = int(np.argmax(worth))
        yield int(pool[best]), float(worth[best])
        free[best] = False
        likeness = np.asarray((own @ own[best].T).todense()).ravel()
        nearest = np.maximum(nearest, np.minimum(likeness, 1.0))
