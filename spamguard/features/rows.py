"""Many comments as rows: what the estimator fits on and scikit-learn may slice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spamguard.comment import Comment
from spamguard.features.families import FEATURES
from spamguard.features.ngrams import BLOCKS, CELLS
from spamguard.features.vectorizer import F32, Vectorizer, batches

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Vectorized comments.

    Made by `SpamClassifier.vectorize`; may be given wherever comments may, to
    fit or score the same comments again without reading them again.

    Parameters
    ----------
    dense : ndarray of float32, shape (n, n_features)
        Raw values of the named features; NaN where one does not apply.
    grams : csr_matrix of float32, shape (n, n_blocks * 2**bits)
        Hashed n-grams, the blocks side by side.
    background : ndarray of float32, shape (65536,)
        What the topic family weighed words by.
    languages : ndarray of str, shape (n,)
        Language of each comment; empty where it cannot be told.
    """

    dense: F32
    grams: csr_matrix
    background: F32
    languages: NDArray[np.str_]

    def __len__(self) -> int:
        return int(self.dense.shape[0])

    @property
    def shape(self) -> tuple[int, int]:
        """Number of comments and of columns."""
        return len(self), self.dense.shape[1] + self.grams.shape[1]

    @property
    def bits(self) -> int:
        """The n-grams of a block fall into ``2**bits`` buckets."""
        return (int(self.grams.shape[1]) // len(BLOCKS)).bit_length() - 1

    def __getitem__(self, index: Any) -> Rows:
        if np.isscalar(index):
            index = [index]
        return Rows(self.dense[index], self.grams[index], self.background, self.languages[index])

    def folded(self) -> csr_matrix:
        """Return the n-grams with all blocks in one table, as the weights have them."""
        from scipy.sparse import csr_matrix

        size = 1 << self.bits
        grams = self.grams
        return csr_matrix((grams.data, grams.indices & (size - 1), grams.indptr), (len(self), size))


def vectorize(
    comments: Sequence[Comment], vectorizer: Vectorizer, n_jobs: int | None = None
) -> Rows:
    """Return `comments` as rows; `n_jobs` processes share the work (see joblib)."""
    import joblib

    jobs = joblib.effective_n_jobs(n_jobs) if len(comments) > 2_000 else 1
    if jobs == 1:
        return _join([_rows_of(comments, vectorizer)], vectorizer)
    edges = np.linspace(0, len(comments), 8 * jobs + 1).astype(int)
    parts = joblib.Parallel(n_jobs=jobs)(
        joblib.delayed(_rows_of)(comments[a:b], vectorizer) for a, b in pairwise(edges)
    )
    return _join(list(parts), vectorizer)


def _rows_of(
    comments: Sequence[Comment], vectorizer: Vectorizer
) -> tuple[F32, NDArray[np.int32], F32, NDArray[np.int64], NDArray[np.str_]]:
    """Return dense values, columns and values of the n-grams, how many each has, and languages."""
    dense = np.empty((len(comments), len(FEATURES)), np.float32)
    columns: list[NDArray[np.int32]] = [np.zeros(0, np.int32)]
    values: list[F32] = [np.zeros(0, np.float32)]
    sizes = np.zeros(len(comments), np.int64)
    languages = np.zeros(len(comments), "<U2")
    end = 0
    for batch in batches(comments):
        start, end = end, end + len(batch)
        found = vectorizer.vectors(batch)
        dense[start:end], languages[start:end] = found.dense, found.languages
        block = found.cells % CELLS
        columns.append(((block << vectorizer.bits) + found.buckets).astype(np.int32))
        values.append(found.values)
        sizes[start:end] = np.bincount(found.cells // CELLS, minlength=len(batch))
    return dense, np.concatenate(columns), np.concatenate(values), sizes, languages


def _join(parts: list[Any], vectorizer: Vectorizer) -> Rows:
    from scipy.sparse import csr_matrix

    dense, columns, values, sizes, languages = (
        np.concatenate([part[i] for part in parts]) for i in range(5)
    )
    pointers = np.concatenate((np.zeros(1, np.int64), np.cumsum(sizes)))
    shape = (len(dense), len(BLOCKS) << vectorizer.bits)
    grams = csr_matrix((values, columns, pointers), shape)
    return Rows(dense, grams, vectorizer.background, languages)


def count_languages(
    languages: NDArray[np.str_], spam: NDArray[np.bool_]
) -> dict[str, dict[str, int]]:
    """Return how many ham and spam of each language there are; none where it cannot be told."""
    return {
        str(code): {
            "ham": int((~spam & (languages == code)).sum()),
            "spam": int((spam & (languages == code)).sum()),
        }
        for code in np.unique(languages[languages != ""])
    }
