"""Comment and post to one row of numbers, with a name for every column.

A row holds the raw values of the named features and the hashed n-grams, block
by block. Only the background is learned here: the document frequency of each
term, which the topic family uses as weights.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import pairwise
from math import log
from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from spamguard.comment import Comment
from spamguard.features import ngrams
from spamguard.features.evidence import Evidence
from spamguard.features.families import FEATURES, strings_of, topic, values_of
from spamguard.features.ngrams import BLOCKS, CELLS
from spamguard.features.patterns import compile_all
from spamguard.features.reading import Reading, read, terms_of
from spamguard.features.rows import Rows, joined
from spamguard.features.text import MAX_HEAD, MAX_TAIL, plain_text, words_of

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

_BACKGROUND_SIZE: Final = 1 << 16
_BATCH, _BATCH_CHARACTERS = 256, 200_000
_WORTH_SHARING: Final = 2_000  # comments; sharing fewer takes longer than reading them


def _slot(term: str) -> int:
    return zlib.crc32(term.encode("utf-8", "replace")) & (_BACKGROUND_SIZE - 1)


def learn_background(comments: Iterable[Comment]) -> F32:
    """Return inverse document frequencies of terms in `comments`.

    Returns
    -------
    ndarray of float32, shape (65536,)
        ``log((n + 1) / (count + 1))`` by the hash of the term; terms are not stored.
    """
    counts = np.zeros(_BACKGROUND_SIZE)
    n = 0
    for comment in comments:
        n += 1
        terms = set(terms_of(words_of(plain_text(comment.text))))
        counts[list({_slot(term) for term in terms})] += 1
    # The model file stores half precision; rounding here keeps both equal.
    rounded: F32 = np.log((n + 1) / (counts + 1)).astype(np.float16).astype(np.float32)
    return rounded


_FLAT_BACKGROUND: Final[F32] = np.full(_BACKGROUND_SIZE, log(1000), np.float32)
_FLAT_BACKGROUND.flags.writeable = False


class Vectorizer:
    """Turns comments into rows.

    Parameters
    ----------
    bits : int
        Each block of n-grams has ``2**bits`` buckets.
    background : ndarray of float32, shape (65536,), optional
        Inverse document frequencies from `learn_background`; by default every term
        is equally rare.
    """

    background_size: Final = _BACKGROUND_SIZE

    def __init__(self, bits: int, background: F32 = _FLAT_BACKGROUND) -> None:
        self.bits = bits
        self.background = background
        # Reasons are mostly read right after the verdict, so keep the last comment.
        self._last: tuple[Comment, Reading, F64] | None = None

    @cached_property
    def _idf(self) -> _Idf:
        return _Idf(self.background)

    @cached_property
    def _hasher(self) -> ngrams.Hasher:
        return ngrams.Hasher(self.bits)

    def __getstate__(self) -> dict[str, object]:
        return {"bits": self.bits, "background": self.background, "_last": None}

    def rows(
        self,
        comments: Sequence[Comment],
        *,
        n_jobs: int | None = 1,
        dtype: DTypeLike = np.float64,
    ) -> Rows:
        """Return the rows of n `comments`; no row depends on the others.

        `n_jobs` counts processes that share large work, as joblib does. `dtype` is that of the
        named features; single precision, used for fitting, takes half the memory.
        """
        if n_jobs == 1 or len(comments) <= _WORTH_SHARING:
            return self._stacked(comments, dtype)
        import joblib

        jobs = joblib.effective_n_jobs(n_jobs)
        if jobs == 1:
            return self._stacked(comments, dtype)
        edges = np.linspace(0, len(comments), 8 * jobs + 1).astype(int)
        work = (joblib.delayed(self._stacked)(comments[a:b], dtype) for a, b in pairwise(edges))
        return joined(joblib.Parallel(n_jobs=jobs)(work))

    def batches(self, comments: Iterable[Comment]) -> Iterator[tuple[list[Comment], Rows]]:
        """Yield `comments` with their rows in batches, of which one is in memory at a time."""
        for batch in _batches(comments):
            yield batch, self._rows(batch)

    def evidence(self, comment: Comment) -> Evidence:
        """Return the text behind exactly the columns of `rows`."""
        last = self._last  # another thread may replace it at any time
        if last is not None and last[0] is comment:
            reading, values = last[1:]
        else:
            reading = read(comment)
            values = _values([reading], self._idf.weight)[0]
        return Evidence(
            reading.body.text,
            values,
            strings_of(reading, comment, values.tolist(), self._idf.weight),
            self._hasher.pieces(reading),
        )

    def prepare(self) -> None:
        """Compile every pattern now, so that the first comments do not wait."""
        compile_all()

    def _stacked(self, comments: Sequence[Comment], dtype: DTypeLike) -> Rows:
        parts = [self._rows(batch, dtype) for batch in _batches(comments)]
        return joined(parts) if parts else self._no_rows(dtype)

    def _rows(self, comments: Sequence[Comment], dtype: DTypeLike = np.float64) -> Rows:
        readings = [read(comment) for comment in comments]
        dense = _values(readings, self._idf.weight)
        if len(comments) == 1:
            self._last = comments[0], readings[0], dense[0].copy()
        indptr, columns, values = weigh(self._hasher.keys(readings), self.bits)
        languages = np.array([r.language for r in readings], "<U2")
        dense = dense.astype(dtype, copy=False)
        return Rows(dense, indptr, columns, values, languages, self.bits, self.background)

    def _no_rows(self, dtype: DTypeLike) -> Rows:
        return Rows(
            np.zeros((0, len(FEATURES)), dtype),
            np.zeros(1, np.int64),
            np.zeros(0, np.int32),
            np.zeros(0, np.float32),
            np.zeros(0, "<U2"),
            self.bits,
            self.background,
        )


_ROW = struct.Struct(f"={len(FEATURES)}d")


def _values(readings: Sequence[Reading], idf: topic.Idf) -> F64:
    """Return the raw values of the named features, shape (n, n_features)."""
    # Twice as fast as letting numpy convert every number.
    packed = bytearray().join([_ROW.pack(*row) for row in values_of(readings, idf)])
    return np.frombuffer(packed, np.float64).reshape(-1, len(FEATURES))


def _batches(comments: Iterable[Comment]) -> Iterator[list[Comment]]:
    """Split `comments` into lists, long enough for speed and short enough for memory."""
    batch: list[Comment] = []
    room = _BATCH_CHARACTERS
    for comment in comments:
        batch.append(comment)
        room -= min(len(comment.text), MAX_HEAD + MAX_TAIL)
        if room < 0 or len(batch) == _BATCH:
            yield batch
            batch, room = [], _BATCH_CHARACTERS
    if batch:
        yield batch


def weigh(grams: ngrams.Keys, bits: int) -> tuple[NDArray[np.int64], NDArray[np.int32], F32]:
    """Return the distinct n-grams of some comments as CSR: row ends, columns and values.

    Counts are sublinear and each block has unit length, so neither length nor
    repetition alone adds weight.
    """
    keys = grams.keys
    keys.sort()
    last = np.ones(len(keys), bool)  # of equal keys
    np.not_equal(keys[1:], keys[:-1], out=last[:-1])
    ends = last.nonzero()[0]
    sums = ends + 1
    sums[1:] -= sums[:-1].copy()
    counts = sums.astype(np.float32)
    distinct = keys[ends]
    n = grams.sizes.shape[1]
    sizes = np.zeros((n, CELLS), np.float32)
    np.maximum(grams.sizes.T, ngrams.LEAST, out=sizes[:, : len(BLOCKS)])
    counts /= sizes.ravel()[distinct >> bits]
    indptr = np.searchsorted(distinct, np.arange(n + 1) * (CELLS << bits))
    columns = (distinct & ((CELLS << bits) - 1)).astype(np.int32)
    return indptr, columns, np.sqrt(counts, out=counts)


class _Idf:
    """Inverse document frequencies, with a cache of recent terms."""

    def __init__(self, table: F32) -> None:
        weights: list[Any] = table.tolist()
        self.weight = lru_cache(maxsize=65_536)(lambda term: float(weights[_slot(term)]))
