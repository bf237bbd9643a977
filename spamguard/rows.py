"""Many comments as rows: what the estimator fits on and scikit-learn may slice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spamguard.comment import Comment
from spamguard.vectorizer import F32, Row, Vectorizer

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from spamguard.model import SpamModel


@dataclass(frozen=True, slots=True)
class Rows:
    """Vectorized comments.

    Made by `SpamClassifier.vectorize`; may be given wherever comments may, to
    fit or score the same comments again without reading them again.

    Parameters
    ----------
    dense : ndarray of float32, shape (n, n_features)
        Raw values of the named features; NaN where one does not apply.
    blocks : tuple of csr_matrix, each of shape (n, 2**bits)
        Hashed n-grams, block by block.
    background : ndarray of float32, shape (65536,)
        What the topic family weighed words by.
    """

    dense: F32
    blocks: tuple[csr_matrix, ...]
    background: F32

    def __len__(self) -> int:
        return int(self.dense.shape[0])

    @property
    def shape(self) -> tuple[int, int]:
        """Number of comments and of columns."""
        return len(self), self.dense.shape[1] + sum(b.shape[1] for b in self.blocks)

    @property
    def bits(self) -> int:
        """The n-grams fall into ``2**bits`` buckets."""
        return int(self.blocks[0].shape[1]).bit_length() - 1

    def __getitem__(self, index: Any) -> Rows:
        if np.isscalar(index):
            index = [index]
        return Rows(self.dense[index], tuple(b[index] for b in self.blocks), self.background)


def vectorize(comments: Sequence[Comment], vectorizer: Vectorizer, n_jobs: int | None = None) -> Rows:
    """Return `comments` as rows; `n_jobs` processes share the work (see joblib)."""
    import joblib

    jobs = joblib.effective_n_jobs(n_jobs) if len(comments) > 2_000 else 1
    if jobs == 1:
        return _join([_rows_of(comments, vectorizer)], vectorizer)
    edges = np.linspace(0, len(comments), 8 * jobs + 1).astype(int)
    parts = joblib.Parallel(n_jobs=jobs)(
        joblib.delayed(_rows_of)(comments[a:b], vectorizer)
        for a, b in zip(edges[:-1], edges[1:], strict=True)
    )
    return _join(parts, vectorizer)


_Part = tuple[F32, list[tuple[NDArray[np.int32], F32, NDArray[np.int64]]]]


def _rows_of(comments: Sequence[Comment], vectorizer: Vectorizer) -> _Part:
    rows: list[Row] = [vectorizer.row(comment) for comment in comments]
    dense = np.array([row.dense for row in rows], np.float32)
    blocks = []
    for k in range(len(rows[0].buckets) if rows else 0):
        sizes = np.array([len(row.buckets[k]) for row in rows], np.int64)
        buckets = np.concatenate([row.buckets[k] for row in rows])
        blocks.append((buckets, np.concatenate([row.values[k] for row in rows]), sizes))
    return dense, blocks


def _join(parts: list[_Part], vectorizer: Vectorizer) -> Rows:
    from scipy.sparse import csr_matrix

    dense = np.concatenate([part[0] for part in parts if len(part[0])])
    blocks = []
    for k in range(len(parts[0][1])):
        buckets, values, sizes = (
            np.concatenate([part[1][k][i] for part in parts]) for i in range(3)
        )
        pointers = np.concatenate((np.zeros(1, np.int64), np.cumsum(sizes)))
        shape = (len(dense), 1 << vectorizer.bits)
        blocks.append(csr_matrix((values, buckets, pointers), shape=shape))
    return Rows(dense, tuple(blocks), vectorizer.background)


def contributions_of(model: SpamModel, rows: Rows) -> NDArray[np.float64]:
    """Return what each named column adds, shape (n, n_names), as `SpamModel.contributions`."""
    dense = model.dense_contributions(rows.dense.astype(np.float64))
    grams = [block @ model.ngram_weights for block in rows.blocks]
    return np.column_stack([dense, *grams])
