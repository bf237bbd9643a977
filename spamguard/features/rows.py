"""Comments as rows of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spamguard.features.ngrams import BLOCKS

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Comments as rows of numbers.

    `SpamClassifier.vectorize` returns them. Fitting and scoring accept them in place
    of comments, which saves reading the comments again.

    Parameters
    ----------
    dense : ndarray of float, shape (n, n_features)
        Raw values of the named features; NaN where one does not apply. Double
        precision for scoring, single precision for fitting.
    indptr : ndarray of int64, shape (n + 1,)
        Row i has the n-grams from ``indptr[i]`` to ``indptr[i + 1]``.
    columns : ndarray of int32
        ``block * 2**bits + bucket`` of each n-gram; ascending within a row.
    values : ndarray of float32
        Value of each n-gram.
    languages : ndarray of str, shape (n,)
        Language code of each comment; empty if unclear.
    bits : int
        Each block has ``2**bits`` buckets.
    background : ndarray of float32, shape (65536,)
        Inverse document frequencies used by the topic family.
    """

    dense: NDArray[Any]
    indptr: NDArray[np.int64]
    columns: NDArray[np.int32]
    values: NDArray[np.float32]
    languages: NDArray[np.str_]
    bits: int
    background: NDArray[np.float32]

    def __len__(self) -> int:
        return int(self.dense.shape[0])

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of comments and of columns."""
        return len(self), self.dense.shape[1] + (len(BLOCKS) << self.bits)

    @property
    def buckets(self) -> NDArray[np.int64]:
        """The bucket of each n-gram, the index of its weight, shape (n_ngrams,)."""
        return (self.columns & ((1 << self.bits) - 1)).astype(np.int64)

    @property
    def blocks(self) -> NDArray[np.int32]:
        """The block of each n-gram, as an index of `BLOCKS`, shape (n_ngrams,)."""
        return self.columns >> self.bits

    @property
    def grams(self) -> csr_matrix:
        """The n-grams as a matrix of shape (n, n_blocks * 2**bits), block by block."""
        from scipy.sparse import csr_matrix

        shape = (len(self), len(BLOCKS) << self.bits)
        return csr_matrix((self.values, self.columns, self.indptr), shape)

    def folded(self) -> csr_matrix:
        """Return the n-grams of all blocks as one float32 matrix of shape (n, 2**bits).

        A bucket may occur in a row once per block.
        """
        from scipy.sparse import csr_matrix

        # Narrow indices, so that SciPy chooses the same types as for `grams`.
        buckets = self.buckets.astype(np.int32)
        return csr_matrix((self.values, buckets, self.indptr), (len(self), 1 << self.bits))

    def __getitem__(self, index: Any) -> Rows:
        if np.isscalar(index):
            index = [index]
        grams = self.grams[index]
        return Rows(
            self.dense[index],
            grams.indptr.astype(np.int64),
            grams.indices.astype(np.int32),
            grams.data,
            self.languages[index],
            self.bits,
            self.background,
        )


def joined(parts: Sequence[Rows]) -> Rows:
    """Return all rows of `parts`, which one vectorizer made, in order."""
    if len(parts) == 1:
        return parts[0]
    starts = accumulate((len(part.values) for part in parts), initial=0)
    ends = [part.indptr[1:] + start for part, start in zip(parts, starts, strict=False)]
    return Rows(
        np.concatenate([part.dense for part in parts]),
        np.concatenate([np.zeros(1, np.int64), *ends]),
        np.concatenate([part.columns for part in parts]),
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.languages for part in parts]),
        parts[0].bits,
        parts[0].background,
    )
