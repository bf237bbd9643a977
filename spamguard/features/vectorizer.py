"""Comment and post to one row of numbers, with a name for every column.

A row holds the raw values of the named features and the hashed n-grams, block
by block. Only the background is learned here: the document frequency of each
term, which the topic family uses as weights.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import accumulate, pairwise
from math import log
from typing import Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from spamguard.comment import Comment
from spamguard.features import ngrams
from spamguard.features.evidence import Evidence
from spamguard.features.families import FEATURES, strings_of, values_of
from spamguard.features.lexer import words_of
from spamguard.features.patterns import compile_all
from spamguard.features.reading import Reading, read_many, terms_of
from spamguard.features.rows import Rows, joined
from spamguard.features.text import MAX_HEAD, MAX_TAIL, plain_text

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
        self._last: tuple[Comment, Reading, tuple[float, ...]] | None = None

    @cached_property
    def _idf(self) -> _Idf:
        return _Idf(self.background)

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
            _, reading, values = last
        else:
            (reading,) = read_many([comment])
            (values,) = values_of([reading], self._idf)
        return Evidence(
            reading.body.text,
            np.array(values),
            strings_of(reading, comment, values, self._idf),
            ngrams.pieces_of(reading, self.bits),
        )

    def prepare(self) -> None:
        """Compile every pattern now, so that the first comments do not wait."""
        compile_all()

    def _stacked(self, comments: Sequence[Comment], dtype: DTypeLike) -> Rows:
        parts = [self._rows(batch, dtype) for batch in _batches(comments)]
        return joined(parts) if parts else self._no_rows(dtype)

    def _rows(self, comments: Sequence[Comment], dtype: DTypeLike = np.float64) -> Rows:
        readings = read_many(comments)
        packed = bytearray().join([_ROW.pack(*row) for row in values_of(readings, self._idf)])
        dense = np.frombuffer(packed, np.float64).reshape(-1, len(FEATURES))
        grams = [ngrams.grams_of(r, self.bits) for r in readings]
        ends = accumulate((len(columns) >> 2 for columns, _ in grams), initial=0)
        return Rows(
            dense.astype(dtype, copy=False),
            np.fromiter(ends, np.int64, len(grams) + 1),
            np.frombuffer(b"".join([columns for columns, _ in grams]), np.int32),
            np.frombuffer(b"".join([values for _, values in grams]), np.float32),
            np.array([r.language for r in readings], "<U2"),
            self.bits,
            self.background,
        )

    def sums(
        self, comments: Iterable[Comment], columns: bytes, weights: F32
    ) -> Iterator[tuple[Comment, float, list[float], str]]:
        """Yield each comment with the sum of its named columns, those of its blocks and its language."""
        for batch in _batches(comments):
            # Step by step, which makes better use of the processor's caches.
            readings = read_many(batch)
            values = values_of(readings, self._idf)
            grams = [ngrams.grams_of(r, self.bits) for r in readings]
            self._last = batch[-1], readings[-1], values[-1]
            for i, r in enumerate(readings):
                named = ngrams.sum_of_named(values[i], columns)
                yield batch[i], named, ngrams.sums_of(*grams[i], weights, self.bits), r.language

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


_MOST_KEPT: Final = 65_536


class _Idf(dict[str, float]):
    """The inverse document frequency of any term, kept once it was asked for."""

    def __init__(self, table: F32) -> None:
        self._weights: list[float] = table.tolist()

    def __missing__(self, term: str) -> float:
        if len(self) >= _MOST_KEPT:
            self.clear()
        weight = self[term] = self._weights[_slot(term)]
        return weight
